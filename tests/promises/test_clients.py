"""Other people's tools accept the outputs: rio, rio-cogeo, and GDAL where it is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rio_cogeo import cog_info, cog_validate
from scenes import SENTINEL, landsat_cut, run


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clients")
    run(landsat_cut(folder / "in.tif", 70, holes=True), folder / "out.tif", 16, ref=SENTINEL)
    return folder / "out.tif"


def test_rio_info(output: Path) -> None:
    rio = Path(sys.executable).parent / "rio"
    facts = json.loads(subprocess.run([rio, "info", output], capture_output=True, text=True, check=True).stdout)
    assert facts["crs"] == "EPSG:32649"
    assert facts["shape"] == [1120, 1120]
    assert facts["compress"] == "zstd"
    assert facts["nodata"] == 0


def test_cog_validate_strict(output: Path) -> None:
    assert cog_validate(output, strict=True) == (True, [], [])
    assert len(cog_info(output).IFD) > 1  # overviews


@pytest.mark.skipif(shutil.which("gdalinfo") is None, reason="gdal-bin is not installed")
def test_gdalinfo(output: Path) -> None:
    done = subprocess.run(["gdalinfo", "-json", output], capture_output=True, text=True, check=True)
    facts = json.loads(done.stdout)
    assert facts["size"] == [1120, 1120]
    assert facts["geoTransform"][1:3] == [2.5, 0.0]
    assert facts["geoTransform"][5] == -2.5
    assert [band["noDataValue"] for band in facts["bands"]] == [0.0, 0.0, 0.0]
    assert facts["metadata"]["IMAGE_STRUCTURE"]["LAYOUT"] == "COG"
