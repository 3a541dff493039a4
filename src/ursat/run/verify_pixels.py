"""The part of verification that reads pixels: one streaming pass over the output, a strip of input rows at a time.

Written apart from `ursat.run.closure`, which measures while a run writes: here only the files count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ursat.fir import decimate2
from ursat.grid import Window
from ursat.tiling.levels import input_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ursat.types import Encoding, Reader

_CHUNK_PX = 512  # output pixels a side that are averaged at once
_SLACK = 1e-4  # the provenance keeps six digits, and sums round
_STRIP_BYTES = 48 << 20  # half-grid values and weights of one strip


class StoredReader(Protocol):
    """Windows of an output: stored numbers and which of them are values."""

    def read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """(bands, h, w) each."""
        ...


@dataclass(frozen=True, slots=True)
class PixelFindings:
    """Residuals of H(output) - input in DN, per band, and where nodata is not what the input says.

    leaked: output pixels with a value where the input has none; lost: nodata where the input has a value; first:
    (row, column) of the first of them in the output.
    """

    max_dn: tuple[float, ...]
    rmse_dn: tuple[float, ...]
    tolerance_dn: tuple[float, ...]
    pixels: tuple[int, ...]
    over: tuple[int, ...]
    leaked: int
    lost: int
    first: tuple[int, int] | None


class PixelCheck:
    """Compares an output with its input.

    Args:
        output: the stored numbers, on a grid whose first pixel is the corner of ``region``.
        shape: (height, width) of the output.
        source: the input, physical units.
        encoding: how the *input* stores values: residuals count in its DN.
        region: the window of the input that the output covers.
        scale: K.
        taps: F on the half grid.
        tolerance_dn: per band.
    """

    def __init__(
        self,
        output: StoredReader,
        shape: tuple[int, int],
        source: Reader,
        encoding: Encoding,
        region: Window,
        *,
        scale: float,
        taps: tuple[float, ...],
        tolerance_dn: tuple[float, ...],
    ) -> None:
        self._output, self._source, self._encoding = output, source, encoding
        self._region, self._scale, self._taps = region, scale, taps
        # The output's first pixel on the grid of the whole input made finer; a whole number (the run saw to it).
        self._origin = Window(round(region.row * scale), round(region.col * scale), *shape)
        self._tolerance = np.asarray(tolerance_dn)[:, None, None]
        self._bands = bands = len(encoding.scales)
        # Of F, in input pixels; at least 1, because a fractional K lets the last pixels reach beyond the region.
        self._reach = max(1, math.ceil((len(taps) // 2 - 1) / 2))
        self._max, self._square = np.zeros(bands), np.zeros(bands)
        self._pixels, self._over = np.zeros(bands, np.int64), np.zeros(bands, np.int64)
        self._leaked = self._lost = 0
        self._first: tuple[int, int] | None = None

    def run(self) -> PixelFindings:
        """Read everything once and return what was found."""
        row_bytes = 2 * 2 * 2 * self._region.width * 8 * self._bands
        rows = min(max(8, _STRIP_BYTES // max(1, row_bytes)), 512)
        for strip in self._region.blocks(rows, self._region.col_stop):
            self._strip(strip)
        counts = np.maximum(self._pixels, 1)
        return PixelFindings(
            max_dn=tuple(self._max.tolist()),
            rmse_dn=tuple(np.sqrt(self._square / counts).tolist()),
            tolerance_dn=tuple(self._tolerance.ravel().tolist()),
            pixels=tuple(self._pixels.tolist()),
            over=tuple(self._over.tolist()),
            leaked=self._leaked,
            lost=self._lost,
            first=self._first,
        )

    def _strip(self, strip: Window) -> None:
        outer = strip.pad(self._reach)
        block = self._source.read(outer)
        means = np.zeros((self._bands, 2 * outer.height, 2 * outer.width))
        shares = np.zeros_like(means)
        chunk = max(1, int(_CHUNK_PX / self._scale))
        for part in outer.intersect(self._region).blocks(chunk, chunk):
            window = self._covering(part)
            stored, valid = self._output.read(window)
            rows, cols = part.finer(2).within(outer.finer(2))
            absolute = Window(window.row + self._origin.row, window.col + self._origin.col, *window.shape)
            means[:, rows, cols], shares[:, rows, cols] = cell_means(stored, valid, absolute, part, self._scale)
            self._compare_nodata(valid, window, absolute, part.intersect(strip), block.valid, outer)
        self._compare_values(strip, outer, block.values, block.valid, means, shares > 0)

    def _covering(self, part: Window) -> Window:
        """The output pixels that touch input window ``part``, counted from the output's corner."""
        row, col = math.floor(part.row * self._scale + 1e-6), math.floor(part.col * self._scale + 1e-6)
        height = math.ceil(part.row_stop * self._scale - 1e-6) - row
        width = math.ceil(part.col_stop * self._scale - 1e-6) - col
        found = Window(row, col, height, width).intersect(self._origin)
        return Window(found.row - self._origin.row, found.col - self._origin.col, *found.shape)

    def _compare_nodata(
        self,
        valid: NDArray[np.bool_],
        window: Window,
        absolute: Window,
        part: Window,
        valid_in: NDArray[np.bool_],
        outer: Window,
    ) -> None:
        """An output pixel is a value exactly where its centre lies in an input pixel that is one.

        Each output pixel counts with the part that holds its centre; those beyond the region with the last one.
        """
        if part.empty:
            return
        rows, row_in = self._owned(absolute.row, absolute.height, part.row, part.row_stop, self._region.row_stop)
        cols, col_in = self._owned(absolute.col, absolute.width, part.col, part.col_stop, self._region.col_stop)
        found = valid[:, rows, cols]
        under = valid_in[
            :, row_in[0] - outer.row : row_in[-1] - outer.row + 1, col_in[0] - outer.col : col_in[-1] - outer.col + 1
        ]
        if found.all() and under.all():
            return
        expected = under[:, (row_in - row_in[0])[:, None], (col_in - col_in[0])[None, :]]
        wrong = found != expected
        if not wrong.any():
            return
        self._leaked += int((found & ~expected).sum())
        self._lost += int((expected & ~found).sum())
        if self._first is None:
            _, row, col = (int(axis[0]) for axis in np.nonzero(wrong))
            self._first = window.row + rows.start + row, window.col + cols.start + col

    def _owned(self, start: int, count: int, first: int, stop: int, end: int) -> tuple[slice, NDArray[np.intp]]:
        """Which of ``count`` output rows (columns) have their centre in input rows ``first .. stop``, and in which."""
        index = [input_index(start + i, self._scale) for i in range(count)]
        held = [i for i, at in enumerate(index) if first <= at and (at < stop or stop == end)]
        return slice(held[0], held[-1] + 1), np.array([index[i] for i in held], dtype=np.intp)

    def _compare_values(
        self,
        strip: Window,
        outer: Window,
        values: NDArray[Any],
        valid: NDArray[np.bool_],
        means: NDArray[np.float64],
        held: NDArray[np.bool_],
    ) -> None:
        """H(output) = F(x m) / F(m), m = 1 where the input has a value; what the output lacks of it is not judged."""
        wanted = valid.repeat(2, axis=-2).repeat(2, axis=-1)
        ours = (wanted & held).astype(np.float64)
        inner = (slice(None), *strip.within(outer))
        weight = decimate2(ours, self._taps)[inner]
        complete = decimate2(wanted.astype(np.float64), self._taps)[inner]
        seen = decimate2(means * ours, self._taps)[inner]
        judged = valid[inner] & (np.abs(complete - weight) < 1e-6) & (np.abs(weight) > 1e-6)
        scales = np.asarray(self._encoding.scales)[:, None, None]
        offsets = np.asarray(self._encoding.offsets)[:, None, None]
        target = (values[inner].astype(np.float64) - offsets) / scales
        if np.dtype(self._encoding.dtype).kind in "iu":
            target = np.rint(target)  # the file's own whole number, without the way through physical units
        residual = np.where(judged, np.abs(seen / np.where(judged, weight, 1.0) - target), 0.0)
        self._max = np.maximum(self._max, residual.max(axis=(1, 2), initial=0.0))
        self._square += (residual**2).sum(axis=(1, 2))
        self._pixels += judged.sum(axis=(1, 2))
        self._over += (residual > self._tolerance * (1 + _SLACK)).sum(axis=(1, 2))


def cell_means(
    stored: NDArray[Any], valid: NDArray[np.bool_], window: Window, part: Window, scale: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average output pixels over the half grid's cells of an input window.

    Args:
        stored: (bands, h, w) over ``window``; numbers that are not values may be anything, NaN included.
        valid: (bands, h, w).
        window: absolute output pixels.
        part: absolute input pixels; ``window`` covers its ground.
        scale: K; a cell is K/2 output pixels wide, in area weights.

    Returns:
        (means, shares), each (bands, 2 part.height, 2 part.width): the mean of the valid pixels (0 without any), and
        the share of the cell that they cover.
    """
    everything = bool(valid.all())
    sums = _cell_sums(stored if everything else np.where(valid, stored, 0), window, part, scale)
    if everything:
        return sums, np.ones_like(sums)
    shares = _cell_sums(valid, window, part, scale)
    shares[shares < 1e-9] = 0
    return np.divide(sums, shares, out=np.zeros_like(sums), where=shares > 0), shares


def _cell_sums(pixels: NDArray[Any], window: Window, part: Window, scale: float) -> NDArray[np.float64]:
    """Sums of pixels over cells, each weighted by the share of the cell that it covers."""
    exact = pixels.astype(np.float64)
    size = int(scale) // 2
    if scale == 2 * size:  # whole pixels
        rows = sum((exact[:, i::size] for i in range(1, size)), exact[:, ::size].copy())
        return sum((rows[..., i::size] for i in range(1, size)), rows[..., ::size].copy()) / size**2
    left = _cover(part.row * 2, 2 * part.height, window.row, window.height, scale / 2)
    right = _cover(part.col * 2, 2 * part.width, window.col, window.width, scale / 2).T
    return left @ exact @ right


def _cover(first: int, cells: int, start: int, count: int, size: float) -> NDArray[np.float64]:
    """(cells, count): the share of cell ``first + i`` (``size`` wide) that output pixel ``start + j`` covers."""
    edges = np.arange(start, start + count + 1) / size
    cell = np.arange(first, first + cells)[:, None]
    return np.diff(np.clip(edges[None, :], cell, cell + 1), axis=1)
