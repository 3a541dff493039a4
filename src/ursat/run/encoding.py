"""How the output stores values: as the input does, but for what the options change."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ursat.errors import UsageError
from ursat.run.samples import whole_is_valid

if TYPE_CHECKING:
    from ursat.io.scene import Scene
    from ursat.run.options import UpscaleOptions
    from ursat.run.region import Region
    from ursat.types import Encoding

DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")


def output_encoding(scene: Scene, region: Region, options: UpscaleOptions, scale: float) -> Encoding:
    """The input's encoding with ``--dtype`` and ``--nodata`` applied.

    An input without a nodata value that still has unobserved pixels (a mask band, NaN, or output pixels beyond the
    input's edge) needs one: NaN for floats, else the dtype's lowest number.

    Raises:
        UsageError: a dtype that GeoTIFF lacks, or a nodata value the dtype cannot hold.
    """
    encoding = scene.info.encoding
    if options.dtype is not None:
        if options.dtype not in DTYPES:
            raise UsageError(f"--dtype {options.dtype!r} is not one of {', '.join(DTYPES)}")
        encoding = replace(encoding, dtype=options.dtype)
    if options.nodata is not None:
        encoding = replace(encoding, nodata=parse_nodata(options.nodata))
    if encoding.nodata is None and options.nodata is None and not (region.whole and _fully_valid(scene, scale)):
        floating = np.dtype(encoding.dtype).kind == "f"
        encoding = replace(encoding, nodata=math.nan if floating else float(np.iinfo(encoding.dtype).min))
    if encoding.nodata is not None and not holds(encoding.dtype, encoding.nodata):
        raise UsageError(
            f"{encoding.dtype} cannot hold the nodata value {encoding.nodata:g}", hint="choose another with --nodata"
        )
    return encoding


def parse_nodata(text: str) -> float | None:
    """'none', 'nan' or a number.

    Raises:
        UsageError: anything else.
    """
    if text.lower() == "none":
        return None
    try:
        return float(text)
    except ValueError as error:
        raise UsageError(f"--nodata {text!r} is not a number, nan or none") from error


def holds(dtype: str, value: float) -> bool:
    """Whether a dtype can store a number."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return math.isnan(value) or abs(value) <= float(np.finfo(kind).max)
    info = np.iinfo(kind)
    return value == math.floor(value) and info.min <= value <= info.max if math.isfinite(value) else False


def _fully_valid(scene: Scene, scale: float) -> bool:
    """Whether every pixel of the full output would be valid: the same answer for the whole and for any window."""
    if any(abs(v - round(v)) > 1e-9 * v for v in (scene.grid.height * scale, scene.grid.width * scale)):
        return False
    return whole_is_valid(scene, scene.grid.window)
