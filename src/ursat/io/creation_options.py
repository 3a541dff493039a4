"""Creation options of GDAL's COG driver: ours by default, the user's where given, tried out before any work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.io import MemoryFile

from ursat.errors import UsageError
from ursat.io.gdal_messages import GDAL_ERRORS, collect_gdal_messages, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ursat.types import Encoding

BLOCK = 512
_ZSTD_LEVEL = (
    "5"  # files of real scenes are 0.5 % larger than at GDAL's own 9, in half the time (docs/decisions.md, 15)
)
_PREDICTABLE = {"LZW", "DEFLATE", "ZSTD"}
_LOSSLESS = {"NONE", "LZW", "DEFLATE", "ZSTD", "LZMA", "LERC", "LERC_DEFLATE", "LERC_ZSTD"}
# options with which the output would no longer be the input's grid, or would lose its provenance
_OURS = {
    "TARGET_SRS": "the output keeps the input's CRS",
    "TILING_SCHEME": "the output keeps the input's grid",
    "EXTENT": "the output keeps the input's grid",
    "RES": "the output keeps the input's grid",
    "ADD_ALPHA": "the output keeps the input's bands",
    "COPY_SRC_MDD": "the provenance tags are always written",
    "SRC_MDD": "the provenance tags are always written",
}


def cog_options(encoding: Encoding, user: Sequence[tuple[str, str]], threads: int) -> dict[str, str]:
    """The options of the COG driver for an output: the defaults, overridden by the user's, values unchanged.

    Args:
        encoding: of the output; a palette is not averaged in the overviews.
        user: (name, value) pairs of ``--co``; a later one wins.
        threads: compression threads; the bytes written do not depend on them.

    Raises:
        UsageError: an option that would break the output's grid, bands or provenance.
    """
    given = {name.upper(): value for name, value in user}
    for name, value in given.items():
        if name in _OURS:
            raise UsageError(f"--co {name}={value} cannot be honoured: {_OURS[name]}", hint=f"drop --co {name}")
    options = {
        "COMPRESS": "ZSTD",
        "BLOCKSIZE": str(BLOCK),
        "BIGTIFF": "IF_SAFER",
        "OVERVIEWS": "AUTO",
        "OVERVIEW_RESAMPLING": "NEAREST" if "palette" in encoding.colorinterp else "AVERAGE",
        "NUM_THREADS": str(threads),
        "COPY_SRC_MDD": "YES",
    }
    codec = given.get("COMPRESS", "ZSTD").upper()
    if codec in _PREDICTABLE:
        options["PREDICTOR"] = "YES"
    if codec == "ZSTD":
        options["LEVEL"] = _ZSTD_LEVEL
    return options | given


def is_lossless(options: Mapping[str, str]) -> bool:
    """True when the pixels read back are the pixels written."""
    exact = options["COMPRESS"].upper() in _LOSSLESS and "NBITS" not in options
    return exact and float(options.get("MAX_Z_ERROR", "0")) == 0


def try_options(profile: Mapping[str, Any], options: Mapping[str, str]) -> None:
    """Write one block in memory with these options, so that a mistake shows before hours of work.

    Args:
        profile: of the working file; only band count, dtype and nodata matter here.
        options: of the COG driver.

    Raises:
        UsageError: GDAL refuses an option or warns about it; its own words are in the message.
    """
    small = dict(profile, width=BLOCK, height=BLOCK)
    with collect_gdal_messages() as complaints, MemoryFile() as source, MemoryFile() as target:
        try:
            with rasterio.open(source.name, "w", **small) as dataset:
                dataset.write(np.zeros((small["count"], BLOCK, BLOCK), dtype=small["dtype"]))
            rasterio.shutil.copy(source.name, target.name, driver="COG", **options)
        except (*GDAL_ERRORS, ValueError) as error:
            complaints.append(str(error))
    if complaints:
        raise UsageError(
            f"GDAL does not accept the creation options: {one_line(complaints[0])}",
            hint="see the options of GDAL's COG driver: https://gdal.org/drivers/raster/cog.html",
        )
