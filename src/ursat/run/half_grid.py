"""Numbers on the half grid (cells half an input pixel wide) while they are wanted, in columns of a fixed width.

Tiles bring them row by row, from left to right. A column whose rows are finished with lets go of them at once, and not
when the row of tiles ends; so what is held does not grow with the width of the scene, but for the rows that the next
row of tiles needs again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.grid import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray


class HalfGrid:
    """Sums by cell; 0 where nothing was added.

    Args:
        bands: numbers a cell.
        dtype: of the numbers.
        side: cells a column is wide.
    """

    def __init__(self, bands: int, dtype: str, side: int) -> None:
        self.side = side
        self._bands, self._dtype = bands, dtype
        self._held: dict[int, tuple[int, NDArray[Any]]] = {}  # by column: its first row, and (bands, rows, side)

    @property
    def nbytes(self) -> int:
        """Of all that is held."""
        return sum(numbers.nbytes for _, numbers in self._held.values())

    def columns(self) -> list[int]:
        """Numbers of the columns that hold anything, from left to right; column k begins at cell k x side."""
        return sorted(self._held)

    def rows(self, column: int) -> tuple[int, int]:
        """(first row, row behind the last one) that a column holds."""
        top, numbers = self._held[column]
        return top, top + numbers.shape[1]

    def add(self, row: int, col: int, numbers: NDArray[Any]) -> None:
        """Add (bands, h, w) numbers to the cells from (row, col) on; a column never grows upwards."""
        window = Window(row, col, *numbers.shape[1:])
        for column in self._under(window):
            top, held = self._held.get(column, (row, np.zeros((self._bands, 0, self.side), self._dtype)))
            if window.row_stop > top + held.shape[1]:
                grown = np.zeros((self._bands, window.row_stop - top, self.side), self._dtype)
                grown[:, : held.shape[1]] = held
                held = grown
            self._held[column] = top, held
            here = self._window(column)
            common = here.intersect(window)
            held[(..., *common.within(here))] += numbers[(..., *common.within(window))]

    def read(self, window: Window) -> NDArray[Any]:
        """(bands, h, w) numbers of ``window``."""
        out = np.zeros((self._bands, *window.shape), self._dtype)
        for column in self._under(window):
            if column in self._held:
                here = self._window(column)
                common = here.intersect(window)
                out[(..., *common.within(window))] = self._held[column][1][(..., *common.within(here))]
        return out

    def drop_above(self, column: int, row: int) -> None:
        """Forget a column's rows above ``row``."""
        top, numbers = self._held[column]
        if row >= top + numbers.shape[1]:
            del self._held[column]
        elif row > top:
            self._held[column] = row, numbers[:, row - top :].copy()

    def _under(self, window: Window) -> range:
        return range(window.col // self.side, -(-window.col_stop // self.side))

    def _window(self, column: int) -> Window:
        top, numbers = self._held[column]
        return Window(top, column * self.side, *numbers.shape[1:])
