"""Measuring closure while tiles are written: does the sensor operator bring the output back to the input?

H(output) = F(box(output)): the stored numbers are averaged over the half grid's cells (half an input pixel wide) as
tiles arrive, and whenever enough rows of a column are complete, F is applied over the valid pixels only (renormalised)
and compared with the input. Memory is a few columns of a tile's rows, and of the rest of the width those rows that F
reads again for the next row of tiles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.fir import decimate2
from ursat.grid import Window
from ursat.run.half_grid import HalfGrid

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ursat.types import Encoding, Reader


COLUMN = 256  # input pixels compared at once along a row


@dataclass(frozen=True, slots=True)
class ClosureResult:
    """Residuals of H(output) - input in stored units, per band, over ``pixels`` valid input pixels of each band.

    over: how many pixels exceed ``tolerance_dn``.
    """

    max_dn: tuple[float, ...]
    rmse_dn: tuple[float, ...]
    tolerance_dn: tuple[float, ...]
    pixels: tuple[int, ...]
    over: int


def cell_weights(start: int, count: int, size: float, first: int, cells: int) -> NDArray[np.float64]:
    """(cells, count): the share of half-grid cell ``first + i`` that output pixel ``start + j`` covers.

    ``size`` is a cell's width in output pixels (K/2); rows sum to 1 over all pixels of a cell.
    """
    pixel = np.arange(start, start + count, dtype=np.float64)[None, :]
    lo = (np.arange(first, first + cells, dtype=np.float64) * size)[:, None]
    cover = np.minimum(lo + size, pixel + 1) - np.maximum(lo, pixel)
    cover[cover < 1e-9] = 0
    return cover / size


def cells_under(start: int, count: int, size: float) -> tuple[int, int]:
    """(first, number) of the half-grid cells of ``size`` output pixels that pixels start .. start + count touch."""
    first = math.floor(start / size + 1e-9)
    return first, math.ceil((start + count) / size - 1e-9) - first


def cell_means(stored: NDArray[Any], window: Window, size: float) -> NDArray[Any]:
    """What a tile contributes to the means of the cells it touches: (C, h, w) -> (C, rows, columns)."""
    side = round(size)
    if side == size and all(v % side == 0 for v in (window.row, window.col, *window.shape)):
        bands, height, width = stored.shape
        tall = stored.reshape(bands, height // side, side, width).sum(axis=2)
        total: NDArray[Any] = tall[..., 0::side].copy()
        for phase in range(1, side):
            total += tall[..., phase::side]
        total /= side * side
        return total
    first_row, rows = cells_under(window.row, window.height, size)
    first_col, cols = cells_under(window.col, window.width, size)
    left = cell_weights(window.row, window.height, size, first_row, rows).astype(stored.dtype)
    right = cell_weights(window.col, window.width, size, first_col, cols).astype(stored.dtype)
    means: NDArray[Any] = left @ stored @ right.T
    return means


class ClosureMeter:
    """Feed tiles row by row from left to right (`add`, and after each row `row_done`), then ask for the `result`.

    Args:
        source: the input.
        keep: (window of the input) -> (h, w) bool, False where the run leaves pixels out (outside an AOI).
        region: the part of the input grid that the run covers.
        scale: K.
        taps: F.
        encoding: how the output stores values.
        tolerance_dn: per band, what counts as closed.
        column: input pixels compared at once along a row.
    """

    def __init__(
        self,
        source: Reader,
        keep: Callable[[Window], NDArray[np.bool_]] | None,
        region: Window,
        *,
        scale: float,
        taps: tuple[float, ...],
        encoding: Encoding,
        tolerance_dn: tuple[float, ...],
        column: int = COLUMN,
    ) -> None:
        self._source, self._keep, self._region = source, keep, region
        self._taps, self._encoding, self._tolerance = taps, encoding, tolerance_dn
        self._cell = scale / 2
        self._reach = len(taps) // 2 - 1
        bands = len(encoding.scales)
        self._column = column
        self._means = HalfGrid(bands, encoding.work_dtype, 2 * column)
        # At a fractional K a valid cell may hold pixels that are nodata: its mean then counts the others only.
        self._weights = None if scale == round(scale) else HalfGrid(bands, encoding.work_dtype, 2 * column)
        self._next: dict[int, int] = {}  # by column: the next input row to compare
        self._max = np.zeros(bands)
        self._square = np.zeros(bands)
        self._count = np.zeros(bands, dtype=np.int64)
        self._over = 0

    @property
    def nbytes(self) -> int:
        """Of what is held for comparisons to come."""
        return self._means.nbytes + (self._weights.nbytes if self._weights is not None else 0)

    def add(self, window: Window, stored: NDArray[Any], valid: NDArray[np.bool_]) -> None:
        """Add a tile: its absolute output window, its stored numbers (C, h, w), floating point, and which are valid."""
        row, col = cells_under(window.row, window.height, self._cell)[0], cells_under(window.col, 1, self._cell)[0]
        if self._weights is not None:
            mask = valid.astype(stored.dtype)
            self._weights.add(row, col, cell_means(mask, window, self._cell))
            stored = stored * mask
        self._means.add(row, col, cell_means(stored, window, self._cell))
        # Columns are complete down to this tile's lower edge as far as F, at its right edge, reads no cell beyond
        complete = (self._complete(window.col_stop) - self._reach) // (2 * self._column)
        self._compare(self._last_row(window.row_stop), complete)

    def row_done(self, next_output_row: int) -> None:
        """All tiles above absolute output row ``next_output_row`` have been added: compare what is complete."""
        self._compare(self._last_row(next_output_row), None)

    def _complete(self, output_pixels: int) -> int:
        """Half-grid cells, from the grid's edge, that so many output pixels have filled."""
        return math.floor(output_pixels / self._cell + 1e-9)

    def _last_row(self, output_rows: int) -> int:
        return min((self._complete(output_rows) - self._reach) // 2, self._region.row_stop)

    def _compare(self, stop: int, columns: int | None) -> None:
        """Compare input rows above ``stop`` in the first ``columns`` columns (None: all); forget what nobody needs."""
        reach = -(-self._reach // 2)  # in input pixels
        for column in self._means.columns():
            if columns is not None and column >= columns:
                break
            top, end = self._means.rows(column)
            # A pixel is judged where the output shows it, so its cells are here
            start = max(self._next.get(column, self._region.row), top // 2)
            rows = Window(start, column * self._column, max(min(stop, -(-end // 2)) - start, 0), self._column)
            part = rows.intersect(self._region)
            if not part.empty:
                self._compare_part(part, reach)
            self._next[column] = max(stop, start)
        for column in self._means.columns():
            if columns is None or column < columns - 1:  # the last one is still read by its right neighbour
                self._drop_above(column, 2 * (self._next[column] - reach) - 1)

    def _drop_above(self, column: int, row: int) -> None:
        self._means.drop_above(column, row)
        if self._weights is not None:
            self._weights.drop_above(column, row)

    def _compare_part(self, inner: Window, reach: int) -> None:
        outer = inner.pad(reach)
        block = self._source.read(outer)
        inside = np.zeros(outer.shape, dtype=bool)
        inside[outer.intersect(self._region).within(outer)] = True
        if self._keep is not None:
            inside &= self._keep(outer)
        full = block.valid.astype(self._encoding.work_dtype)
        ours = full * inside
        mask = ours.repeat(2, axis=-2).repeat(2, axis=-1)
        half = self._means.read(outer.finer(2))
        if self._weights is not None:
            weights = self._weights.read(outer.finer(2))
            half /= np.where(weights > 0, weights, 1)
        weight_full = decimate2(full.repeat(2, axis=-2).repeat(2, axis=-1), self._taps)
        weight = decimate2(mask, self._taps)
        seen = decimate2(half * mask, self._taps)
        core = inner.within(outer)
        weight, weight_full, seen = weight[(..., *core)], weight_full[(..., *core)], seen[(..., *core)]
        judged = (ours[(..., *core)] > 0) & (np.abs(weight_full - weight) < 1e-6)
        scales = np.asarray(self._encoding.scales)[:, None, None]
        offsets = np.asarray(self._encoding.offsets)[:, None, None]
        target = (block.values[(..., *core)].astype(np.float64) - offsets) / scales
        with np.errstate(invalid="ignore", divide="ignore"):
            residual = np.where(judged, np.abs(seen / weight - target), 0.0)
        self._max = np.maximum(self._max, residual.max(axis=(1, 2), initial=0.0))
        self._square += (residual**2).sum(axis=(1, 2))
        self._count += judged.sum(axis=(1, 2))
        tolerance = np.asarray(self._tolerance)[:, None, None]
        self._over += int((residual > tolerance).sum())

    def result(self) -> ClosureResult:
        """Compare what is left and return the residuals."""
        self._compare(self._region.row_stop, None)
        count = np.maximum(self._count, 1)
        return ClosureResult(
            max_dn=tuple(float(v) for v in self._max),
            rmse_dn=tuple(float(v) for v in np.sqrt(self._square / count)),
            tolerance_dn=self._tolerance,
            pixels=tuple(int(v) for v in self._count),
            over=self._over,
        )
