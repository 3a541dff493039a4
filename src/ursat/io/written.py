"""Reading an output back: what is really stored, untranslated, and whether its layout is a COG's."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from rasterio.errors import RasterioError
from rasterio.windows import Window as RasterWindow

from ursat.errors import InputError, OutputError
from ursat.io.raster import grid_of, open_raster
from ursat.io.remote import remote_file
from ursat.io.safety import local_path, locked_env
from ursat.types import Encoding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from rasterio.io import DatasetReader

    from ursat.grid import Grid, Window

_OVERVIEWS_FROM = 512  # rio-cogeo's rule: larger images need overviews


class WrittenFile:
    """An output as it stands on disk."""

    def __init__(self, path: Path, dataset: DatasetReader) -> None:
        self._path, self._dataset = path, dataset
        self.grid: Grid = grid_of(dataset, path)
        self.encoding = Encoding(
            dtype=dataset.dtypes[0],
            nodata=dataset.nodata,
            scales=tuple(dataset.scales),
            offsets=tuple(dataset.offsets),
            units=tuple(dataset.units),
            descriptions=tuple(dataset.descriptions),
            colorinterp=tuple(colour.name for colour in dataset.colorinterp),
        )

    def read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """(bands, h, w) stored numbers in the file's dtype, and which of them are values.

        Raises:
            OutputError: a block of the file does not decode.
        """
        with locked_env():
            try:
                stored = self._dataset.read(window=RasterWindow(window.col, window.row, window.width, window.height))
            except RasterioError as error:
                raise OutputError(
                    f"{self._path}: rows {window.row} to {window.row_stop - 1}, columns {window.col} to "
                    f"{window.col_stop - 1} do not decode",
                    hint="make the output again",
                ) from error
        valid: NDArray[np.bool_] = np.isfinite(stored)
        nodata = self.encoding.nodata
        if nodata is not None and not np.isnan(nodata):
            valid &= stored != nodata
        return stored, valid

    def cog_problems(self) -> tuple[str, tuple[str, ...]]:
        """(who judged, what is wrong) about the layout; nothing wrong when the file is a valid COG.

        rio-cogeo judges strictly where it is installed; else tiling, overviews and the order of the parts that GDAL
        declares are looked at here.
        """
        try:
            from rio_cogeo.cogeo import cog_validate  # noqa: PLC0415  (an optional extra)
        except ImportError:
            return "ursat", tuple(self._layout_problems())
        with locked_env():
            _, errors, warnings = cog_validate(self._path, strict=True, quiet=True)
        return "rio-cogeo", (*errors, *warnings)

    def _layout_problems(self) -> Iterator[str]:
        dataset = self._dataset
        if dataset.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") != "COG":
            yield "GDAL does not find the layout of a COG"
        rows, cols = dataset.block_shapes[0]
        if rows != cols and cols == dataset.width:
            yield "the image is stored in strips, not in tiles"
        if max(dataset.shape) > _OVERVIEWS_FROM and not dataset.overviews(1):
            yield "there are no overviews"


@contextmanager
def open_written(output: str) -> Iterator[tuple[Path, WrittenFile]]:
    """Open an output, giving its path and its content.

    Raises:
        InputError: it is not a readable, georeferenced TIFF.
    """
    known = remote_file(output)
    if known is not None:
        raise InputError(
            f"{known}: an output is checked on this machine's disks",
            hint="download it first; only --input may be on a server",
        )
    path = local_path(output)
    if path.is_dir():
        raise InputError(f"{path} is a folder, not an output of ursat", hint="give the file that ursat upscale wrote")
    with closing(open_raster(path, probe=False)) as dataset:
        yield path, WrittenFile(path, dataset)
