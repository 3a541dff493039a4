"""The blocks of a grid that a network works on: integers only.

A block's place and size follow from the grid alone, never from the window that somebody asks for; so its result, which
may depend on its shape in the last bit, is the same in every run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ursat.grid import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUND = 8  # blocks begin and end at multiples of this many cells, so that networks may halve them three times


@dataclass(frozen=True, slots=True)
class Lattice:
    """Squares of ``side`` cells from the origin; the last of a row or column takes what is left, up to side / 2 more.

    height, width: of the grid. side: a multiple of `ROUND`.
    """

    height: int
    width: int
    side: int

    @property
    def extent(self) -> Window:
        """All blocks: the grid, rounded up to `ROUND`."""
        return Window(0, 0, -(-self.height // ROUND) * ROUND, -(-self.width // ROUND) * ROUND)

    def over(self, window: Window) -> Iterator[Window]:
        """The whole blocks that hold a cell of ``window``, row by row; none beyond the grid."""
        extent = self.extent
        part = window.intersect(extent)
        if part.empty:
            return
        for row, height in self._along(part.row, part.row_stop, extent.height):
            for col, width in self._along(part.col, part.col_stop, extent.width):
                yield Window(row, col, height, width)

    def count(self, window: Window) -> int:
        """How many blocks `over` yields; the same work for any size of the window."""
        part = window.intersect(self.extent)
        if part.empty:
            return 0
        rows = self._touching(part.row, part.row_stop, self.extent.height)
        return len(rows) * len(self._touching(part.col, part.col_stop, self.extent.width))

    def hull(self, window: Window) -> Window:
        """The smallest window that holds ``window`` and all blocks that touch it."""
        extent = self.extent
        part = window.intersect(extent)
        if part.empty:
            return window
        row, bottom = self._reach(part.row, part.row_stop, extent.height)
        col, right = self._reach(part.col, part.col_stop, extent.width)
        row, col = min(row, window.row), min(col, window.col)
        return Window(row, col, max(bottom, window.row_stop) - row, max(right, window.col_stop) - col)

    def _touching(self, start: int, stop: int, size: int) -> range:
        """Numbers of the blocks of one axis that touch start .. stop."""
        last = self._last(size)
        return range(min(start // self.side, last), min((stop - 1) // self.side, last) + 1)

    def _along(self, start: int, stop: int, size: int) -> Iterator[tuple[int, int]]:
        """(start, length) of those blocks."""
        for index in self._touching(start, stop, size):
            first = index * self.side
            yield first, (size if index == self._last(size) else first + self.side) - first

    def _reach(self, start: int, stop: int, size: int) -> tuple[int, int]:
        """Where the first of those blocks begins and the last one ends."""
        found = self._touching(start, stop, size)
        return found[0] * self.side, size if found[-1] == self._last(size) else (found[-1] + 1) * self.side

    def _last(self, size: int) -> int:
        return max(1, -(-(2 * size - self.side) // (2 * self.side))) - 1


def frame(outer: Window, inner: Window) -> Iterator[Window]:
    """What of ``outer`` lies outside of ``inner``, in up to four windows that do not overlap."""
    middle = outer.intersect(inner)
    if middle.empty:
        yield outer
        return
    pieces = (
        Window(outer.row, outer.col, middle.row - outer.row, outer.width),
        Window(middle.row_stop, outer.col, outer.row_stop - middle.row_stop, outer.width),
        Window(middle.row, outer.col, middle.height, middle.col - outer.col),
        Window(middle.row, middle.col_stop, middle.height, outer.col_stop - middle.col_stop),
    )
    yield from (piece for piece in pieces if not piece.empty)


def blocks_under(
    wanted: Window, depth: int, halo: Callable[[int], int], lattice: Callable[[int], Lattice]
) -> dict[int, int]:
    """How many blocks of every level a piece of output needs, by level; each reads ``halo(level)`` cells around itself.

    Args:
        wanted: on the grid of level ``depth``.
        depth: the finest level.
        halo: cells of a level's input grid that a block reads around itself.
        lattice: of a level's input grid.
    """
    found: dict[int, int] = {}
    for level in range(depth, 0, -1):
        cells = wanted.coarser(2)
        found[level] = lattice(level).count(cells)
        wanted = lattice(level).hull(cells).pad(halo(level))
    return found
