"""`open_scene`: whatever the user named, as one grid of bands in physical units."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from rasterio.errors import RasterioError
from rasterio.windows import Window as RasterioWindow

from ursat.errors import InputError
from ursat.grid import Window
from ursat.io import landsat, sentinel2
from ursat.io.fingerprint import fingerprint
from ursat.io.footprint import overlap, pixel_ratio
from ursat.io.geotiff import read_file
from ursat.io.masks import MaskLayer
from ursat.io.product import MaskSource, Product
from ursat.io.raster import grid_of, open_raster
from ursat.io.safety import local_path, locked_env, sniff
from ursat.io.spool import spool_stdin
from ursat.io.warp import WarpedScene
from ursat.types import Block, SceneInfo, Shift

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray
    from rasterio.io import DatasetReader

    from ursat.grid import Grid
    from ursat.io.product import BandSource

SEARCH_BLOCK = 1024


class Scene:
    """An opened input on its own grid; a `ursat.types.Reader` and a context manager. Not for several threads."""

    def __init__(self, product: Product, shown: str, cleanup: ExitStack) -> None:
        self._product = product
        self._close = cleanup
        self._mask: MaskLayer | None = None
        self._files: dict[Path, DatasetReader] = {}
        for source in product.sources:
            if source.path not in self._files:
                dataset = open_raster(source.path, trusted=product.trusted, probe=False)
                self._files[source.path] = cleanup.enter_context(closing(dataset))
        self._encoding = product.encoding
        self._info = SceneInfo(
            path=shown,
            driver=product.driver,
            sensor=product.sensor,
            level=product.level,
            grid=product.grid,
            gsd_m=product.grid.gsd_m,
            encoding=self._encoding,
            bands=product.bands,
            acquired=product.acquired,
            rules=product.rules,
            warnings=product.warnings,
        )

    @property
    def info(self) -> SceneInfo:
        """What was understood, and by which rules."""
        return self._info

    @property
    def grid(self) -> Grid:
        """The grid whose windows are read."""
        return self._product.grid

    def read(self, window: Window) -> Block:
        """Physical values of ``window``, which may reach outside the grid; see `ursat.types.Block`.

        Clouds stay valid here: they are pixels to enlarge like others. `clear` tells them apart.

        Raises:
            InputError: when a block of the file does not decode.
        """
        work = self._encoding.work_dtype
        shape = (len(self._product.sources), *window.shape)
        values, valid = np.zeros(shape, work), np.zeros(shape, bool)
        inside = window.intersect(self.grid.window)
        if inside.empty:
            return Block(values, valid)
        rows, cols = inside.within(window)
        for number, source in enumerate(self._product.sources):
            stored, good = self._read_band(source, inside)
            physical = np.where(good, stored, 0).astype(work)
            if (source.scale, source.offset) != (1.0, 0.0):
                physical = physical * source.scale + source.offset
            values[number, rows, cols] = np.where(good, physical, 0)
            valid[number, rows, cols] = good
        return Block(values, valid)

    def _read_band(self, source: BandSource, inside: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        dataset = self._files[source.path]
        window = RasterioWindow(inside.col, inside.row, inside.width, inside.height)
        with locked_env():
            try:
                stored: NDArray[Any] = dataset.read(source.index, window=window)
                good = np.isfinite(stored)
                if source.masked:
                    good &= dataset.read_masks(source.index, window=window) != 0
                if source.alpha is not None:
                    good &= dataset.read(source.alpha, window=window) != 0
            except RasterioError as error:
                raise InputError(
                    f"{self._info.path}: band {source.index} does not decode in rows {inside.row} to "
                    f"{inside.row_stop - 1}, columns {inside.col} to {inside.col_stop - 1}",
                    hint="copy or download the file again",
                ) from error
        if source.nodata is not None and not np.isnan(source.nodata):
            good &= stored != stored.dtype.type(source.nodata)
        return stored, good

    def clear(self, window: Window) -> NDArray[np.bool_]:
        """(height, width): where QA_PIXEL, SCL or the ``--mask`` file calls the pixel usable; True without any."""
        mask = self._product.mask
        if mask is None:
            return np.ones(window.shape, bool)
        if self._mask is None:
            self._mask = MaskLayer(mask, self.grid, pixel_ratio(mask.grid, self.grid))
            self._close.callback(self._mask.close)
        return self._mask.read(window)

    def warp(self, grid: Grid, *, shift: Shift | None = None, resampling: str = "auto") -> WarpedScene:
        """The scene on another grid, moved by ``shift`` (map units of ``grid``'s CRS); close it after use.

        Args:
            grid: the target grid, in any CRS.
            shift: how far the content moves; none by default.
            resampling: "auto" is cubic up to a reduction of 2, average beyond; or nearest, bilinear, cubic, average.

        Raises:
            UsageError: unknown ``resampling``.
        """
        return WarpedScene(self._product, grid, shift or Shift(), resampling)

    def overlap(self, grid: Grid) -> float:
        """The share of ``grid``'s area, 0..1, under this scene's rectangle."""
        return overlap(self.grid, grid)

    def any_valid(self) -> bool:
        """True when at least one pixel of one band is valid; reads the middle first, then block by block."""
        whole = self.grid.window
        middle = Window(whole.height // 2, whole.width // 2, 1, 1).pad(SEARCH_BLOCK // 2).intersect(whole)
        parts = chain([middle], whole.blocks(SEARCH_BLOCK, SEARCH_BLOCK))
        return any(self.read(part).valid.any() for part in parts)

    def fingerprint(self) -> str:
        """sha256 of what was understood and of the files' contents; see `ursat.io.fingerprint`."""
        return fingerprint(self._product)

    def close(self) -> None:
        """Close the files and remove what was spooled or unpacked."""
        self._close.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_scene(path: str, *, bands: Sequence[str] = (), mask: str = "auto", trusted: bool = False) -> Scene:
    """Open a raster file, a Landsat Collection-2 scene or a Sentinel-2 product.

    Args:
        path: a GeoTIFF, COG or JPEG 2000 file; a Landsat folder or its ``*_MTL.txt/.json/.xml``; a Sentinel-2 ``.SAFE``
            folder, its zip or its ``MTD_MSI*.xml``; or '-' for a file on standard input.
        bands: the entries of ``--bands``: names, own names or 1-based numbers, in the wanted order; or names for
            the bands of a file that has none.
        mask: "auto" uses the product's own quality layer, "none" nothing, else a raster whose non-zero pixels are
            not usable, on any grid.
        trusted: open VRT files too, which read whatever they name.

    Raises:
        InputError: anything that cannot be read or understood, in one line with what to do.
        UsageError: '-' on a terminal; a band named twice.
    """
    with ExitStack() as cleanup:
        file = spool_stdin(cleanup) if path == "-" else local_path(path)
        product = _understand(file, path, bands, cleanup, trusted=trusted)
        product = _with_mask(product, mask)
        return Scene(product, path, cleanup.pop_all())


def _understand(file: Path, shown: str, bands: Sequence[str], cleanup: ExitStack, *, trusted: bool) -> Product:
    if file.is_dir():
        if not os.access(file, os.R_OK | os.X_OK):
            raise InputError(f"{file}: the folder cannot be read", hint="check its permissions")
        if landsat.metadata_file(file) is not None:
            return landsat.read_landsat(file, bands=bands)
        if sentinel2.is_product(file):
            return sentinel2.read_sentinel2(file, bands=bands, cleanup=cleanup)
        raise InputError(
            f"{file}: a folder, but neither a Landsat Collection-2 scene (*_MTL.txt) nor a Sentinel-2 .SAFE product",
            hint="name the raster file inside it",
        )
    kind = sniff(file)
    if kind == "ZIP" or (kind == "XML" and file.name.startswith("MTD_MSI")):
        return sentinel2.read_sentinel2(file, bands=bands, cleanup=cleanup)
    if kind in {"ODL", "JSON", "XML"} and landsat.is_metadata_name(file.name):
        return landsat.read_landsat(file, bands=bands)
    return read_file(file, bands=bands, trusted=trusted, shown=shown if shown == "-" else None)


def _with_mask(product: Product, mask: str) -> Product:
    """Apply ``--mask``: keep the product's own, drop it, or take a file's first band."""
    if mask == "auto":
        rule = () if product.mask is not None else (("mask", "none: no quality layer comes with the input"),)
        return replace(product, rules=(*product.rules, *rule))
    rules = tuple(rule for rule in product.rules if rule[0] != "mask")
    if mask == "none":
        return replace(product, mask=None, rules=(*rules, ("mask", "--mask none")))
    file = local_path(mask)
    if file.is_dir():
        raise InputError(f"{file}: a mask is one raster file, not a folder", hint="give a GeoTIFF, or --mask auto|none")
    with closing(open_raster(file)) as dataset:
        source = MaskSource(file, 1, grid_of(dataset, file), "zero")
    return replace(
        product, mask=source, rules=(*rules, ("mask", f"--mask {file.name}: non-zero pixels are not usable"))
    )
