"""`open_scene`: whatever the user named, as one grid of bands in physical units."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing, nullcontext
from dataclasses import replace
from itertools import chain
from threading import Lock
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
from ursat.io.held import hold
from ursat.io.jpeg2000_layer import open_stack
from ursat.io.masks import MaskLayer
from ursat.io.measured import measured
from ursat.io.product import MaskSource, Product
from ursat.io.raster import grid_of, not_decoded, open_raster
from ursat.io.remote import RemoteFile, block_bytes
from ursat.io.safety import locate, locked_env, sniff
from ursat.io.sparse import reads_as_nodata
from ursat.io.spool import spool_stdin
from ursat.io.stack import image_stack
from ursat.io.warp import WarpedScene
from ursat.types import Block, SceneInfo, Shift

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from rasterio.io import DatasetReader

    from ursat.grid import Grid
    from ursat.io.jpeg2000_layer import JpegStack
    from ursat.io.layer import Stack
    from ursat.io.product import BandSource
    from ursat.io.remote import Location

SEARCH_BLOCK = 1024


class Scene:
    """An opened input on its own grid; a `ursat.types.Reader` and a context manager. Threads may `read` at once."""

    def __init__(self, product: Product, shown: str, cleanup: ExitStack) -> None:
        self._product = product
        self._close = cleanup
        self._mask: MaskLayer | None = None
        self._stack: Stack | JpegStack | None = None
        self._held: dict[tuple[Window, ...], Scene] = {}
        self._sha256: str | None = None
        self._one_reads = Lock()  # GDAL's datasets do not bear two
        self._files: dict[Location, DatasetReader] = {}
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
        with self._one_reads:
            bands = [self._read_band(source, inside) for source in self._product.sources]
        for number, (source, (stored, good)) in enumerate(zip(self._product.sources, bands, strict=True)):
            physical = np.where(good, stored, 0).astype(work)
            if (source.scale, source.offset) != (1.0, 0.0):
                physical = physical * source.scale + source.offset
            values[number, rows, cols] = np.where(good, physical, 0)
            valid[number, rows, cols] = good
        return Block(values, valid)

    def _read_band(self, source: BandSource, inside: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        dataset = self._files[source.path]
        window = RasterioWindow(inside.col, inside.row, inside.width, inside.height)
        with locked_env(source.path):
            try:
                stored: NDArray[Any] = dataset.read(source.index, window=window)
                good = measured(stored)
                if source.masked:
                    good &= dataset.read_masks(source.index, window=window) != 0
                if source.alpha is not None:
                    good &= dataset.read(source.alpha, window=window) != 0
            except RasterioError as error:
                where = (
                    f"band {source.index} in rows {inside.row} to {inside.row_stop - 1}, "
                    f"columns {inside.col} to {inside.col_stop - 1}"
                )
                raise not_decoded(error, source.path, where) from error
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
        if self._stack is None:
            product = self._product
            text = image_stack(product.grid, product.sources, self._encoding.work_dtype)
            self._stack = open_stack(text, product.grid, self._files)
            self._close.callback(self._stack.close)
        return WarpedScene(self._product, self._stack, grid, shift or Shift(), resampling)

    def overlap(self, grid: Grid) -> float:
        """The share of ``grid``'s area, 0..1, under this scene's rectangle."""
        return overlap(self.grid, grid)

    @property
    def remote(self) -> bool:
        """Whether pixels come over the network."""
        return any(isinstance(path, RemoteFile) for path in self._files)

    def transfer(self, window: Window) -> dict[Hashable, int]:
        """What reading ``window`` fetches over the network: {block: bytes}; empty for local files."""
        fetched: dict[Hashable, int] = {}
        inside = window.intersect(self.grid.window)
        for path, dataset in self._files.items():
            if isinstance(path, RemoteFile) and not inside.empty:
                with locked_env(path):
                    bands = [source.index for source in self._product.sources if source.path == path]
                    fetched |= {(path, *key): size for key, size in block_bytes(dataset, bands, inside).items()}
        return fetched

    def held(self, windows: Sequence[Window]) -> Scene:
        """This scene where ``windows`` are all that will be read of it, often: on the local disk if it is remote.

        Everything outside of them is not valid there. Lives as long as this scene.

        Raises:
            InputError: the network fails.
        """
        if not self.remote:
            return self
        wanted = tuple(sorted(set(windows)))
        if wanted not in self._held:
            with ExitStack() as cleanup:
                product = hold(self._product, wanted, cleanup)
                self._held[wanted] = Scene(product, self._info.path, cleanup.pop_all())
            self._close.callback(self._held[wanted].close)
        return self._held[wanted]

    def any_valid(self) -> bool:
        """True when at least one pixel of one band is valid; reads the middle first, then block by block."""
        whole = self.grid.window
        middle = Window(whole.height // 2, whole.width // 2, 1, 1)
        parts = chain([middle], whole.blocks(SEARCH_BLOCK, SEARCH_BLOCK))
        return any(self.read(part).valid.any() for part in parts if not self.unwritten(part))

    def unwritten(self, window: Window) -> bool:
        """Whether the files' own indices say that no pixel of ``window`` is valid; True outside the grid.

        No pixel is read: of a large sparse file most can be left aside in no time. False says nothing.
        """
        inside = window.intersect(self.grid.window)
        if inside.empty:
            return True
        for source in self._product.sources:
            # A local file's index needs none of GDAL's settings, and making them takes longer than looking it up.
            with self._one_reads, locked_env(source.path) if self.remote else nullcontext():
                if not reads_as_nodata(self._files[source.path], source.index, inside, source.nodata):
                    return False
        return True

    def copy_of(self, sha256: str) -> bool:
        """Whether this is a local copy of a remote scene with that `fingerprint`."""
        return self.info.driver == "GTiff" and fingerprint(self._product, by_index=True) == sha256

    def fingerprint(self) -> str:
        """sha256 of what was understood and of the files' contents; see `ursat.io.fingerprint`. Read once."""
        if self._sha256 is None:
            self._sha256 = fingerprint(self._product)
        return self._sha256

    def close(self) -> None:
        """Close the files and remove what was spooled or unpacked."""
        self._close.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_scene(
    path: str, *, bands: Sequence[str] = (), mask: str = "auto", trusted: bool = False, allow_remote: bool = False
) -> Scene:
    """Open a raster file, a Landsat Collection-2 scene or a Sentinel-2 product.

    Args:
        path: a GeoTIFF, COG or JPEG 2000 file; a Landsat folder or its ``*_MTL.txt/.json/.xml``; a Sentinel-2 ``.SAFE``
            folder, its zip or its ``MTD_MSI*.xml``; '-' for a file on standard input; or, where ``allow_remote``, a
            GeoTIFF on a server (http, https, s3).
        bands: the entries of ``--bands``: names, own names or 1-based numbers, in the wanted order; or names for
            the bands of a file that has none.
        mask: "auto" uses the product's own quality layer, "none" nothing, else a raster whose non-zero pixels are
            not usable, on any grid.
        trusted: open VRT files too, which read whatever they name, and follow links out of a product's folder.
        allow_remote: open files on servers, ``path`` and ``mask``, and no others.

    Raises:
        InputError: anything that cannot be read or understood, in one line with what to do.
        UsageError: '-' on a terminal; a band named twice.
    """
    with ExitStack() as cleanup:
        file = spool_stdin(cleanup) if path == "-" else locate(path, allow_remote=allow_remote)
        if isinstance(file, RemoteFile):
            path = file.shown
            product = read_file(file, bands=bands)
        else:
            product = _understand(file, path, bands, cleanup, trusted=trusted)
        product = _with_mask(product, mask, allow_remote=allow_remote)
        return Scene(product, path, cleanup.pop_all())


def _understand(file: Path, shown: str, bands: Sequence[str], cleanup: ExitStack, *, trusted: bool) -> Product:
    if file.is_dir():
        if not os.access(file, os.R_OK | os.X_OK):
            raise InputError(f"{file}: the folder cannot be read", hint="check its permissions")
        if landsat.metadata_file(file) is not None:
            return landsat.read_landsat(file, bands=bands, trusted=trusted)
        if sentinel2.is_product(file):
            return sentinel2.read_sentinel2(file, bands=bands, cleanup=cleanup, trusted=trusted)
        raise InputError(
            f"{file}: a folder, but neither a Landsat Collection-2 scene (*_MTL.txt) nor a Sentinel-2 .SAFE product",
            hint="name the raster file inside it",
        )
    kind = sniff(file)
    if kind == "ZIP" or (kind == "XML" and file.name.startswith("MTD_MSI")):
        return sentinel2.read_sentinel2(file, bands=bands, cleanup=cleanup, trusted=trusted)
    if kind in {"ODL", "JSON", "XML"} and landsat.is_metadata_name(file.name):
        return landsat.read_landsat(file, bands=bands, trusted=trusted)
    return read_file(file, bands=bands, trusted=trusted, shown=shown if shown == "-" else None)


def _with_mask(product: Product, mask: str, *, allow_remote: bool) -> Product:
    """Apply ``--mask``: keep the product's own, drop it, or take a file's first band."""
    if mask == "auto":
        rule = () if product.mask is not None else (("mask", "none: no quality layer comes with the input"),)
        return replace(product, rules=(*product.rules, *rule))
    rules = tuple(rule for rule in product.rules if rule[0] != "mask")
    if mask == "none":
        return replace(product, mask=None, rules=(*rules, ("mask", "--mask none")))
    file = locate(mask, allow_remote=allow_remote)
    if not isinstance(file, RemoteFile) and file.is_dir():
        raise InputError(f"{file}: a mask is one raster file, not a folder", hint="give a GeoTIFF, or --mask auto|none")
    with closing(open_raster(file)) as dataset:
        source = MaskSource(file, 1, grid_of(dataset, file), "zero")
    return replace(
        product, mask=source, rules=(*rules, ("mask", f"--mask {file.name}: non-zero pixels are not usable"))
    )
