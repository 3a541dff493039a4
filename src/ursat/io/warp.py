"""A scene on another grid: one resampling, no value that nodata or clouds touched, and no trace of the windows."""

from __future__ import annotations

from contextlib import ExitStack
from threading import Lock
from typing import TYPE_CHECKING, Self

import numpy as np
from affine import Affine

from ursat.errors import UsageError
from ursat.grid import Grid
from ursat.io.footprint import overlap, pixel_ratio
from ursat.io.masks import MaskLayer, all_of_block, samples_per_side
from ursat.io.measured import measured
from ursat.types import Block

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ursat.grid import Window
    from ursat.io.jpeg2000_layer import JpegStack
    from ursat.io.layer import Layer, Stack
    from ursat.io.product import Product
    from ursat.types import Shift

RESAMPLINGS = ("auto", "nearest", "bilinear", "cubic", "average")
CUBIC_UP_TO = 2.001  # source pixels per target pixel; beyond, every source pixel should count: average


class WarpedScene:
    """The bands of a product on ``grid``, read by windows; a `ursat.types.Reader`. Threads may `read` at once.

    Cubic interpolation (widened by GDAL where it reduces) is used where its whole support is valid; next to nodata,
    where a cubic kernel that has lost positive weights overshoots, bilinear takes over. Valid is what is valid at the
    nearest source pixel (all source pixels under it, where the target is coarser) and usable by the scene's mask.
    """

    def __init__(self, product: Product, stack: Stack | JpegStack, grid: Grid, shift: Shift, resampling: str) -> None:
        if resampling not in RESAMPLINGS:
            raise UsageError(f"unknown resampling {resampling!r}", hint="one of " + ", ".join(RESAMPLINGS))
        self._grid = grid
        self._close = ExitStack()
        self._one_reads = Lock()  # GDAL's datasets do not bear two
        encoding = product.encoding
        self._work = encoding.work_dtype
        self._scales = np.array(encoding.scales).reshape(-1, 1, 1)
        self._offsets = np.array(encoding.offsets).reshape(-1, 1, 1)
        # Content moves by +shift when each target pixel looks at the ground that lies -shift away.
        looked_at = Grid(grid.height, grid.width, Affine.translation(-shift.dx, -shift.dy) * grid.transform, grid.crs)
        self._disjoint = overlap(product.grid, looked_at) == 0
        if self._disjoint:
            return
        ratio = pixel_ratio(product.grid, looked_at)
        if resampling == "auto":
            resampling = "cubic" if max(ratio) <= CUBIC_UP_TO else "average"
        self.resampling = resampling
        self._factor = samples_per_side(ratio)

        def layer(kind: str, *, skip_nan: bool, factor: int = 1) -> Layer:
            made = stack.layer(
                looked_at.finer(factor) if factor > 1 else looked_at,
                resampling=kind,
                dtype=self._work,
                skip_nan=skip_nan,
                fill=float("nan"),
                ratio=(ratio[0] / factor, ratio[1] / factor),
            )
            self._close.callback(made.close)
            return made

        try:
            self._values = layer(resampling, skip_nan=resampling != "cubic")
            self._rim = layer("bilinear", skip_nan=True) if resampling == "cubic" else None
            self._nearest = layer("nearest", skip_nan=True, factor=self._factor)
            self._mask = None
            if product.mask is not None:
                self._mask = MaskLayer(product.mask, looked_at, pixel_ratio(product.mask.grid, looked_at))
                self._close.callback(self._mask.close)
        except BaseException:
            self._close.close()
            raise

    @property
    def grid(self) -> Grid:
        """The grid whose windows are read."""
        return self._grid

    def read(self, window: Window) -> Block:
        """Physical values on ``window`` (may reach outside the grid); see `ursat.types.Block`.

        Raises:
            InputError: when a source block does not decode.
        """
        shape = (len(self._scales), *window.shape)
        if self._disjoint or window.intersect(self._grid.window).empty:
            return Block(np.zeros(shape, self._work), np.zeros(shape, bool))
        with self._one_reads:
            valid = self._covered(window)
            if not valid.any():
                return Block(np.zeros(shape, self._work), valid)
            values = self._values.read(window)
            if self._rim is not None:
                lost = valid & ~measured(values)
                if lost.any():
                    values = np.where(lost, self._rim.read(window), values)
        valid &= measured(values)
        physical = values * self._scales.astype(self._work) + self._offsets.astype(self._work)
        return Block(np.where(valid, physical, 0).astype(self._work, copy=False), valid)

    def _covered(self, window: Window) -> NDArray[np.bool_]:
        nearest = measured(self._nearest.read(window.finer(self._factor)))
        valid = all_of_block(nearest, self._factor)
        return valid & self._mask.read(window) if self._mask is not None else valid

    def close(self) -> None:
        """Release the datasets."""
        self._close.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
