"""What CogWriter writes reads back: pixels, grid, encoding, tags; same input, same bytes."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rio_cogeo import cog_validate
from writing import PROVENANCE, UTM, cut, encoding, grid, noise, write

from ursat.errors import OutputError, OutputExistsError, UsageError
from ursat.grid import Grid, Window
from ursat.io import part_files
from ursat.io.part_files import PartFiles
from ursat.io.provenance import read_provenance
from ursat.io.writer import CogWriter


@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [
        ("uint8", 0),
        ("int8", -128),
        ("uint16", 65535),
        ("int16", -9999),
        ("uint32", None),
        ("int32", 0),
        ("float32", math.nan),
        ("float64", -1e30),
    ],
)
def test_pixels_and_encoding_read_back(tmp_path, dtype, nodata):
    enc = encoding(dtype, nodata, bands=2, scales=(0.1, 2.0), offsets=(-3.5, 0.0), units=("reflectance", None))
    pixels = noise((2, 700, 900), dtype)
    out = write(tmp_path / "out.tif", pixels, enc, grid())
    assert cog_validate(out, strict=True) == (True, [], [])
    with rasterio.open(out) as found:
        np.testing.assert_array_equal(found.read(), pixels)
        assert found.dtypes == (dtype, dtype)
        assert found.nodata == nodata or (nodata is not None and math.isnan(nodata) and math.isnan(found.nodata))
        assert (found.scales, found.offsets, found.units) == ((0.1, 2.0), (-3.5, 0.0), ("reflectance", None))
        assert found.descriptions == enc.descriptions
        assert found.tags()["AREA_OR_POINT"] == "Area"
        assert found.tags(ns="IMAGE_STRUCTURE")["COMPRESSION"] == "ZSTD"
        assert found.overviews(1) == [2]


@pytest.mark.parametrize(
    "colours",
    [
        ("gray",),
        ("gray", "alpha"),
        ("red", "green", "blue"),
        ("blue", "green", "red"),
        ("red", "green", "blue", "alpha"),
        ("red", "green", "blue", "undefined"),
        ("gray", "undefined", "undefined", "undefined"),
        ("undefined", "red", "green", "blue", "nir"),
    ],
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_colour_interpretation_reads_back(tmp_path, colours, dtype):
    enc = encoding(dtype, 0, bands=len(colours), colorinterp=colours)
    out = write(tmp_path / "out.tif", noise((len(colours), 60, 70), dtype), enc, grid(60, 70))
    with rasterio.open(out) as found:
        names = tuple(colour.name for colour in found.colorinterp)
    assert names == colours


@pytest.mark.parametrize(
    ("transform", "crs"),
    [
        (Affine(30 / 7, 0, 300015, 0, -30 / 7, 4000005), UTM),
        (Affine(30 / 7, 0, 300015, 0, 30 / 7, 4000005), UTM),
        (Affine(4.0, 1.5, 300015, 1.4, -4.1, 4000005), UTM),
        (Affine(1 / 3600 / 7, 0, 110.1, 0, -1 / 3600 / 7, -33.7), CRS.from_epsg(4326).to_wkt()),
        (Affine(30 / 7, 0, 300015, 0, -30 / 7, 4000005), ""),
    ],
    ids=["north-up", "south-up", "rotated", "degrees", "no CRS"],
)
def test_grid_reads_back_exactly(tmp_path, transform, crs):
    where = Grid(60, 70, transform, crs)
    out = write(tmp_path / "out.tif", noise((3, 60, 70)), encoding(), where)
    with rasterio.open(out) as found:
        assert found.transform == transform
        assert found.shape == (60, 70)
        assert (found.crs.to_wkt() if found.crs else "") == crs


def test_same_pixels_give_the_same_bytes(tmp_path):
    """Neither threads, tiles, their order nor the file's name reach the file."""
    pixels = noise((3, 700, 900))
    first = write(tmp_path / "a.tif", pixels, encoding(), grid(), threads=1)
    second = write(tmp_path / "b.tif", pixels, encoding(), grid(), threads=2)
    with CogWriter(tmp_path / "c.tif", grid(), encoding()) as writer:
        for window in reversed(list(grid().window.blocks(130, 512))):
            writer.write(window, cut(pixels, window))
        third = writer.finish(dict(reversed(PROVENANCE.items())))
    assert first.read_bytes() == second.read_bytes() == third.read_bytes()


def test_provenance_reads_back(tmp_path):
    out = write(tmp_path / "out.tif", noise((3, 60, 70)), encoding(), grid(60, 70))
    assert read_provenance(out) == PROVENANCE
    with rasterio.open(out) as found:
        tags = found.tags(ns="URSAT")
    assert (tags["VERSION"], tags["MODEL"], tags["SCALE"], tags["SEED"]) == ("0.1.0", "fusion", "8", "0")


@settings(max_examples=15, deadline=None)
@given(
    bands=st.integers(1, 5),
    height=st.integers(1, 600),
    width=st.integers(1, 600),
    tile=st.sampled_from([64, 200, 1024]),
    dtype=st.sampled_from(["uint8", "int16", "float32"]),
)
def test_any_size_reads_back(tmp_path_factory, bands, height, width, tile, dtype):
    out = tmp_path_factory.mktemp("size") / "out.tif"
    pixels = noise((bands, height, width), dtype)
    write(out, pixels, encoding(dtype, None, bands), grid(height, width), tile=tile)
    with rasterio.open(out) as found:
        np.testing.assert_array_equal(found.read(), pixels)


@pytest.mark.parametrize("nodata", [0, 65535])
def test_what_is_not_written_is_nodata(tmp_path, nodata):
    window = Window(100, 200, 50, 60)
    with CogWriter(tmp_path / "out.tif", grid(), encoding(nodata=nodata)) as writer:
        writer.write(window, noise((3, 50, 60)))
        out = writer.finish(PROVENANCE)
    with rasterio.open(out) as found:
        pixels = found.read()
    assert np.count_nonzero(pixels != nodata) == np.count_nonzero(cut(pixels, window) != nodata) > 0


def test_user_options_win(tmp_path):
    options = [("compress", "DEFLATE"), ("BLOCKSIZE", "256"), ("OVERVIEWS", "NONE"), ("BIGTIFF", "YES")]
    out = write(tmp_path / "out.tif", noise((3, 700, 900)), encoding(), grid(), creation_options=options)
    with rasterio.open(out) as found:
        structure = found.tags(ns="IMAGE_STRUCTURE")
        assert structure["COMPRESSION"] == "DEFLATE"
        assert structure["PREDICTOR"] == "2"
        assert found.block_shapes[0] == (256, 256)
        assert found.overviews(1) == []
    assert out.read_bytes()[:4] == b"II+\x00"


def test_lossy_options_are_the_users_choice(tmp_path):
    pixels = noise((3, 300, 300), "uint8")
    out = write(
        tmp_path / "out.tif", pixels, encoding("uint8", None), grid(300, 300), creation_options=[("COMPRESS", "JPEG")]
    )
    with rasterio.open(out) as found:
        assert np.any(found.read() != pixels)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("FOO", "1"), "does not support creation option FOO"),
        (("COMPRESS", "nonsense"), "NONSENSE"),
        (("BLOCKSIZE", "100"), "BLOCKSIZE"),
        (("COMPRESS", "JPEG"), "JPEG"),
        (("RES", "10"), "keeps the input's grid"),
        (("COPY_SRC_MDD", "NO"), "provenance"),
    ],
)
def test_a_bad_option_is_refused_before_any_work(tmp_path, option, words):
    with (
        pytest.raises(UsageError, match=words) as caught,
        CogWriter(tmp_path / "out.tif", grid(), encoding(), creation_options=[option]),
    ):
        pytest.fail("the writer opened")
    assert "\n" not in caught.value.message
    assert list(tmp_path.iterdir()) == []


def test_an_exception_leaves_nothing(tmp_path):
    with (  # noqa: PT012
        pytest.raises(ZeroDivisionError),
        CogWriter(tmp_path / "out.tif", grid(), encoding()) as writer,
    ):
        writer.write(Window(0, 0, 100, 100), noise((3, 100, 100)))
        assert len(list(tmp_path.iterdir())) == 2
        1 / 0  # noqa: B018
    assert list(tmp_path.iterdir()) == []


def test_leaving_without_finish_leaves_nothing(tmp_path):
    with CogWriter(tmp_path / "out.tif", grid(), encoding()) as writer:
        writer.write(Window(0, 0, 100, 100), noise((3, 100, 100)))
    assert list(tmp_path.iterdir()) == []


def test_an_existing_output_is_kept_unless_asked(tmp_path):
    out = tmp_path / "out.tif"
    out.write_text("mine")
    with pytest.raises(OutputExistsError, match="already exists"):
        write(out, noise((3, 60, 70)), encoding(), grid(60, 70))
    assert out.read_text() == "mine"
    write(out, noise((3, 60, 70)), encoding(), grid(60, 70), overwrite=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.tif"]
    assert read_provenance(out) == PROVENANCE


def test_an_output_made_meanwhile_is_not_replaced(tmp_path):
    out = tmp_path / "out.tif"
    with CogWriter(out, grid(60, 70), encoding()) as writer:
        writer.write(Window(0, 0, 60, 70), noise((3, 60, 70)))
        out.write_text("somebody else's")
        with pytest.raises(OutputExistsError):
            writer.finish(PROVENANCE)
    assert out.read_text() == "somebody else's"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_corrupted_working_file_is_noticed(tmp_path):
    with CogWriter(tmp_path / "out.tif", grid(512, 512), encoding()) as writer:
        writer.write(Window(0, 0, 512, 512), noise((3, 512, 512)))
        writer._dataset.close()
        work = next(tmp_path.glob(".out.tif.*.work.part.tif"))
        raw = bytearray(work.read_bytes())
        raw[len(raw) // 2] ^= 1
        work.write_bytes(raw)
        writer._dataset = rasterio.open(work, "r+", driver="GTiff")
        with pytest.raises(OutputError, match="do not read back as written"):
            writer.finish(PROVENANCE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("window", "shape", "dtype"),
    [
        (Window(0, 0, 10, 10), (3, 10, 11), "uint16"),
        (Window(0, 0, 10, 10), (2, 10, 10), "uint16"),
        (Window(0, 0, 10, 10), (3, 10, 10), "int16"),
        (Window(695, 0, 10, 10), (3, 10, 10), "uint16"),
    ],
)
def test_misplaced_pixels_are_a_programming_error(tmp_path, window, shape, dtype):
    with CogWriter(tmp_path / "out.tif", grid(), encoding()) as writer, pytest.raises(ValueError):
        writer.write(window, np.ones(shape, dtype))


def test_growth_of_the_temporaries_is_heard_of_and_silence_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(part_files, "_LOOK_SECONDS", 0.01)
    heard = threading.Event()
    parts = PartFiles(tmp_path / "out.tif")
    part = parts.path("cog")
    part.write_bytes(b"1")
    with parts.watched(heard.set):
        assert not heard.wait(0.2)
        part.write_bytes(b"12")
        assert heard.wait(60)
    parts.close()


def test_windows_that_are_checked_are_heard_of(tmp_path):
    pixels, heard = noise((1, 64, 64), "uint16"), []
    with CogWriter(tmp_path / "out.tif", grid(64, 64), encoding("uint16", 0, bands=1)) as writer:
        for window in (Window(0, 0, 32, 64), Window(32, 0, 32, 64)):
            writer.write(window, pixels[:, window.row : window.row_stop])
        writer.finish(PROVENANCE, lambda: heard.append(1))
    assert len(heard) >= 2
