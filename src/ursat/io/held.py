"""Windows of a remote product on the local disk, for whoever reads the same ones again and again.

The copy is a sparse GeoTIFF on the product's own grid, with one band more, which says where pixels have been copied;
everywhere else it reads as not valid.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.windows import Window as RasterioWindow

from ursat.io.raster import not_decoded, open_raster
from ursat.io.safety import locked_env

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack

    from rasterio.io import DatasetReader, DatasetWriter

    from ursat.grid import Window
    from ursat.io.product import BandSource, Product

_BLOCK = 128


def hold(product: Product, windows: Sequence[Window], cleanup: ExitStack) -> Product:
    """The product with ``windows`` of its one remote file copied into a temporary folder that ``cleanup`` removes.

    A quality layer of the same file is copied too; one of another file stays where it is.

    Raises:
        InputError: the network fails.
    """
    first = product.sources[0]
    layers = [source.index for source in product.sources]
    mask = product.mask
    if mask is not None and mask.path == first.path:
        layers.append(mask.index)
    path = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="ursat-held-"))) / "windows.tif"
    with closing(open_raster(first.path, probe=False)) as remote, locked_env(first.path):
        dtype = np.result_type(*(remote.dtypes[index - 1] for index in layers)).name
        profile = {
            "driver": "GTiff", "width": remote.width, "height": remote.height, "count": len(layers) + 1,
            "dtype": dtype, "transform": product.grid.transform, "crs": product.grid.crs, "tiled": True,
            "blockxsize": _BLOCK, "blockysize": _BLOCK, "interleave": "band", "SPARSE_OK": "TRUE", "ALPHA": "NO",
            "photometric": "MINISBLACK", "BIGTIFF": "IF_SAFER",
        }  # fmt: skip
        with rasterio.open(path, "w", **profile) as copy:
            for window in windows:
                inside = window.intersect(product.grid.window)
                if inside.empty:
                    continue
                try:
                    _copy(remote, copy, layers, first, inside)
                except RasterioError as error:
                    where = f"rows {inside.row} to {inside.row_stop - 1}"
                    raise not_decoded(error, first.path, where) from error
    sources = tuple(
        replace(source, path=path, index=k, dtype=dtype, masked=False, alpha=len(layers) + 1)
        for k, source in enumerate(product.sources, start=1)
    )
    if mask is not None and mask.path == first.path:
        mask = replace(mask, path=path, index=len(layers))
    return replace(product, sources=sources, mask=mask)


def _copy(remote: DatasetReader, copy: DatasetWriter, layers: list[int], first: BandSource, inside: Window) -> None:
    window = RasterioWindow(inside.col, inside.row, inside.width, inside.height)
    known = np.ones(inside.shape, bool)
    if first.masked:
        known &= remote.read_masks(first.index, window=window) != 0
    if first.alpha is not None:
        known &= remote.read(first.alpha, window=window) != 0
    pixels = remote.read(layers, window=window, out_dtype=copy.dtypes[0])
    copy.write(pixels, list(range(1, len(layers) + 1)), window=window)
    copy.write(known.astype(copy.dtypes[0]), len(layers) + 1, window=window)
