"""Files made to harm: bombs, loops, links and lies that a header or a metadata file can hold."""

from __future__ import annotations

import json
import struct
import zipfile

import numpy as np
import pytest
from landsat_scene import level1, write_metadata, write_scene
from reading import noise, write_tif
from sentinel2_product import level2a_xml, write_level2a, zipped

from ursat.errors import InputError
from ursat.io import raster, safexml, tree
from ursat.io.scene import open_scene
from ursat.models.core.config import CONTEXT_VERSION

ENTRY = "<HHII"


def refused(path, expected, **options):
    with pytest.raises(InputError, match=expected) as caught:
        open_scene(str(path), **options)
    assert "\n" not in caught.value.message
    assert caught.value.hint


def tiff(path, entries, *, following=0):
    """A little-endian TIFF of one directory at byte 8; ``following``: where it says that the next one is."""
    body = b"II*\0" + struct.pack("<IH", 8, len(entries))
    body += b"".join(struct.pack(ENTRY, *entry) for entry in sorted(entries)) + struct.pack("<I", following)
    path.write_bytes(body + bytes(600))
    return path


def entries(width, height, **more):
    found = {256: (4, width), 257: (4, height), 258: (3, 8), 259: (3, 1), 262: (3, 1), 277: (3, 1)}
    found |= {int(tag[1:]): value for tag, value in more.items()}
    return [(tag, kind, 1, value) for tag, (kind, value) in found.items()]


def test_directories_in_a_circle(tmp_path):
    strips = {"t273": (4, 300), "t278": (4, 8), "t279": (4, 64)}
    refused(tiff(tmp_path / "a.tif", entries(8, 8, **strips), following=8), "no coordinate reference system")


@pytest.mark.parametrize("tile", [16, 512])
def test_a_small_file_that_claims_a_million_million_tiles(tmp_path, tile):
    tiles = {"t322": (4, tile), "t323": (4, tile), "t324": (4, 0), "t325": (4, 0)}
    refused(tiff(tmp_path / "a.tif", entries(2**31 - 1, 2**31 - 1, **tiles)), "claims|damaged")


def test_more_bands_than_any_sensor_has(tmp_path, monkeypatch):
    monkeypatch.setattr(raster, "MAX_BANDS", 5)
    refused(write_tif(tmp_path / "a.tif", noise((6, 8, 8))), "claims 6 bands")


def test_blocks_of_all_bands_are_checked_in_bounded_work(tmp_path, monkeypatch):
    """The last block of a file by bands is looked at however many blocks there are."""
    monkeypatch.setattr("ursat.io.integrity.MAX_BLOCKS_CHECKED", 4)
    path = write_tif(tmp_path / "a.tif", noise((5, 64, 64)), interleave="band", tiled=False, blockysize=1)
    path.write_bytes(path.read_bytes()[:-8])
    refused(path, "truncated|damaged")


@pytest.mark.parametrize("number", ["nan", "inf", "1e999", "0", "1e-400", "1e-320", "1e300"])
def test_scales_that_make_no_reflectance(tmp_path, number):
    groups = level1()
    groups["LEVEL1_RADIOMETRIC_RESCALING"]["REFLECTANCE_MULT_BAND_4"] = number
    folder, _ = write_scene(tmp_path, groups)
    refused(folder, "REFLECTANCE_MULT_BAND_4|band B4 has scale")


def test_a_sun_that_makes_reflectances_infinite(tmp_path):
    groups = level1()
    groups["IMAGE_ATTRIBUTES"]["SUN_ELEVATION"] = "1e-320"
    folder, _ = write_scene(tmp_path, groups)
    refused(folder, "scale inf")


@pytest.mark.parametrize("value", ["0", "-1", "nan", "1e-300"])
def test_quantification_values(tmp_path, value):
    safe, _ = write_level2a(tmp_path, level2a_xml().replace(">10000<", f">{value}<"))
    refused(safe, "BOA_QUANTIFICATION_VALUE")


def test_an_offset_far_beyond_all_pixels(tmp_path):
    text = level2a_xml()
    assert ">-1000<" in text
    safe, _ = write_level2a(tmp_path, text.replace(">-1000<", ">-1e308<"))
    refused(safe, "BOA_ADD_OFFSET is -1e308")


def test_a_band_file_that_is_a_link_out_of_the_folder(tmp_path):
    groups = level1()
    folder, _ = write_scene(tmp_path, groups)
    secret = write_tif(tmp_path / "secret.tif", noise((40, 50)), crs="EPSG:32643")
    band = folder / groups["PRODUCT_CONTENTS"]["FILE_NAME_BAND_4"]
    band.unlink()
    band.symlink_to(secret)
    refused(folder, "link out of the product's folder", bands=("B4",))
    with open_scene(str(folder), bands=("B4",), trusted=True) as scene:
        assert scene.read(scene.grid.window).valid.any()
    inner = folder / "inner.tif"
    secret.rename(inner)
    band.unlink()
    band.symlink_to(inner)
    with open_scene(str(folder), bands=("B4",)) as scene:
        assert len(scene.info.bands) == 1


def test_a_product_whose_images_are_links_out_of_it(tmp_path):
    safe, _ = write_level2a(tmp_path)
    image = next(safe.rglob("*_B02_10m.jp2"))
    image.rename(tmp_path / "elsewhere.jp2")
    image.symlink_to(tmp_path / "elsewhere.jp2")
    refused(safe, "link out of the product's folder")
    with open_scene(str(safe), trusted=True) as scene:
        assert len(scene.info.bands) == 4


@pytest.mark.parametrize("name", ["../secret.TIF", "/etc/passwd", "a\0b", "x" * 300, "..", "."])
def test_names_in_metadata_stay_in_the_folder(tmp_path, name):
    write_tif(tmp_path / "secret.TIF", noise((40, 50)), crs="EPSG:32643")
    groups = level1()
    folder = tmp_path / "scene"
    folder.mkdir()
    groups["PRODUCT_CONTENTS"] = {
        key: name if key == "FILE_NAME_BAND_4" else value
        for key, value in groups["PRODUCT_CONTENTS"].items()
        if not key.startswith("FILE_NAME") or key == "FILE_NAME_BAND_4"
    }
    write_metadata(folder, groups, "json")
    refused(folder, "none of the band files")


def test_metadata_nested_beyond_reason(tmp_path):
    (tmp_path / "X_MTL.json").write_text('{"LANDSAT_METADATA_FILE": ' + "[" * 100_000)
    refused(tmp_path / "X_MTL.json", "JSON")
    (tmp_path / "MTD_MSIL2A.xml").write_text("<a>" * 200_000)
    refused(tmp_path / "MTD_MSIL2A.xml", "not well-formed")


def test_metadata_that_is_too_long(tmp_path, monkeypatch):
    monkeypatch.setattr(safexml, "MAX_BYTES", 1000)
    safe, _ = write_level2a(tmp_path, level2a_xml() + " " * 1000)
    refused(safe, "metadata over")


def test_a_folder_of_too_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(tree, "MAX_MEMBERS", 5)
    safe, _ = write_level2a(tmp_path)
    refused(safe, "more than 5 files")


def test_a_folder_that_contains_itself(tmp_path):
    safe, _ = write_level2a(tmp_path)
    (safe / "GRANULE" / "again").symlink_to(safe)
    with open_scene(str(safe)) as scene:
        assert len(scene.info.bands) == 4


def test_a_damaged_member_of_an_archive(tmp_path):
    safe, _ = write_level2a(tmp_path)
    archive = zipped(safe, tmp_path / "a.zip")
    with zipfile.ZipFile(archive) as packed:
        member = packed.getinfo(f"{safe.name}/MTD_MSIL2A.xml")
    data = bytearray(archive.read_bytes())
    begin = member.header_offset + 30 + len(member.filename)
    data[begin : begin + 40] = bytes(range(200, 240))
    archive.write_bytes(data)
    refused(archive, "does not unpack")


def test_a_file_that_shrinks_while_it_is_read(tmp_path):
    pixels = noise((1, 512, 512))
    path = write_tif(tmp_path / "a.tif", pixels, tiled=True, blockxsize=128, blockysize=128)
    with open_scene(str(path)) as scene:
        first = scene.grid.crop(scene.grid.window).window
        part = type(first)(0, 0, 128, 128)
        np.testing.assert_array_equal(scene.read(part).values[0], pixels[0, :128, :128])
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size // 2)
        with pytest.raises(InputError, match="band 1 in rows 384 to 511, columns 384 to 511 does not decode"):
            scene.read(type(first)(384, 384, 128, 128))


def test_areas_nested_beyond_reason(tmp_path):
    from ursat.run.region import read_aoi

    (tmp_path / "a.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="cannot read a GeoJSON area"):
        read_aoi(str(tmp_path / "a.json"))


SIZES = {"name": "x", "widths": [8], "blocks": [1], "embedding": 16, "context": CONTEXT_VERSION}


@pytest.mark.parametrize(
    "change",
    [
        {"config": {**SIZES, "widths": [10**9]}},
        {"config": {**SIZES, "blocks": [10**9]}},
        {"config": {**SIZES, "embedding": -1}},
        {"val": [1]},
        {"steps": float("inf")},
    ],
)
def test_weights_whose_header_asks_for_too_much(tmp_path, change):
    from tiny_network import META
    from ursat.models.core.weights import read_info

    text = json.dumps({"format": 2, **META, **change})
    header = json.dumps({"__metadata__": {"ursat": text}}).encode()
    path = tmp_path / "w.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(InputError, match="cannot be understood"):
        read_info(path)
