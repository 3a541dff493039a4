"""Promise 1: the output's grid is the input's, exactly subdivided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import Transformer
from scenes import landsat_cut, read, run, write

if TYPE_CHECKING:
    from pathlib import Path

GRIDS = {
    "north-up": (Affine(30, 0, 399_960, 0, -30, 4_200_000), "EPSG:32649"),
    "south-up": (Affine(30, 0, 399_960, 0, 30, 4_200_000), "EPSG:32649"),
    "rotated": (Affine.translation(4e5, 4.2e6) * Affine.rotation(20) * Affine.scale(30, -30), "EPSG:32649"),
    "degrees": (Affine(0.00027, 0, 110.1, 0, -0.00027, 37.9), "EPSG:4326"),
}


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("scale", [2, 3, 7.5, 8])
def test_transform_size_and_crs(tmp_path: Path, name: str, scale: float) -> None:
    transform, crs = GRIDS[name]
    pixels = np.random.default_rng(0).integers(200, 900, (1, 17, 23)).astype(np.uint16)
    source = write(tmp_path / "in.tif", pixels, transform, crs)
    run(source, tmp_path / "out.tif", scale)
    with rasterio.open(source) as a, rasterio.open(tmp_path / "out.tif") as b:
        assert b.transform == a.transform * Affine.scale(1 / scale)
        assert b.crs == a.crs
        assert (b.height, b.width) == (int(np.ceil(17 * scale)), int(np.ceil(23 * scale)))


@pytest.mark.parametrize("name", GRIDS)
def test_a_marked_pixel_lands_where_pyproj_says(tmp_path: Path, name: str) -> None:
    transform, crs = GRIDS[name]
    pixels = np.full((1, 12, 12), 500, np.uint16)
    pixels[0, 5, 7] = 5000
    source = write(tmp_path / "in.tif", pixels, transform, crs)
    run(source, tmp_path / "out.tif", 8, psf="box", closure="exact")
    with rasterio.open(tmp_path / "out.tif") as out:
        image = out.read(1).astype(float)
        rows, cols = np.nonzero(image > 2500)
        weights = image[rows, cols]
        row, col = np.average(rows + 0.5, weights=weights), np.average(cols + 0.5, weights=weights)
        here = out.transform * (col, row)
    to_degrees = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    expected = to_degrees.transform(*(transform * (7.5, 5.5)))
    assert to_degrees.transform(*here) == pytest.approx(expected, abs=1e-6)


def test_gsd_is_a_scale(tmp_path: Path) -> None:
    source = landsat_cut(tmp_path / "in.tif", 16)
    run(source, tmp_path / "a.tif", 8)
    from ursat import UpscaleOptions, upscale

    upscale(str(source), UpscaleOptions(gsd=5, model="fusion", output=str(tmp_path / "b.tif")))
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), read(tmp_path / "b.tif"))


def test_bands_and_encoding_are_kept(tmp_path: Path) -> None:
    source = landsat_cut(tmp_path / "in.tif", 16, holes=True)
    run(source, tmp_path / "out.tif", 4)
    with rasterio.open(source) as a, rasterio.open(tmp_path / "out.tif") as b:
        for name in ("count", "dtypes", "nodata", "scales", "offsets", "descriptions", "units", "colorinterp"):
            assert getattr(a, name) == getattr(b, name), name


def test_pixels_beyond_the_input_are_nodata(tmp_path: Path) -> None:
    source = write(
        tmp_path / "in.tif", np.full((1, 5, 5), 300, np.uint16), Affine(30, 0, 0, 0, -30, 0), nodata=0
    )  # fmt: skip
    run(source, tmp_path / "out.tif", 2.5)
    out = read(tmp_path / "out.tif")[0]
    assert out.shape == (13, 13)
    assert (out[12] == 0).all()
    assert (out[:, 12] == 0).all()
    assert (out[:12, :12] > 0).all()
