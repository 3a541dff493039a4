"""Rasters and whole products written for the reader's tests, with pixel values whose physical meaning is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp

UTM = "EPSG:32649"
T30 = Affine(30, 0, 300015, 0, -30, 4000005)
REPO = Path(__file__).parents[2]
SAMPLES = REPO / "sample_data"


def noise(shape: tuple[int, ...], dtype: str = "uint16", seed: int = 0, low: int = 1, high: int = 10000) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


def write_tif(
    path: Path,
    pixels: np.ndarray,
    *,
    transform: Affine | None = T30,
    crs: str | None = UTM,
    nodata: float | None = None,
    descriptions: tuple[str | None, ...] = (),
    scale: float = 1.0,
    offset: float = 0.0,
    tags: dict[str, str] | None = None,
    mask: np.ndarray | None = None,
    colours: tuple[str, ...] = (),
    **profile,
) -> Path:
    """(bands, h, w) or (h, w) as a GeoTIFF; 16-bit RGB-looking defaults are left to GDAL."""
    pixels = pixels if pixels.ndim == 3 else pixels[None]
    count, height, width = pixels.shape
    settings = {"driver": "GTiff", "crs": crs, "nodata": nodata, "dtype": pixels.dtype.name} | profile
    if transform is not None:
        settings["transform"] = transform
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True, GDAL_PAM_ENABLED=False),
        rasterio.open(path, "w", height=height, width=width, count=count, **settings) as out,
    ):
        if colours:  # before the pixels: GTiff fixes its extra samples with the first block
            out.colorinterp = [ColorInterp[name] for name in colours]
        out.write(pixels)
        if descriptions:
            out.descriptions = descriptions
        if (scale, offset) != (1.0, 0.0):
            out.scales, out.offsets = (scale,) * count, (offset,) * count
        if tags:
            out.update_tags(**tags)
        if mask is not None:
            out.write_mask(mask)
    return path


def write_jp2(path: Path, pixels: np.ndarray, transform: Affine, crs: str = "EPSG:32632") -> Path:
    """(h, w) as lossless JPEG 2000, as the products have it (QUALITY=100 with the reversible wavelet)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        rasterio.Env(GDAL_PAM_ENABLED=False),
        rasterio.open(
            path,
            "w",
            driver="JP2OpenJPEG",
            height=pixels.shape[0],
            width=pixels.shape[1],
            count=1,
            dtype=pixels.dtype.name,
            crs=crs,
            transform=transform,
            QUALITY="100",
            REVERSIBLE="YES",
        ) as out,
    ):
        out.write(pixels, 1)
    return path
