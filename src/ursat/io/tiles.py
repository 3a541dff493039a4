"""Square pieces of any image, read by window: what a network learns from, without a grid or a product around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError
from rasterio.windows import Window

from ursat.errors import InputError
from ursat.io.raster import gsd_of, one_line, open_raster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from rasterio.io import DatasetReader

PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
SUFFIXES = frozenset({".tif", ".tiff", ".jp2", *PICTURES})
_LEAST_SIDE = 64
_MOST_EMPTY = 0.01  # of a piece's pixels may be without observation; they take their band's median


def read_pieces(path: Path, side: int, most: int) -> Iterator[tuple[NDArray[Any], float]]:
    """Pieces of at most ``side`` pixels a side, (C, h, w) and their GSD in metres (1.0 where the file has no grid).

    An offset that the file declares is taken off, so that 0 is dark. Alpha and quality bands are left out; pieces that
    are flat, or lack more than a hundredth of their pixels, are passed over. Of a raster with more than ``most``
    pieces, so many are read, evenly spread.

    Raises:
        InputError: not a readable image.
    """
    kind = PICTURES.get(path.suffix.lower())
    try:
        with open_raster(path.absolute()) if kind is None else rasterio.open(path, driver=kind) as file:
            bands, alpha = _bands(file)
            gsd = gsd_of(file) or 1.0
            windows = _windows(file.height, file.width, side)
            chosen = np.unique(np.linspace(0, len(windows) - 1, min(most, len(windows))).round().astype(int))
            for k in chosen if bands else ():
                piece = _piece(file, bands, alpha, windows[k])
                if piece is not None:
                    yield piece, gsd
    except (RasterioError, OSError) as error:
        raise InputError(
            f"{path}: not a readable image: {one_line(error)}", hint="leave it out, or convert it"
        ) from error


def _bands(file: DatasetReader) -> tuple[list[int], int | None]:
    """Numbers of the bands that show ground, and of a real alpha band.

    GDAL calls the fourth band of a plain RGB + near infrared file alpha; a description of its own says otherwise.
    """
    names = [(text or "").lower() for text in file.descriptions]
    alpha = [
        k + 1 for k, (kind, name) in enumerate(zip(file.colorinterp, names, strict=True))
        if kind == ColorInterp.alpha and name in {"", "alpha"}
    ]  # fmt: skip
    quality = [k + 1 for k, name in enumerate(names) if name.startswith(("qa", "scl"))]
    return [k for k in file.indexes if k not in {*alpha, *quality}], alpha[0] if alpha else None


def _windows(height: int, width: int, side: int) -> list[Window]:
    return [
        Window(col, row, min(side, width - col), min(side, height - row))
        for row in range(0, height, side)
        for col in range(0, width, side)
        if min(side, width - col, height - row) >= _LEAST_SIDE
    ]


def _piece(file: DatasetReader, bands: list[int], alpha: int | None, window: Window) -> NDArray[Any] | None:
    pixels = np.asarray(file.read(bands, window=window))
    seen = np.isfinite(pixels)
    for k, band in enumerate(bands):
        if file.nodatavals[band - 1] is not None:
            seen[k] &= pixels[k] != file.nodatavals[band - 1]
    if alpha is not None:
        seen &= file.read(alpha, window=window) > 0
    if seen.mean() < 1 - _MOST_EMPTY:
        return None
    dark = [offset / scale if scale else 0.0 for offset, scale in zip(file.offsets, file.scales, strict=True)]
    if any(dark) or not seen.all():
        pixels = pixels.astype(np.float32)
        for k, band in enumerate(bands):
            pixels[k][~seen[k]] = np.median(pixels[k][seen[k]])
            pixels[k] = np.maximum(pixels[k] + dark[band - 1], 0)
    return pixels if np.ptp(pixels, axis=(1, 2)).min() > 0 else None
