"""`verify` accepts what keeps its promises and names what does not."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from outputs import BLUR, BOX, LONG, pair
from rasterio.crs import CRS

from ursat.errors import InputError
from ursat.run import verify_pixels
from ursat.run.verify import verify

sys.path.insert(0, str(Path(__file__).parent))


def failed(report) -> list[str]:
    return [check.name for check in report.checks if not check.ok]


def detail(report, name: str) -> str:
    return next(check.detail for check in report.checks if check.name == name)


@pytest.mark.parametrize("taps", [BOX, BLUR, LONG])
@pytest.mark.parametrize("k", [2, 3, 4, 7, 2.5, 7.5, 3.3])
def test_closed_outputs_pass(tmp_path, k, taps):
    report = verify(*pair(tmp_path, k, taps).write())
    assert failed(report) == [], report
    # the input is H(output) rounded, but where a fractional K leaves half cells of an input pixel without a value
    assert all(0.4 < band.max_dn <= 0.5 + 1e-9 for band in report.closure)
    assert all(band.pixels >= 100 for band in report.closure)
    if k == int(k):
        assert [band.pixels for band in report.closure] == [123, 125]


@pytest.mark.parametrize("dtype", ["int16", "int32", "float32", "float64"])
def test_every_dtype(tmp_path, dtype):
    """Whole numbers to 1 DN (negative ones too), floats to what the provenance says of them."""
    made = pair(tmp_path, 4, BLUR, dtype="float64" if dtype.startswith("float") else "uint16")
    sign = -1 if dtype == "int16" else 1
    made.out, made.seen = sign * made.out, sign * made.seen
    made.encoding = replace(made.encoding, dtype=dtype, scales=(1.0, 1.0), offsets=(0.0, 0.0))
    made.input_encoding = made.encoding
    assert failed(verify(*made.write())) == []
    made.seen += 2 if dtype.startswith("int") else 1e-4
    assert failed(verify(*made.write())) == ["input", "closure"]  # the fingerprint is the first input's


@pytest.mark.parametrize(("k", "chunk", "strip"), [(4, 4, 1), (4, 16, 5000), (2.5, 5, 3000), (7.5, 30, 1)])
def test_streaming_does_not_change_the_findings(tmp_path, monkeypatch, k, chunk, strip):
    files = pair(tmp_path, k, LONG, size=(20, 13)).write()
    whole = verify(*files)
    monkeypatch.setattr(verify_pixels, "_CHUNK_PX", chunk)
    monkeypatch.setattr(verify_pixels, "_STRIP_BYTES", strip)
    parts = verify(*files)
    assert failed(parts) == []
    for a, b in zip(whole.closure, parts.closure, strict=True):
        assert (a.pixels, a.over) == (b.pixels, b.over)
        assert a.max_dn == pytest.approx(b.max_dn, abs=1e-9)
        assert a.rmse_dn == pytest.approx(b.rmse_dn, abs=1e-9)


def test_a_broken_block_is_found_and_counted(tmp_path):
    made = pair(tmp_path, 4)
    made.out[1, 20:24, 20:24] += 2
    report = verify(*made.write())
    assert failed(report) == ["closure"]
    assert [band.over for band in report.closure] == [0, 1]
    assert 1.5 <= report.closure[1].max_dn <= 2.5
    made.provenance["closure"]["infeasible_px"] = 1
    assert failed(verify(*made.write())) == []


def test_auto_is_judged_by_the_recorded_noise(tmp_path):
    made = pair(tmp_path, 4)
    made.provenance["closure"]["mode"] = "auto"
    made.seen += np.random.default_rng(1).normal(0, 2.2, made.seen.shape)
    assert failed(verify(*made.write())) == []  # 2.2 and rounding lie under 1.2 x 2
    made.provenance["noise_dn"] = [2.0, 1.0]
    report = verify(*made.write())
    assert failed(report) == ["closure"]
    assert [band.limit_dn for band in report.closure] == [2.4, 1.2]


def test_off_is_reported_but_not_judged(tmp_path):
    made = pair(tmp_path, 4)
    made.provenance["closure"]["mode"] = "off"
    made.seen += 50
    report = verify(*made.write())
    assert failed(report) == []
    assert report.closure[0].rmse_dn == pytest.approx(50, abs=0.1)
    assert json.loads(json.dumps(report.to_json()))["closure"][0]["limit_dn"] is None


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [((0, 16, 32), 5000, "1 values where"), ((0, 0, 0), 0, "1 missing")],
    ids=["leaked", "lost"],
)
def test_nodata_that_moved_is_found(tmp_path, where, value, words):
    made = pair(tmp_path, 4)
    made.out[where] = value
    report = verify(*made.write())
    assert "nodata" in failed(report)
    assert words in detail(report, "nodata")
    assert str(where[1:]) in detail(report, "nodata")


@pytest.mark.parametrize("k", [2.5, 7.5])
def test_pixels_beyond_the_input_are_nodata(tmp_path, k):
    made = pair(tmp_path, k, size=(9, 13))
    assert np.all(made.out[:, -1, :] == 0)  # the last centre, 22.5/2.5 or 67.5/7.5, lies on the edge: outside
    made.out[:, -1, -1] = 5000
    assert "nodata" in failed(verify(*made.write()))


def test_a_polygon_may_leave_pixels_out_but_not_add_any(tmp_path):
    made = pair(tmp_path, 4, LONG)
    made.out[:, :, :20] = 0
    assert "nodata" in failed(verify(*made.write()))
    made.provenance["aoi"] = True
    report = verify(*made.write())
    assert failed(report) == []
    assert all(0 < band.pixels < 100 for band in report.closure)
    made.out[0, 12, 24] = 5000
    assert "nodata" in failed(verify(*made.write()))


@pytest.mark.parametrize("taps", [BOX, LONG])
def test_a_window_is_compared_with_its_part_of_the_input(tmp_path, taps):
    made = pair(tmp_path, 4, taps)
    full = made.grid
    made.provenance["window"] = [2, 1, 9, 8]  # column, row, width, height
    made.out = made.out[:, 4:36, 8:44]
    made.grid = replace(full, height=32, width=36, transform=full.transform @ Affine.translation(8, 4))
    report = verify(*made.write())
    assert failed(report) == []
    assert all(band.pixels > (60 if taps == BOX else 10) for band in report.closure)
    assert "grid" in failed(verify(*made.write(), window_from_provenance=False))


@pytest.mark.parametrize("change", ["half a pixel", "last bit", "size", "crs"])
def test_a_wrong_grid_is_found(tmp_path, change):
    made = pair(tmp_path, 4)
    t = made.grid.transform
    if change == "half a pixel":
        made.grid = replace(made.grid, transform=t @ Affine.translation(0.5, 0))
    elif change == "last bit":
        made.grid = replace(made.grid, transform=Affine(t.a, t.b, np.nextafter(t.c, 1e9), t.d, t.e, t.f))
    elif change == "size":
        made.grid = replace(made.grid, width=made.grid.width - 1)
        made.out = made.out[:, :, :-1]
    else:
        made.grid = replace(made.grid, crs=CRS.from_epsg(32650).to_wkt())
    assert "grid" in failed(verify(*made.write()))


@pytest.mark.parametrize("transform", [Affine(30, 0, 0, 0, 30, 50), Affine(29, 3, 300015, 2, -28, 4000005)])
def test_any_affine_grid(tmp_path, transform):
    made = pair(tmp_path, 7.5)
    made.input_transform = transform
    made.grid = replace(made.grid, transform=transform @ Affine.scale(1 / 7.5))
    assert failed(verify(*made.write())) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dtype", "int32"),
        ("nodata", 7.0),
        ("nodata", None),
        ("scales", (1e-4, 1e-4)),
        ("offsets", (0.0, 0.0)),
        ("units", ("m", None)),
        ("descriptions", ("B5", "B4")),
        ("colorinterp", ("red", "green")),
    ],
)
def test_a_changed_encoding_is_found(tmp_path, name, value):
    made = pair(tmp_path, 4, holes=False)
    made.encoding = replace(made.encoding, **{name: value})
    report = verify(*made.write())
    assert failed(report) == ["bands"]


def test_a_changed_encoding_is_fine_where_it_was_asked_for(tmp_path):
    made = pair(tmp_path, 4)
    made.encoding = replace(made.encoding, dtype="float32", nodata=float("nan"))
    made.out = np.where(made.out == 0, np.nan, made.out)
    assert failed(verify(*made.write())) == ["bands"]
    made.provenance |= {"dtype": "float32", "nodata": "nan"}
    assert failed(verify(*made.write())) == []


def test_another_band_count(tmp_path):
    made = pair(tmp_path, 4)
    made.out = made.out[:1]
    for name in ("scales", "offsets", "units", "descriptions", "colorinterp"):
        made.encoding = replace(made.encoding, **{name: getattr(made.encoding, name)[:1]})
    report = verify(*made.write())
    assert set(failed(report)) == {"bands", "nodata", "closure"}


def test_another_input(tmp_path):
    made = pair(tmp_path, 4)
    made.provenance["input"]["sha256"] = "0" * 64
    assert failed(verify(*made.write())) == ["input"]


@pytest.mark.parametrize(
    "name",
    ["ursat", "model", "scale", "window", "input", "sensor", "closure", "noise_dn", "octaves", "effective_gsd_m"],
)
def test_a_missing_part_of_the_provenance_is_a_failed_check(tmp_path, name):
    made = pair(tmp_path, 4)
    del made.provenance[name]
    report = verify(*made.write())
    assert "provenance" in failed(report)
    assert f"{name}" in detail(report, "provenance")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("scale", "four"),
        ("scale", 0),
        ("scale", True),
        ("sensor.taps", [0.5, 0.4]),
        ("sensor.taps", [1.0]),
        ("sensor.taps", []),
        ("sensor", None),
        ("closure.mode", "perfect"),
        ("closure.tolerance_dn", ["a"]),
        ("window", [1, 2]),
        ("window", [50, 50, 3, 3]),
        ("window", [0.5, 0, 3, 3]),
        ("noise_dn", {}),
    ],
)
def test_nonsense_in_the_provenance_never_raises(tmp_path, path, value):
    made = pair(tmp_path, 4)
    *keys, last = path.split(".")
    holder = made.provenance
    for key in keys:
        holder = holder[key]
    holder[last] = value
    report = verify(*made.write())
    assert failed(report)
    assert all("\n" not in check.detail for check in report.checks)


def test_no_provenance_at_all(tmp_path):
    _, source = pair(tmp_path, 4).write()
    assert set(failed(verify(source, source))) >= {"provenance", "grid", "nodata", "closure"}


def test_a_plain_tiff_is_not_a_cog(tmp_path):
    made = pair(tmp_path, 64)
    output, source = made.write()
    with rasterio.open(output) as cog:
        plain = tmp_path / "plain.tif"
        with rasterio.open(plain, "w", **(cog.profile | {"blockxsize": 128, "blockysize": 128})) as file:
            file.write(cog.read())
            file.scales, file.offsets, file.descriptions = cog.scales, cog.offsets, cog.descriptions
            file.update_tags(ns="URSAT", **cog.tags(ns="URSAT"))
    assert failed(verify(str(plain), source)) == ["cog"]
    assert "rio-cogeo" in detail(verify(output, source), "cog")


@pytest.mark.parametrize("valid", [True, False])
def test_the_layout_is_judged_without_rio_cogeo_too(tmp_path, monkeypatch, valid):
    made = pair(tmp_path, 64)
    if not valid:
        made.options = [("OVERVIEWS", "NONE")]
    files = made.write()
    monkeypatch.setitem(sys.modules, "rio_cogeo", None)
    monkeypatch.setitem(sys.modules, "rio_cogeo.cogeo", None)
    report = verify(*files)
    assert failed(report) == ([] if valid else ["cog"])
    assert "ursat" in detail(report, "cog")


def test_a_truncated_output_is_not_a_crash(tmp_path):
    output, source = pair(tmp_path, 16).write()
    raw = Path(output).read_bytes()
    Path(output).write_bytes(raw[: len(raw) * 2 // 3])
    report = verify(output, source)
    assert "bands" in failed(report)
    assert "do not decode" in detail(report, "bands")


def test_files_that_cannot_be_opened(tmp_path):
    output, source = pair(tmp_path, 4).write()
    with pytest.raises(InputError):
        verify(str(tmp_path / "missing.tif"), source)
    with pytest.raises(InputError):
        verify(output, str(tmp_path / "missing.tif"))
    with pytest.raises(InputError, match="folder"):
        verify(str(tmp_path), source)
