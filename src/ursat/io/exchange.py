"""Plain GeoTIFFs for measurements: arrays out and in, on a UTM grid of a given pixel size, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from affine import Affine

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CRS = "EPSG:32651"
ORIGIN = (300_000.0, 4_000_000.0)  # easting, northing of the top-left corner, metres


def write_array(path: Path, pixels: NDArray[Any], gsd_m: float) -> None:
    """Write (C, h, w) ``pixels`` north-up at ``gsd_m`` metres, uncompressed, without a nodata value."""
    transform = Affine(gsd_m, 0.0, ORIGIN[0], 0.0, -gsd_m, ORIGIN[1])
    count, height, width = pixels.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=count,
        height=height,
        width=width,
        dtype=pixels.dtype,
        crs=CRS,
        transform=transform,
    ) as file:
        file.write(pixels)


def read_array(path: Path) -> NDArray[Any]:
    """All pixels of a raster as stored, (C, h, w)."""
    with rasterio.open(path) as file:
        return np.asarray(file.read())
