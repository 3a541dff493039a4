"""Single files: physical values, validity and the rules that decided them."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import SAMPLES, T30, noise, write_jp2, write_tif

from ursat.errors import InputError, UsageError
from ursat.grid import Window
from ursat.io.scene import open_scene
from ursat.io.spool import spool_stdin


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    pixels = noise((3, 90, 110))
    pixels[0, 5, 6] = 0
    path = tmp_path_factory.mktemp("stack") / "landsat8.tif"
    return write_tif(path, pixels, nodata=0, descriptions=("B2", "B3", "B4"), scale=2.75e-5, offset=-0.2), pixels


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(-40, 120), st.integers(-40, 120), st.integers(1, 150), st.integers(1, 150))
def test_reads_are_boundless(stack, row, col, height, width):
    path, pixels = stack
    with open_scene(str(path)) as scene:
        block = scene.read(Window(row, col, height, width))
        clear = scene.clear(Window(row, col, height, width))
    padded = np.zeros((3, 500, 500))
    padded[:, 150:240, 150:260] = np.where(pixels == 0, 0, pixels * 2.75e-5 - 0.2)
    there = np.zeros((3, 500, 500), bool)
    there[:, 150:240, 150:260] = pixels != 0
    cut = np.s_[:, row + 150 : row + 150 + height, col + 150 : col + 150 + width]
    np.testing.assert_array_equal(block.valid, there[cut])
    np.testing.assert_allclose(block.values, padded[cut], atol=1e-6)
    assert block.values.dtype == np.float32
    assert clear.shape == (height, width)
    assert clear.all()


def test_info_says_what_and_why(stack):
    with open_scene(str(stack[0])) as scene:
        info = scene.info
    assert (info.sensor, info.driver, info.gsd_m) == ("landsat-8", "GTiff", 30)
    assert [(b.index, b.native_name, b.common_name) for b in info.bands] == [
        (1, "B2", "blue"),
        (2, "B3", "green"),
        (3, "B4", "red"),
    ]
    assert info.bands[2].wavelength_um == pytest.approx(0.6546)
    rules = dict(info.rules)
    assert set(rules) >= {"sensor", "bands", "scale/offset", "nodata", "mask", "side-cars"}
    assert rules["scale/offset"] == "band scale and offset tags"
    assert rules["nodata"] == "tag: 0"
    assert "file name landsat8.tif" in rules["sensor"]
    assert info.encoding.descriptions == ("B2", "B3", "B4")
    assert json.loads(json.dumps(info.to_json()))["grid"]["width"] == 110


def test_sample_scene_carries_its_own_clouds():
    with open_scene(str(SAMPLES / "landsat8_c2_sr.tif")) as scene:
        assert [b.common_name for b in scene.info.bands] == ["blue", "green", "red", "nir08", "swir16", "swir22"]
        assert (scene.info.sensor, scene.info.level) == ("landsat-8", "L2SP")
        assert "band 7" in dict(scene.info.rules)["mask"]
    with open_scene(str(SAMPLES / "sentinel2.tif")) as scene:
        assert scene.info.sensor == "sentinel-2"
        assert [b.native_name for b in scene.info.bands] == ["B02", "B03", "B04"]


def test_quality_band_of_a_stack_is_the_mask(tmp_path):
    qa = np.full((20, 20), 21824, "uint16")
    for column, bit in enumerate(range(16)):
        qa[0, column] = 1 << bit
    pixels = np.stack([noise((20, 20)), qa])
    path = write_tif(tmp_path / "stack.tif", pixels, descriptions=("red", "QA_PIXEL"))
    with open_scene(str(path)) as scene:
        assert len(scene.info.bands) == 1
        clear = scene.clear(Window(0, 0, 1, 16))[0]
        assert list(np.flatnonzero(~clear)) == [0, 1, 2, 3, 4]
    with open_scene(str(path), mask="none") as scene:
        assert scene.clear(scene.grid.window).all()


@pytest.mark.parametrize(
    ("dtype", "nodata", "bad", "work"),
    [
        ("uint8", 255, [255], "float32"),
        ("int16", -9999, [-9999], "float32"),
        ("int32", -(2**31), [-(2**31)], "float64"),
        ("float32", -3.4028234663852886e38, [-3.4028234663852886e38, np.nan, np.inf], "float32"),
        ("float32", None, [np.nan, -np.inf], "float32"),
        ("float32", None, [-3.4028234663852886e38, 2.3e37], "float32"),  # nodata that lost its tag cannot be squared
        ("float64", float("nan"), [np.nan], "float64"),
    ],
)
def test_what_is_not_valid(tmp_path, dtype, nodata, bad, work):
    pixels = noise((1, 10, 10), dtype, high=200)
    pixels[0, 0, : len(bad)] = bad
    pixels[0, 1, 0] = 0  # zero is a number like others where nodata is another
    path = write_tif(tmp_path / "a.tif", pixels, nodata=nodata)
    with open_scene(str(path)) as scene:
        block = scene.read(scene.grid.window)
    assert block.values.dtype == work
    assert np.isfinite(block.values).all()
    assert block.valid.sum() == 100 - len(bad)
    assert not block.valid[0, 0, : len(bad)].any()
    np.testing.assert_array_equal(block.values[block.valid], pixels[block.valid])


def test_negative_and_bright_reflectance_are_kept(tmp_path):
    path = write_tif(tmp_path / "a.tif", np.array([[-500, 12000]], "int16"), scale=1e-4)
    with open_scene(str(path)) as scene:
        np.testing.assert_allclose(scene.read(scene.grid.window).values, [[[-0.05, 1.2]]], rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.0001", (1e-4, 0)),
        ("reflectance = DN * 2.75e-5 - 0.2 (bands 1-6)", (2.75e-5, -0.2)),
        ("DN*1e-4", (1e-4, 0)),
        ("1.0", (1, 0)),
        ("8-bit display values", (1, 0)),
    ],
)
def test_scale_tag(tmp_path, text, expected):
    path = write_tif(tmp_path / "a.tif", noise((5, 5)), tags={"SCALE": text})
    with open_scene(str(path)) as scene:
        encoding = scene.info.encoding
    assert (encoding.scales[0], encoding.offsets[0]) == pytest.approx(expected)


@pytest.mark.parametrize(("tag", "said"), [(b"nan", False), (b"0.500", True), (b"-9999", False)])
def test_impossible_nodata_is_ignored(tmp_path, tag, said):
    """Libraries refuse to write such a tag, but files have it: here the text of a good one is overwritten."""
    path = write_tif(tmp_path / "a.tif", noise((5, 5)), nodata=54321)
    data = path.read_bytes()
    assert data.count(b"54321\x00") == 1
    path.write_bytes(data.replace(b"54321\x00", tag.ljust(6, b"\x00")))
    with open_scene(str(path)) as scene:
        assert scene.info.encoding.nodata is None
        # rasterio itself drops most of them without a word
        assert any("cannot occur in uint16" in text for text in scene.info.warnings) == said
        assert scene.read(scene.grid.window).valid.all()


def test_band_selection(stack, tmp_path):
    path, pixels = stack
    for wanted, expected in (
        (("red", "blue"), [4, 2]),
        (("B4,B2",), [4, 2]),
        (("3", "1"), [4, 2]),
        (("SR_B4", "b2"), [4, 2]),
        (("green",), [3]),
    ):
        with open_scene(str(path), bands=wanted) as scene:
            assert [b.native_name for b in scene.info.bands] == [f"B{n}" for n in expected]
            value = scene.read(Window(7, 7, 1, 1)).values[:, 0, 0]
        np.testing.assert_allclose(value, pixels[[n - 2 for n in expected], 7, 7] * 2.75e-5 - 0.2, atol=1e-6)
    with pytest.raises(InputError, match=r"no band nir; it has 1:B2, 2:B3, 3:B4"):
        open_scene(str(path), bands=("red", "nir"))
    with pytest.raises(UsageError, match="twice"):
        open_scene(str(path), bands=("red", "B4"))


def test_bands_name_a_file_without_names(tmp_path):
    path = write_tif(tmp_path / "plain.tif", noise((3, 8, 8)))
    with open_scene(str(path)) as scene:
        assert [b.common_name for b in scene.info.bands] == [None] * 3
        assert "position" in scene.info.bands[0].rule
    with open_scene(str(path), bands=("blue", "green", "red")) as scene:
        assert [(b.index, b.common_name) for b in scene.info.bands] == [(1, "blue"), (2, "green"), (3, "red")]
        assert scene.info.bands[0].rule == "--bands: blue"
    with pytest.raises(InputError, match="no band blue, green"):
        open_scene(str(path), bands=("blue", "green"))


def test_nir_tagged_as_alpha_is_an_image_band(tmp_path):
    pixels = noise((4, 9, 9), "uint8", low=0, high=255)
    pixels[3, 0] = 0
    path = write_tif(
        tmp_path / "naip.tif",
        pixels,
        descriptions=("red", "green", "blue", "nir"),
        colours=("red", "green", "blue", "alpha"),
    )
    with open_scene(str(path)) as scene, scene.warp(scene.grid) as warped:
        assert [b.common_name for b in scene.info.bands] == ["red", "green", "blue", "nir"]
        assert scene.read(scene.grid.window).valid.all()
        np.testing.assert_array_equal(warped.read(scene.grid.window).values, pixels)


def test_colour_interpretation_names_an_rgb_picture(tmp_path):
    path = write_tif(tmp_path / "rgb.tif", noise((3, 9, 9), "uint8", high=255), photometric="RGB")
    with open_scene(str(path)) as scene:
        assert [b.common_name for b in scene.info.bands] == ["red", "green", "blue"]


def test_jpeg2000(tmp_path):
    pixels = noise((40, 40))
    path = write_jp2(tmp_path / "T32TQM_20220704T101559_B04_10m.jp2", pixels, Affine(10, 0, 699960, 0, -10, 5000040))
    with open_scene(str(path)) as scene:
        assert (scene.info.driver, scene.info.sensor) == ("JP2OpenJPEG", "sentinel-2")
        assert scene.info.bands[0].common_name == "red"
        np.testing.assert_array_equal(scene.read(scene.grid.window).values[0], pixels)


@pytest.mark.parametrize(
    "transform",
    [
        Affine(30, 0, 300015, 0, 30, 4000005),
        T30 * Affine.rotation(30),
        Affine(-30, 0, 300015, 0, -30, 4000005),
        Affine(0, 30, 300015, 30, 0, 4000005),
    ],
)
def test_any_affine_grid_is_read_as_it_is(tmp_path, transform):
    pixels = noise((12, 15))
    with open_scene(str(write_tif(tmp_path / "a.tif", pixels, transform=transform))) as scene:
        assert scene.grid.transform == transform
        np.testing.assert_array_equal(scene.read(scene.grid.window).values[0], pixels)
        with scene.warp(scene.grid.finer(2)) as warped:
            nearest = warped.read(warped.grid.window)
        assert nearest.valid.all()


def test_point_registered_files_keep_their_corner(tmp_path):
    path = write_tif(tmp_path / "a.tif", noise((12, 15)), tags={"AREA_OR_POINT": "Point"})
    with open_scene(str(path)) as scene:
        assert scene.grid.transform == T30


def test_any_valid(tmp_path):
    pixels = np.zeros((2, 1500, 1100), "uint16")
    path = write_tif(tmp_path / "empty.tif", pixels, nodata=0, tiled=True, compress="deflate")
    with open_scene(str(path)) as scene:
        assert not scene.any_valid()
    pixels[1, 1499, 1099] = 1
    path = write_tif(tmp_path / "one.tif", pixels, nodata=0, tiled=True, compress="deflate")
    with open_scene(str(path)) as scene:
        assert scene.any_valid()


def test_fingerprint_is_of_the_content(stack, tmp_path):
    path, pixels = stack
    copy = tmp_path / "landsat8_elsewhere.tif"
    copy.write_bytes(path.read_bytes())

    def fingerprint(path, **options):
        with open_scene(str(path), **options) as scene:
            return scene.fingerprint()

    first = fingerprint(path)
    assert len(first) == 64
    assert fingerprint(copy) == first
    assert fingerprint(copy, bands=("red",)) != first
    changed = pixels.copy()
    changed[2, 80, 100] += 1
    other = write_tif(
        tmp_path / "landsat8.tif", changed, nodata=0, descriptions=("B2", "B3", "B4"), scale=2.75e-5, offset=-0.2
    )
    assert fingerprint(other) != first


def test_large_files_are_fingerprinted_by_samples(stack, monkeypatch, tmp_path):
    monkeypatch.setattr("ursat.io.fingerprint.WHOLE_UP_TO_BYTES", 1000)
    monkeypatch.setattr("ursat.io.fingerprint.SAMPLE_BYTES", 256)
    path, _ = stack
    with open_scene(str(path)) as scene:
        first = scene.fingerprint()
        assert scene.fingerprint() == first
    longer = tmp_path / path.name
    longer.write_bytes(path.read_bytes() + b"\x00")
    with open_scene(str(longer)) as scene:
        assert scene.fingerprint() != first


class _Pipe(io.BytesIO):
    """A stream without seek, as a pipe is."""

    def seekable(self):
        return False

    def seek(self, *_):
        raise io.UnsupportedOperation


def test_standard_input(stack, monkeypatch, tmp_path):
    path, _ = stack
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": _Pipe(path.read_bytes())}))
    with open_scene("-") as scene, open_scene(str(path)) as direct:
        assert scene.info.path == "-"
        assert list(tmp_path.rglob("stdin"))
        np.testing.assert_array_equal(scene.read(scene.grid.window).values, direct.read(direct.grid.window).values)
    assert list(tmp_path.iterdir()) == []


def test_empty_or_terminal_standard_input(tmp_path, monkeypatch):
    from contextlib import ExitStack

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with ExitStack() as cleanup, pytest.raises(InputError, match="empty"):
        spool_stdin(cleanup, _Pipe(b""))
    terminal = _Pipe(b"")
    terminal.isatty = lambda: True
    with ExitStack() as cleanup, pytest.raises(UsageError, match="terminal"):
        spool_stdin(cleanup, terminal)
    assert list(tmp_path.iterdir()) == []
