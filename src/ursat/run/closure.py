"""Measuring closure while tiles are written: does the sensor operator bring the output back to the input?

H(output) = F(box(output)): the stored numbers are averaged over the half grid's cells (half an input pixel wide) as
tiles arrive, and whenever enough rows are complete, F is applied over the valid pixels only (renormalised) and
compared with the input. Memory is one tile row of the half grid, whatever the scene.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.fir import decimate2
from ursat.grid import Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ursat.types import Encoding, Reader


_CHUNK = 512  # input columns compared at once: bounds memory for wide scenes


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


def _grown(rows: NDArray[Any], more: int) -> NDArray[Any]:
    """The array with ``more`` rows of zeros below; no second full-width temporary is made on the way."""
    out = np.zeros((rows.shape[0], rows.shape[1] + more, rows.shape[2]), dtype=rows.dtype)
    out[:, : rows.shape[1]] = rows
    return out


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
    """Feed tiles row by row (`add`, then `row_done`), then ask for the `result`.

    Args:
        source: the input.
        keep: (window of the input) -> (h, w) bool, False where the run leaves pixels out (outside an AOI).
        region: the part of the input grid that the run covers.
        scale: K.
        taps: F.
        encoding: how the output stores values.
        tolerance_dn: per band, what counts as closed.
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
    ) -> None:
        self._source, self._keep, self._region = source, keep, region
        self._taps, self._encoding, self._tolerance = taps, encoding, tolerance_dn
        self._cell = scale / 2
        self._reach = len(taps) // 2 - 1
        bands = len(encoding.scales)
        self._col0 = region.col * 2
        self._width = region.width * 2
        self._top = region.row * 2  # absolute half-grid row of self._means[:, 0]
        self._means: NDArray[Any] = np.zeros((bands, 0, self._width), dtype=encoding.work_dtype)
        # At a fractional K a valid cell may hold pixels that are nodata: its mean then counts the others only.
        self._partial = scale != round(scale)
        self._weights: NDArray[Any] = self._means.copy()
        self._next = region.row  # the next input row to compare
        self._max = np.zeros(bands)
        self._square = np.zeros(bands)
        self._count = np.zeros(bands, dtype=np.int64)
        self._over = 0

    def add(self, window: Window, stored: NDArray[Any], valid: NDArray[np.bool_]) -> None:
        """Add a tile: its absolute output window, its stored numbers (C, h, w), floating point, and which are valid."""
        first_row, rows = cells_under(window.row, window.height, self._cell)
        first_col, cols = cells_under(window.col, window.width, self._cell)
        need = first_row + rows - self._top - self._means.shape[1]
        if need > 0:
            self._means = _grown(self._means, need)
            if self._partial:
                self._weights = _grown(self._weights, need)
        row, col = first_row - self._top, first_col - self._col0
        stop = min(cols, self._width - col)
        cells = np.s_[:, row : row + rows, col : col + stop]
        if self._partial:
            mask = valid.astype(stored.dtype)
            self._weights[cells] += cell_means(mask, window, self._cell)[..., :stop]
            stored = stored * mask
        self._means[cells] += cell_means(stored, window, self._cell)[..., :stop]

    def row_done(self, next_output_row: int) -> None:
        """All tiles above absolute output row ``next_output_row`` have been added: compare what is complete."""
        complete = math.floor(next_output_row / self._cell + 1e-9)  # half-grid rows below this are final
        last = (complete - self._reach) // 2
        self._compare(min(last, self._region.row_stop))

    def _compare(self, stop: int) -> None:
        if stop <= self._next:
            return
        reach = -(-self._reach // 2)  # in input pixels
        rows = Window(self._next, self._region.col, stop - self._next, self._region.width)
        for col in range(rows.col, rows.col_stop, _CHUNK):
            self._compare_part(Window(rows.row, col, rows.height, min(_CHUNK, rows.col_stop - col)), reach)
        self._next = stop
        drop = max(0, 2 * (stop - reach) - 1 - self._top)
        self._means = self._means[:, drop:].copy()
        if self._partial:
            self._weights = self._weights[:, drop:].copy()
        self._top += drop

    def _compare_part(self, inner: Window, reach: int) -> None:
        outer = inner.pad(reach)
        block = self._source.read(outer)
        inside = np.zeros(outer.shape, dtype=bool)
        inside[outer.intersect(self._region).within(outer)] = True
        if self._keep is not None:
            inside &= self._keep(outer)
        full = block.valid.astype(self._means.dtype)
        ours = full * inside
        half = np.zeros((full.shape[0], 2 * outer.height, 2 * outer.width), dtype=self._means.dtype)
        here = Window(self._top, self._col0, self._means.shape[1], self._width)
        common = outer.finer(2).intersect(here)
        mask = ours.repeat(2, axis=-2).repeat(2, axis=-1)
        held = self._means[(..., *common.within(here))]
        if self._partial:
            weights = self._weights[(..., *common.within(here))]
            held = held / np.where(weights > 0, weights, 1)
        half[(..., *common.within(outer.finer(2)))] = held
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
        self._compare(self._region.row_stop)
        count = np.maximum(self._count, 1)
        return ClosureResult(
            max_dn=tuple(float(v) for v in self._max),
            rmse_dn=tuple(float(v) for v in np.sqrt(self._square / count)),
            tolerance_dn=self._tolerance,
            pixels=tuple(int(v) for v in self._count),
            over=self._over,
        )
