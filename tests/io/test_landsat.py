"""Landsat Collection-2 folders: reflectance by the metadata's coefficients, clouds by QA_PIXEL."""

from __future__ import annotations

import math

import numpy as np
import pytest
from landsat_scene import L1_ID, L2_ID, SHAPE, SUN_ELEVATION, T30, level1, level2, odl, write_metadata, write_scene
from reading import write_tif

from ursat.errors import InputError
from ursat.grid import Window
from ursat.io.scene import open_scene


@pytest.mark.parametrize("kind", ["txt", "json", "xml"])
def test_level2_is_surface_reflectance(tmp_path, kind):
    folder, pixels = write_scene(tmp_path, level2(), kind)
    with open_scene(str(folder)) as scene:
        block = scene.read(scene.grid.window)
        info = scene.info
    assert [b.native_name for b in info.bands] == [f"B{n}" for n in range(1, 8)]
    assert [b.common_name for b in info.bands[1:5]] == ["blue", "green", "red", "nir08"]
    assert (info.sensor, info.level, info.acquired) == ("landsat-9", "L2SP", "2023-05-20T05:05:09.9317520Z")
    assert info.grid.transform == T30
    assert (info.encoding.dtype, info.encoding.nodata) == ("uint16", 0)
    expected = pixels["B4"].astype(float) * 2.75e-5 - 0.2
    np.testing.assert_allclose(block.values[3][block.valid[3]], expected[pixels["B4"] != 0], atol=1e-7)
    assert not block.valid[:, 0, 0].any()
    assert block.valid.sum() == 7 * (SHAPE[0] * SHAPE[1] - 1)
    assert block.values[3].max() > 0.9  # bright surfaces are kept


def test_level1_is_divided_by_the_suns_sine(tmp_path):
    folder, pixels = write_scene(tmp_path, level1())
    with open_scene(str(folder), bands=("nir", "red")) as scene:
        block = scene.read(Window(20, 20, 4, 6))
        info = scene.info
    assert [b.native_name for b in info.bands] == ["B5", "B4"]
    sine = math.sin(math.radians(SUN_ELEVATION))
    expected = (pixels["B4"][20:24, 20:26] * 2e-5 - 0.1) / sine
    np.testing.assert_allclose(block.values[1], expected, atol=1e-6)
    assert "sin(SUN_ELEVATION)" in dict(info.rules)["scale/offset"]


@pytest.mark.parametrize("name", [f"{L2_ID}_MTL.txt", f"{L2_ID}_MTL.json"])
def test_metadata_file_stands_for_its_folder(tmp_path, name):
    folder, pixels = write_scene(tmp_path, level2(), name[-4:].strip("."))
    with open_scene(str(folder / name), bands=("B2",)) as scene:
        assert scene.read(Window(5, 5, 1, 1)).values.item() == pytest.approx(pixels["B2"][5, 5] * 2.75e-5 - 0.2)


def test_clear_follows_qa_pixel(tmp_path):
    folder, _ = write_scene(tmp_path, level2())
    with open_scene(str(folder)) as scene:
        clear = scene.clear(scene.grid.window)
        assert scene.read(scene.grid.window).valid[0, 15, 15]  # a cloud is still an image to enlarge
    expected = np.ones(SHAPE, bool)
    expected[10:20], expected[0, 0] = False, False
    np.testing.assert_array_equal(clear, expected)


def test_thermal_bands_are_kelvin(tmp_path):
    folder, pixels = write_scene(tmp_path, level2())
    with open_scene(str(folder), bands=("B10",)) as scene:
        value = scene.read(Window(7, 7, 1, 1)).values.item()
        assert scene.info.encoding.units == ("kelvin",)
    assert value == pytest.approx(pixels["B10"][7, 7] * 0.00341802 + 149.0, rel=1e-6)


def test_pan_is_a_grid_of_its_own(tmp_path):
    folder, _ = write_scene(tmp_path, level1())
    with open_scene(str(folder), bands=("pan",)) as scene:
        assert scene.info.gsd_m == 15
        # the clear mask is the 30 m one, laid over the 15 m grid: cloud rows 10-19 at y 300..600 below the 30 m origin
        clear = scene.clear(scene.grid.window)[:, 10]
    centres = 7.5 + 15 * (np.arange(len(clear)) + 0.5)
    away = np.minimum(abs(centres - 300), abs(centres - 600)) > 0.1  # centres on an edge may go either way
    np.testing.assert_array_equal(clear[away], ~((centres > 300) & (centres < 600))[away])
    with pytest.raises(InputError, match=r"different grids \(B4: 30 m.*B8: 15 m") as caught:
        open_scene(str(folder), bands=("B4", "B8"))
    assert "--bands" in caught.value.hint


def test_missing_bands_are_said(tmp_path):
    folder, _ = write_scene(tmp_path, level2())
    (folder / f"{L2_ID}_SR_B1.TIF").unlink()
    (folder / f"{L2_ID}_QA_PIXEL.TIF").unlink()
    with open_scene(str(folder)) as scene:
        assert len(scene.info.bands) == 6
        assert "not there: B1" in dict(scene.info.rules)["bands"]
        assert any("QA_PIXEL" in text for text in scene.info.warnings)
        assert scene.clear(scene.grid.window).all()
    with pytest.raises(InputError, match="no band B1"):
        open_scene(str(folder), bands=("B1",))


def test_names_in_the_metadata_do_not_leave_the_folder(tmp_path):
    write_tif(tmp_path / "secret.tif", np.ones((40, 50), "uint16"))
    groups = level2()
    folder, _ = write_scene(tmp_path, groups)
    groups["PRODUCT_CONTENTS"]["FILE_NAME_BAND_4"] = "../secret.tif"
    write_metadata(folder, groups)
    with pytest.raises(InputError, match="no band B4"):
        open_scene(str(folder), bands=("B4",))


def test_a_fake_band_file_is_refused(tmp_path):
    folder, _ = write_scene(tmp_path, level2())
    (folder / f"{L2_ID}_SR_B4.TIF").write_text('<VRTDataset rasterXSize="1" rasterYSize="1"></VRTDataset>')
    with pytest.raises(InputError, match="VRT"):
        open_scene(str(folder))


def test_bad_metadata(tmp_path):
    folder, _ = write_scene(tmp_path, level2())
    path = folder / f"{L2_ID}_MTL.txt"
    whole = path.read_text()
    for text, expected in (
        (whole[: len(whole) // 2], "truncated inside group"),
        (odl(level2(), "L1_METADATA_FILE"), "not Collection-2 metadata"),
        (whole.replace("LANDSAT_9", "LANDSAT_7"), "spacecraft 7"),
        (whole.replace("REFLECTANCE_MULT_BAND_3 = 2.75e-05", "REFLECTANCE_MULT_BAND_3 = broken"), "not a number"),
        (whole.replace("_SR_B", "_XX_B").replace("_ST_B", "_XX_B"), "none of the band files"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=expected) as caught:
            open_scene(str(folder))
        assert caught.value.hint
        assert "\n" not in caught.value.message


def test_night_scene_has_no_reflectance(tmp_path):
    groups = level1()
    groups["IMAGE_ATTRIBUTES"]["SUN_ELEVATION"] = "-35.2"
    folder, _ = write_scene(tmp_path, groups)
    with pytest.raises(InputError, match="SUN_ELEVATION"):
        open_scene(str(folder))


def test_two_scenes_in_one_folder(tmp_path):
    folder, _ = write_scene(tmp_path, level2())
    write_metadata(folder, level1())
    with pytest.raises(InputError, match="several Landsat scenes"):
        open_scene(str(folder))


def test_single_band_file_is_known_by_its_name(tmp_path):
    folder, pixels = write_scene(tmp_path, level2())
    with open_scene(str(folder / f"{L2_ID}_SR_B5.TIF")) as scene:
        info, value = scene.info, scene.read(Window(3, 3, 1, 1)).values.item()
    assert (info.sensor, info.level, info.bands[0].common_name) == ("landsat-9", "L2SP", "nir08")
    assert value == pytest.approx(pixels["B5"][3, 3] * 2.75e-5 - 0.2)
    folder, pixels = write_scene(tmp_path, level1())
    with open_scene(str(folder / f"{L1_ID}_B5.TIF")) as scene:
        assert scene.read(Window(3, 3, 1, 1)).values.item() == pixels["B5"][3, 3]
        assert any("as stored" in text for text in scene.info.warnings)
