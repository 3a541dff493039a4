"""Blocks of a GeoTIFF that were never written: the file's index tells them, no pixel has to be read.

GDAL's TIFF driver has no BLOCK_OFFSET for such a block and reads it as the file's nodata value, or 0 without one
(https://gdal.org/en/stable/drivers/raster/gtiff.html, "Sparse files").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

    from ursat.grid import Window


def reads_as_nodata(dataset: DatasetReader, band: int, window: Window, nodata: float | None) -> bool:
    """Whether all of ``window`` is known to be nodata from the file's index alone.

    Args:
        dataset: any format; only a GeoTIFF's index can tell.
        band: 1-based.
        window: inside the dataset.
        nodata: the stored number without meaning (None: none). NaN never has one.

    Returns:
        False does not say that there is a valid pixel.
    """
    fill = dataset.nodatavals[band - 1]
    fill = 0.0 if fill is None else fill
    if dataset.driver != "GTiff" or not (np.isnan(fill) or fill == nodata):
        return False
    rows, cols = dataset.block_shapes[band - 1]
    return not any(
        dataset.get_tag_item(f"BLOCK_OFFSET_{col}_{row}", "TIFF", bidx=band)
        for row in range(window.row // rows, -(-window.row_stop // rows))
        for col in range(window.col // cols, -(-window.col_stop // cols))
    )
