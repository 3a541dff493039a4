"""Band names in the spellings that files use."""

from __future__ import annotations

import pytest

from ursat.io.bands import name_band, parse_name, qa_kind
from ursat.io.identity import identify, sensor_in


@pytest.mark.parametrize(
    ("text", "sensor", "native", "common"),
    [
        ("B4", "landsat-8", "B4", "red"),
        ("SR_B4", "landsat-9", "B4", "red"),
        ("sr_band5", "landsat-8", "B5", "nir08"),
        ("Band 5 - Near Infrared (NIR)", "landsat-8", "B5", "nir08"),
        ("nir", "landsat-8", "B5", "nir08"),
        ("SWIR 1", "landsat-8", "B6", "swir16"),
        ("B8 pan", "landsat-8", "B8", "pan"),
        ("ST_B10", "landsat-9", "B10", "lwir11"),
        ("B04", "sentinel-2a", "B04", "red"),
        ("B4", "sentinel-2", "B04", "red"),
        ("B8", "sentinel-2", "B08", "nir"),
        ("B8A", "sentinel-2", "B8A", "nir08"),
        ("b8a", "sentinel-2b", "B8A", "nir08"),
        ("nir", "sentinel-2", "B08", "nir"),
        ("B04, central wavelength 665 nm", "sentinel-2", "B04", "red"),
        ("T32TQM_20220704T101559_B11_20m", "sentinel-2", "B11", "swir16"),
        ("Vegetation red edge 2", "sentinel-2", "B06", "rededge075"),
        ("B6 - Red edge", "sentinel-2", "B06", "rededge075"),
        ("red B04", "sentinel-2", "B04", "red"),
        ("band 1 (red)", "landsat-8", "B4", "red"),
        ("Band 1 Red", "sentinel-2", "B04", "red"),
        ("red", "unknown", None, "red"),
        ("B2", "unknown", "B2", "blue"),
        ("B5", "unknown", "B5", None),
        ("Coastal aerosol", "unknown", None, "coastal"),
    ],
)
def test_names(text, sensor, native, common):
    band = name_band(1, text, sensor, "rule")
    assert (band.native_name, band.common_name) == (native, common)
    assert (band.wavelength_um is not None) == (sensor != "unknown")


@pytest.mark.parametrize("text", ["", "Layer_1", "reduced", "evergreen", "2023-05-20", "classification", "B", "ab4"])
def test_texts_that_name_no_band(text):
    assert not parse_name(text).known


def test_quality_names():
    assert qa_kind("QA_PIXEL") == qa_kind("qa_pixel") == "qa_pixel"
    assert qa_kind("SCL") == "scl"
    assert qa_kind("pixel_qa") is None  # Collection 1: other bits
    assert qa_kind(None) is None


@pytest.mark.parametrize(
    ("text", "sensor"),
    [
        ("LC08_L2SP_143054_20230213_20230217_02_T1_SR_B4.TIF", "landsat-8"),
        ("LC09_L1TP_143054_20230528_20230528_02_T1_B4.TIF", "landsat-9"),
        ("LC80200392015216LGN00_B4.TIF", "landsat-8"),
        ("LANDSAT_9", "landsat-9"),
        ("my-landsat8-scene.tif", "landsat-8"),
        ("S2A_MSIL2A_20220704T101559_N0400_R022_T32TQM_20220704T131234", "sentinel-2a"),
        ("Sentinel-2B MSI L1C (TOA)", "sentinel-2b"),
        ("T32TQM_20220704T101559_B04_10m.jp2", "sentinel-2"),
        ("s2_town.tif", "sentinel-2"),
        ("fields2.tif", None),
        ("pools2a.tif", None),
        ("col8.tif", None),
    ],
)
def test_sensors_in_names(text, sensor):
    assert sensor_in(text) == sensor


def test_tags_speak_before_file_names():
    found = identify({"SPACECRAFT_ID": "LANDSAT_9", "DATE_ACQUIRED": "2023-05-28"}, (None,), "sentinel2_L1C.tif")
    assert (found.sensor, found.acquired, found.rule) == ("landsat-9", "2023-05-28", "tag SPACECRAFT_ID=LANDSAT_9")
    assert identify({}, ("SR_B4",), "a.tif").sensor == "landsat-8"
    assert identify({}, ("B04", "B8A"), "a.tif").sensor == "sentinel-2"
    assert identify({}, ("B4",), "a.tif").sensor == "unknown"
    assert identify({}, ("B04",), "S2B_MSIL2A_20220704T101559.tif").level == "L2A"
