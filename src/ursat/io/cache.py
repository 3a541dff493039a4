"""A reader that remembers what it read, in whole blocks.

Neighbouring tiles want overlapping windows of the harmonised reference, which is warped and filtered anew each time it
is asked for. Blocks are anchored at absolute coordinates and no pixel depends on the window it is read with, so
remembering changes none. Several threads may read at once, if the reader behind allows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ursat.kept import Kept
from ursat.types import Block

if TYPE_CHECKING:
    from ursat.grid import Grid, Window
    from ursat.types import Reader

BLOCK = 512  # pixels a side, unless told otherwise


class BlockCache:
    """A `Reader` in front of another, holding up to ``budget`` bytes of its most recently used blocks.

    Args:
        source: the reader behind.
        budget: bytes.
        block: pixels a side.
    """

    def __init__(self, source: Reader, *, budget: int, block: int = BLOCK) -> None:
        self._source = source
        self._block = block
        self._kept: Kept[Window, Block] = Kept(budget, lambda held: held.values.nbytes + held.valid.nbytes)

    @property
    def grid(self) -> Grid:
        """The grid of the reader behind."""
        return self._source.grid

    def read(self, window: Window) -> Block:
        """Pixels of ``window``; outside the grid what the reader behind says of it (a continuation, perhaps)."""
        values = valid = None
        cores = window.snap(self._block, self._block).blocks(self._block, self._block)
        for core, block in self._kept.each(cores, self._source.read):
            if values is None or valid is None:
                values = np.zeros((block.values.shape[0], *window.shape), dtype=block.values.dtype)
                valid = np.zeros((block.valid.shape[0], *window.shape), dtype=bool)
            common = core.intersect(window)
            values[(..., *common.within(window))] = block.values[(..., *common.within(core))]
            valid[(..., *common.within(window))] = block.valid[(..., *common.within(core))]
        assert values is not None and valid is not None  # noqa: S101, PT018  (a window is never empty here)
        return Block(values, valid)
