"""Small real scenes for the promises: cuts of the sample pair, with what each promise needs added."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.windows import Window as RasterWindow

from ursat import UpscaleOptions, upscale
from ursat.run.report import UpscaleReport

SAMPLES = Path(__file__).parents[2] / "sample_data"
LANDSAT = SAMPLES / "landsat8.tif"
SENTINEL = SAMPLES / "sentinel2.tif"


def write(path: Path, pixels: np.ndarray, transform: Affine, crs: str = "EPSG:32649", **profile: Any) -> Path:
    """A plain GeoTIFF; scales, offsets and descriptions may be given beside the profile."""
    tags = {name: profile.pop(name) for name in ("scales", "offsets", "descriptions") if name in profile}
    bands, height, width = pixels.shape
    with rasterio.open(
        path, "w", driver="GTiff", count=bands, height=height, width=width, dtype=pixels.dtype.name,
        transform=transform, crs=crs, **profile,
    ) as dataset:  # fmt: skip
        dataset.write(pixels)
        for name, value in tags.items():
            setattr(dataset, name, value)
    return path


def read(path: Path | str) -> np.ndarray:
    """All bands as stored."""
    with rasterio.open(path) as dataset:
        return dataset.read()


def landsat_cut(
    path: Path, size: int, *, row: int = 0, col: int = 0, holes: bool = False, dtype: str = "uint16"
) -> Path:
    """A square cut of the sample's Landsat image, optionally with nodata holes, as another dtype."""
    with rasterio.open(LANDSAT) as source:
        window = RasterWindow(col, row, size, size)
        pixels = source.read(window=window)
        transform, descriptions = source.window_transform(window), source.descriptions
    nodata: float = 0
    scales: tuple[float, ...] = (1e-4,) * 3
    if dtype == "int16":
        pixels, nodata = pixels.astype(np.int16), -9999
    elif dtype == "float32":
        pixels, nodata, scales = (pixels * np.float32(1e-4)), float("nan"), (1.0,) * 3
    if holes:
        pixels[:, size // 4 : size // 2, size // 3 : size // 2] = nodata
        pixels[1, size - 4 :, : size // 3] = nodata
    return write(path, pixels, transform, nodata=nodata, scales=scales, descriptions=descriptions)


def run(source: Path, out: Path, scale: float, **options: Any) -> UpscaleReport:
    """`ursat.upscale` to ``out``, with the classical model unless told otherwise: it is the cheap one.

    `test_shipped_model` holds the promises against the one that ships.
    """
    options.setdefault("model", "fusion")
    if "ref" in options:
        options["ref"] = str(options["ref"])
    return upscale(str(source), UpscaleOptions(scale=scale, output=str(out), overwrite=True, **options))


def box_residual(out: np.ndarray, source: np.ndarray, valid: np.ndarray) -> float:
    """Largest |K x K block mean of the output - input| over valid pixels: the promise in three lines of numpy."""
    bands, height, width = source.shape
    k = out.shape[1] // height
    means = out.astype(np.float64).reshape(bands, height, k, width, k).mean(axis=(2, 4))
    return float(np.abs(means - source)[valid].max())
