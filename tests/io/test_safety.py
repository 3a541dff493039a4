"""Bad input: one clear line, a hint, and nothing opened that should stay closed."""

from __future__ import annotations

import os
import struct

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from reading import T30, UTM, noise, write_jp2, write_tif

from ursat.errors import InputError
from ursat.io.safety import locked_env
from ursat.io.scene import open_scene


def refused(path, expected, **options):
    with pytest.raises(InputError, match=expected) as caught:
        open_scene(str(path), **options)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code == 3
    return caught.value


VRT = """<VRTDataset rasterXSize="4" rasterYSize="4"><SRS>{crs}</SRS>
<GeoTransform>300015,30,0,4000005,0,-30</GeoTransform>
<VRTRasterBand dataType="UInt16" band="1"><SimpleSource>
<SourceFilename>{path}</SourceFilename><SourceBand>1</SourceBand>
</SimpleSource></VRTRasterBand></VRTDataset>"""


@pytest.mark.parametrize("name", ["scene.vrt", "scene.tif"])
def test_vrt_only_when_trusted(tmp_path, name):
    pixels = noise((4, 4))
    source = write_tif(tmp_path / "source.tif", pixels)
    path = tmp_path / name
    path.write_text(VRT.format(crs=UTM, path=source))
    assert "--trusted" in refused(path, "VRT").hint
    with open_scene(str(path), trusted=True) as scene:
        np.testing.assert_array_equal(scene.read(scene.grid.window).values[0], pixels)


@pytest.mark.parametrize(
    "text",
    [
        "/vsicurl/https://example.org/a.tif",
        "/vsizip/a.zip/b.tif",
        "https://example.org/a.tif",
        "s3://bucket/a.tif",
        "vrt://a.tif?bands=1",
    ],
)
def test_remote_paths(text):
    assert "download" in refused(text, "remote").hint


@pytest.mark.parametrize("text", ["GTI:a.gti", "NETCDF:a.nc:x", "WMS:x"])
def test_connection_strings(text):
    refused(text, "connection strings")


def test_text_in_place_of_a_path():
    refused(VRT, "not a path")
    refused('{"type": "FeatureCollection"}', "not a path")


def test_missing(tmp_path):
    refused(tmp_path / "nothing.tif", "no such file")
    refused(tmp_path, "a folder, but neither")
    (tmp_path / "empty.tif").touch()
    refused(tmp_path / "empty.tif", "empty")


def test_pipes_and_devices_are_not_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.tif")  # opening it would wait for ever
    assert "'-'" in refused(tmp_path / "pipe.tif", "neither a file nor a folder").hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_folder(tmp_path):
    (tmp_path / "closed").mkdir(mode=0)
    refused(tmp_path / "closed", "cannot be read")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
        (b"hello, world", "not a raster"),
        (b'{"type": "FeatureCollection"}', "JSON"),
        (b"<html></html>", "XML"),
        (b"II*\x00\xff\xff\xff\x7f" + bytes(100), "header is damaged or the file is truncated"),
        (b"PK\x03\x04" + bytes(30), "zip"),
    ],
)
def test_not_a_raster(tmp_path, data, expected):
    path = tmp_path / "a.tif"
    path.write_bytes(data)
    refused(path, expected)


@pytest.mark.parametrize("tiled", [True, False])
@pytest.mark.parametrize("compress", ["none", "deflate"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_truncated_tiff(tmp_path, tiled, compress, share):
    path = write_tif(tmp_path / "a.tif", noise((3, 300, 300)), tiled=tiled, compress=compress, blockysize=16)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    refused(path, "truncated|damaged")


def test_cloud_optimised_file_cut_at_its_end(tmp_path):
    """Its header comes first, so it opens without complaint and only the blocks are missing."""
    path = write_tif(tmp_path / "a.tif", noise((3, 700, 700)), driver="COG")
    data = path.read_bytes()
    path.write_bytes(data[:-1000])
    refused(path, "truncated")


def test_damaged_block(tmp_path):
    path = write_tif(tmp_path / "a.tif", noise((600, 600)), tiled=True, compress="deflate")
    with rasterio.open(path) as dataset:
        offset = int(dataset.get_tag_item("BLOCK_OFFSET_1_1", "TIFF", bidx=1))
    data = bytearray(path.read_bytes())
    data[offset : offset + 400] = bytes(400)
    path.write_bytes(data)
    refused(path, r"block \(1, 1\) of band 1 does not decode")


def test_truncated_jpeg2000(tmp_path):
    path = write_jp2(tmp_path / "a.jp2", noise((200, 200)), Affine(10, 0, 699960, 0, -10, 5000040))
    data = path.read_bytes()
    for cut in (len(data) - 2, len(data) // 2, 100):
        path.write_bytes(data[:cut])
        refused(path, "truncated|damaged")


def test_header_bomb(tmp_path):
    path = tmp_path / "bomb.tif"
    profile = {"driver": "GTiff", "count": 1, "dtype": "uint8", "crs": UTM, "transform": T30, "SPARSE_OK": True}
    huge = profile | {"tiled": True, "blockxsize": 16384, "blockysize": 16384, "BIGTIFF": "YES"}
    with rasterio.open(path, "w", width=2_000_000, height=2_000_000, **huge):
        pass
    assert path.stat().st_size < 1 << 20
    refused(path, "claims 2000000 x 2000000")
    with rasterio.open(path, "w", width=20_000, height=20_000, **huge | {"dtype": "uint16"}):
        pass
    refused(path, "one block of 16384 x 16384 pixels takes 512 MB")


def test_no_crs(tmp_path):
    path = write_tif(tmp_path / "a.tif", noise((8, 8)), crs=None)
    assert "gdal_edit.py -a_srs" in refused(path, "no coordinate reference system").hint
    path = write_tif(tmp_path / "b.tif", noise((8, 8)), crs=None, transform=None)
    refused(path, "no coordinate reference system")
    path = write_tif(tmp_path / "c.tif", noise((8, 8)), transform=None)
    refused(path, "no usable geotransform")


def test_ground_control_points_only(tmp_path):
    path = tmp_path / "a.tif"
    points = [GroundControlPoint(row, col, 300000 + 30 * col, 4e6 - 30 * row) for row in (0, 8) for col in (0, 8)]
    with rasterio.open(path, "w", driver="GTiff", width=8, height=8, count=1, dtype="uint16") as out:
        out.write(noise((1, 8, 8)))
        out.gcps = (points, rasterio.CRS.from_string(UTM))
    assert "gdalwarp" in refused(path, "ground control points").hint


def test_rational_polynomials_only(tmp_path):
    path = tmp_path / "a.tif"
    coefficients = " ".join(["1"] + ["0"] * 19)
    keys = (
        "LINE_OFF",
        "SAMP_OFF",
        "LAT_OFF",
        "LONG_OFF",
        "HEIGHT_OFF",
        "LINE_SCALE",
        "SAMP_SCALE",
        "LAT_SCALE",
        "LONG_SCALE",
        "HEIGHT_SCALE",
    )
    polynomials = dict.fromkeys(("LINE_NUM_COEFF", "LINE_DEN_COEFF", "SAMP_NUM_COEFF", "SAMP_DEN_COEFF"), coefficients)
    with rasterio.open(path, "w", driver="GTiff", width=8, height=8, count=1, dtype="uint16") as out:
        out.write(noise((1, 8, 8)))
        out.update_tags(ns="RPC", **dict.fromkeys(keys, "1"), **polynomials)
    assert "gdalwarp -rpc" in refused(path, "RPC").hint


@pytest.mark.parametrize("dtype", ["complex64", "complex128", "int64", "uint64"])
def test_unsupported_types(tmp_path, dtype):
    path = write_tif(tmp_path / "a.tif", np.ones((4, 4), dtype))
    refused(path, f"type {dtype}")


def test_palette(tmp_path):
    path = tmp_path / "a.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=8, height=8, count=1, dtype="uint8", crs=UTM, transform=T30
    ) as out:
        out.write(noise((1, 8, 8), "uint8", high=3))
        out.write_colormap(1, {0: (0, 0, 0, 255), 1: (255, 0, 0, 255)})
    refused(path, "colour-table")


def test_mixed_types_and_zero_scale(tmp_path):
    path = write_tif(tmp_path / "a.tif", noise((4, 4)))
    with rasterio.open(path, "r+") as out:
        out.scales = (0.0,)
    refused(path, "scale 0.0")


def test_side_cars_are_ignored(tmp_path):
    path = write_tif(tmp_path / "a.tif", noise((4, 4)))
    (tmp_path / "a.tif.aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="1"><Scale>7</Scale><NoDataValue>5</NoDataValue></PAMRasterBand></PAMDataset>'
    )
    (tmp_path / "a.tfw").write_text("1\n0\n0\n-1\n0\n0\n")
    with open_scene(str(path)) as scene:
        assert scene.info.encoding.scales == (1.0,)
        assert scene.info.encoding.nodata is None
        assert scene.grid.transform == T30


def test_masks_are_checked_like_images(tmp_path):
    path = write_tif(tmp_path / "a.tif", noise((4, 4)))
    evil = tmp_path / "mask.tif"
    evil.write_text(VRT.format(crs=UTM, path=path))
    refused(path, "VRT", mask=str(evil))
    refused(path, "no such file", mask=str(tmp_path / "none.tif"))
    refused(path, "not a folder", mask=str(tmp_path))


def test_a_header_that_lies_about_block_positions(tmp_path):
    """One strip offset of an uncompressed file moved beyond the end of the file."""
    path = write_tif(tmp_path / "a.tif", noise((64, 64)), tiled=False, blockysize=64)
    data = bytearray(path.read_bytes())
    (directory,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, directory)
    for number in range(count):
        entry = directory + 2 + 12 * number
        if struct.unpack_from("<H", data, entry)[0] == 273:  # StripOffsets
            struct.pack_into("<I", data, entry + 8, 50_000_000)
    path.write_bytes(data)
    refused(path, "truncated|damaged")


def test_environment_is_locked_and_restored():
    before = rasterio.env.hasenv() and rasterio.env.getenv()
    with locked_env():
        inside = rasterio.env.getenv()
        assert inside["GDAL_PAM_ENABLED"] == "NO"
        assert inside["GDAL_CACHEMAX"] == 64 << 20  # rasterio counts bytes
    assert (rasterio.env.hasenv() and rasterio.env.getenv()) == before
