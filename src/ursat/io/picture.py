"""Images as a benchmark meets them: any usual file, read as three bands of 8 bits or of reflectance x 10000."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from ursat.errors import InputError
from ursat.io.raster import gsd_of, one_line, open_raster
from ursat.io.safety import locked_env
from ursat.io.tiles import PICTURES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from rasterio.io import DatasetReader

REFLECTANCE_DN = 10_000.0
BRIGHTEST_DN = 10_200.0  # values without a declared unit of which more than a few are above this have another one
MOST_ABOVE = 0.05
MOST_DN = 65_535
_LARGEST_REFLECTANCE = 2.0  # of 99 pixels in 100; larger floats are DN
_COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says before its pixels.

    shape: (height, width). Where it is georeferenced: gsd_m, metres a pixel; crs, as text; bounds, (left, bottom,
    right, top) in the units of the CRS.
    """

    shape: tuple[int, int]
    gsd_m: float | None = None
    crs: str | None = None
    bounds: tuple[float, float, float, float] | None = None


def picture_header(path: Path) -> Header:
    """Size and pixel size of an image.

    Raises:
        InputError: it cannot be read.
    """
    with _opened(path) as file:
        gsd = gsd_of(file)
        return Header(file.shape) if gsd is None else Header(file.shape, gsd, str(file.crs), tuple(file.bounds))


def read_picture(path: Path, box: tuple[int, int, int, int] | None = None) -> NDArray[Any]:
    """The red, green and blue bands (else the first three; a single band thrice) of an image or a part of it.

    Args:
        path: GeoTIFF, PNG, JPEG, WebP or JPEG 2000.
        box: (row, column, height, width); default: all of it.

    Returns:
        (3, h, w): uint8 as stored, or uint16 reflectance x 10000 (by the file's scale and offset where it has them).

    Raises:
        InputError: it cannot be read, has a palette or nodata pixels, or values that are neither.
    """
    with _opened(path) as file:
        if ColorInterp.palette in file.colorinterp:
            raise InputError(f"{path}: has a palette", hint="convert it: gdal_translate -expand rgb")
        bands = _bands(file)
        window = None if box is None else Window(box[1], box[0], box[3], box[2])
        values = file.read(bands, window=window)
        masked = file.nodata is not None and not file.read_masks(bands, window=window).all()
        masked = masked or _transparent(file, window)
        scale, offset = file.scales[bands[0] - 1], file.offsets[bands[0] - 1]
    if masked:
        raise InputError(f"{path}: has nodata pixels", hint="cut it to the part that is complete")
    values = np.broadcast_to(values, (3, *values.shape[1:]))
    return np.ascontiguousarray(values) if values.dtype == np.uint8 else _reflectance(values, scale, offset, path)


@contextmanager
def _opened(path: Path) -> Iterator[DatasetReader]:
    try:
        with warnings.catch_warnings(), locked_env():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # pictures have no grid, and need none
            kind = PICTURES.get(path.suffix.lower())
            with rasterio.open(path, driver=kind) if kind else open_raster(path.absolute()) as file:
                yield file
    except RasterioError as error:
        raise InputError(f"{path}: is no image that can be read ({one_line(error)})") from error


def _bands(file: DatasetReader) -> list[int]:
    if all(colour in file.colorinterp for colour in _COLOURS):
        return [file.colorinterp.index(colour) + 1 for colour in _COLOURS]
    return [1, 2, 3] if file.count >= 3 else [1]


def _transparent(file: DatasetReader, window: Window | None) -> bool:
    """Whether an alpha band hides pixels; one that is no mask of 0 and its largest value is taken for another band."""
    if file.count not in {2, 4} or file.colorinterp[-1] != ColorInterp.alpha:
        return False
    alpha = file.read(file.count, window=window)
    return alpha.dtype.kind == "u" and set(np.unique(alpha)) in ({0}, {0, np.iinfo(alpha.dtype).max})


def _reflectance(values: NDArray[Any], scale: float, offset: float, path: Path) -> NDArray[np.uint16]:
    dn = values.astype(np.float64)
    if not np.isfinite(dn).all():
        raise InputError(f"{path}: has pixels that are not numbers", hint="cut it to the part that is complete")
    if (scale, offset) != (1.0, 0.0):
        dn = (dn * scale + offset) * REFLECTANCE_DN
    elif values.dtype.kind == "f" and np.percentile(dn, 99) <= _LARGEST_REFLECTANCE:
        dn = dn * REFLECTANCE_DN
    elif np.mean(dn > BRIGHTEST_DN) > MOST_ABOVE:
        raise InputError(
            f"{path}: values up to {dn.max():.0f} are neither 8 bits nor reflectance x 10000",
            hint="record the scale and offset of reflectance: gdal_edit.py -scale 0.0000275 -offset -0.2 FILE",
        )
    return np.asarray(np.clip(np.rint(dn), 0, MOST_DN), dtype=np.uint16)
