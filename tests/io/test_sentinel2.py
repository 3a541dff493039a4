"""Sentinel-2 folders and zips: the offset by metadata or baseline, clouds by SCL, unsafe archives refused."""

from __future__ import annotations

import stat
import zipfile

import numpy as np
import pytest
from sentinel2_product import level1c_xml, level2a_xml, transform_of, write_level1c, write_level2a, zipped

from ursat.errors import InputError
from ursat.grid import Window
from ursat.io.scene import open_scene


def test_level2a_folder(tmp_path):
    safe, pixels = write_level2a(tmp_path)
    with open_scene(str(safe)) as scene:
        info, block = scene.info, scene.read(scene.grid.window)
        clear = scene.clear(scene.grid.window)
    assert (info.sensor, info.level, info.driver, info.gsd_m) == ("sentinel-2b", "L2A", "JP2OpenJPEG", 10)
    assert [b.native_name for b in info.bands] == ["B02", "B03", "B04", "B08"]
    assert info.grid.transform == transform_of(10)
    stored = pixels["B04", 10]
    np.testing.assert_allclose(block.values[2][stored != 0], (stored[stored != 0] - 1000.0) / 10000, atol=1e-7)
    assert not block.valid[2, 0, 0]
    assert block.valid[2].sum() == stored.size - 1
    expected = np.ones(stored.shape, bool)
    expected[4:6, 6:8] = False
    np.testing.assert_array_equal(clear, expected)


@pytest.mark.parametrize(
    ("baseline", "offsets", "expected"),
    [
        ("04.00", True, -0.1),
        ("05.10", False, -0.1),
        ("04.00", False, -0.1),
        ("03.01", False, 0.0),
        ("02.14", True, -0.1),
    ],
)
def test_offset_by_metadata_then_baseline_never_by_date(tmp_path, baseline, offsets, expected):
    safe, _ = write_level2a(tmp_path, level2a_xml(baseline=baseline, offsets=offsets))
    with open_scene(str(safe)) as scene:
        assert scene.info.encoding.offsets == pytest.approx((expected,) * 4)
        assert scene.info.encoding.scales == pytest.approx((1e-4,) * 4)
        assert ("metadata" if offsets else f"baseline {baseline}") in dict(scene.info.rules)["scale/offset"]


def test_no_offset_and_no_baseline_is_an_error(tmp_path):
    safe, _ = write_level2a(tmp_path, level2a_xml(baseline="", offsets=False))
    with pytest.raises(InputError, match="offset cannot be known"):
        open_scene(str(safe))


def test_level1c(tmp_path):
    safe, pixels = write_level1c(tmp_path)
    with open_scene(str(safe / "MTD_MSIL1C.xml")) as scene:
        info, block = scene.info, scene.read(Window(10, 12, 5, 7))
        assert scene.clear(scene.grid.window).all()
    assert (info.sensor, info.level) == ("sentinel-2a", "L1C")
    np.testing.assert_allclose(block.values[0], (pixels["B02"][10:15, 12:19] - 1000.0) / 10000, atol=1e-7)
    assert any("clouds are not known" in text for text in info.warnings)
    with pytest.raises(InputError, match=r"different grids \(B02: 10 m.*B11: 20 m"):
        open_scene(str(safe), bands=("B02", "B11"))
    with open_scene(str(safe), bands=("swir16", "8a", "12")) as scene:
        assert scene.info.gsd_m == 20
        assert [b.native_name for b in scene.info.bands] == ["B11", "B8A", "B12"]


def test_bands_without_a_common_native_grid_come_at_the_finest_common_one(tmp_path):
    safe, pixels = write_level2a(tmp_path)
    with open_scene(str(safe), bands=("red", "swir16")) as scene:
        assert scene.info.gsd_m == 20
        value = scene.read(Window(8, 9, 1, 1)).values[0].item()
    assert value == pytest.approx((int(pixels["B04", 20][8, 9]) - 1000) / 10000, abs=1e-7)


def test_zip_gives_the_same_pixels(tmp_path):
    safe, _ = write_level2a(tmp_path)
    archive = zipped(safe, tmp_path / "product.zip")
    with open_scene(str(safe)) as folder, open_scene(str(archive)) as packed:
        np.testing.assert_array_equal(folder.read(folder.grid.window).values, packed.read(packed.grid.window).values)
        assert folder.info.bands == packed.info.bands
        assert folder.fingerprint() == packed.fingerprint()


def test_unpacked_files_are_removed(tmp_path, monkeypatch):
    safe, _ = write_level2a(tmp_path)
    archive = zipped(safe, tmp_path / "product.zip")
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with open_scene(str(archive)) as scene:
        unpacked = [p.name for p in folder.rglob("*.jp2")]
        assert len(unpacked) == 5  # four bands and the SCL, nothing else
        assert scene.any_valid()
    assert list(folder.iterdir()) == []


def _archive(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def _link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([("P.SAFE/../../evil", b"x")], "leaves the archive"),
        ([("/etc/evil", b"x")], "leaves the archive"),
        ([("P.SAFE\\..\\evil", b"x")], "leaves the archive|product metadata"),
        ([(_link("P.SAFE/link"), b"/etc/passwd")], "symbolic link"),
        ([("P.SAFE/bomb", bytes(3 << 20))], "expands more than"),
        ([("P.SAFE/readme.txt", b"nothing here")], "no Sentinel-2 product metadata"),
    ],
)
def test_unsafe_archives(tmp_path, entries, expected):
    archive = _archive(tmp_path / "evil.zip", entries)
    with pytest.raises(InputError, match=expected):
        open_scene(str(archive))
    assert not (tmp_path.parent / "evil").exists()


def test_truncated_zip(tmp_path):
    safe, _ = write_level2a(tmp_path)
    archive = zipped(safe, tmp_path / "product.zip")
    data = archive.read_bytes()
    archive.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="damaged or truncated zip"):
        open_scene(str(archive))


def test_damaged_member(tmp_path):
    safe, _ = write_level2a(tmp_path)
    archive = zipped(safe, tmp_path / "product.zip")
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as opened:
        info = next(i for i in opened.infolist() if i.filename.endswith("B02_10m.jp2"))
    middle = info.header_offset + info.compress_size // 2
    data[middle : middle + 50] = bytes(50)
    archive.write_bytes(data)
    with pytest.raises(InputError, match="does not unpack"):
        open_scene(str(archive))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>' + level2a_xml().split("\n", 1)[1], "document type"),
        (level2a_xml().encode("utf-16"), "not in UTF-8"),
        (level2a_xml()[:400], "not well-formed"),
        (level2a_xml().replace("Level-2A</PROC", "Level-2H</PROC"), "only L1C and L2A"),
        (level2a_xml().replace(">10000<", ">0<"), "QUANTIFICATION_VALUE is 0"),
        (level2a_xml().replace("BOA_QUANT", "X_QUANT"), "QUANTIFICATION_VALUE is missing"),
    ],
)
def test_bad_metadata(tmp_path, document, expected):
    safe, _ = write_level2a(tmp_path)
    (safe / "MTD_MSIL2A.xml").write_bytes(document if isinstance(document, bytes) else document.encode())
    with pytest.raises(InputError, match=expected) as caught:
        open_scene(str(safe))
    assert "\n" not in caught.value.message


def test_truncated_image(tmp_path):
    safe, _ = write_level2a(tmp_path)
    image = next(safe.rglob("*B03_10m.jp2"))
    data = image.read_bytes()
    for cut in (len(data) - 1, len(data) // 2):
        image.write_bytes(data[:cut])
        with pytest.raises(InputError, match="truncated"):
            open_scene(str(safe))


def test_several_granules(tmp_path):
    safe, _ = write_level2a(tmp_path)
    granule = next((safe / "GRANULE").iterdir())
    other = granule.with_name(granule.name.replace("T32TQM", "T32TPM"))
    (other / "IMG_DATA" / "R10m").mkdir(parents=True)
    image = next(granule.rglob("*_B02_10m.jp2"))
    (other / "IMG_DATA" / "R10m" / image.name).write_bytes(image.read_bytes())
    with pytest.raises(InputError, match="2 granules"):
        open_scene(str(safe))


def test_level1c_reprocessed_without_offset_list(tmp_path):
    safe, _ = write_level1c(tmp_path, level1c_xml(baseline="05.11", offsets=False))
    with open_scene(str(safe)) as scene:
        assert scene.info.encoding.offsets == pytest.approx((-0.1,) * 4)
