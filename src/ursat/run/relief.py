"""When memory runs out in the middle of a tile: fewer tiles at once, then smaller pieces of them.

No pixel depends on how the scene is cut (promise 3), so what is written stays the same; only the pace changes.
"""

from __future__ import annotations

import gc
import logging
from contextlib import contextmanager
from threading import Condition
from typing import TYPE_CHECKING, TypeVar

import torch

from ursat.errors import LimitError, out_of_memory
from ursat.run.budget import SMALLEST_TILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ursat.grid import Window

_log = logging.getLogger("ursat")
Made = TypeVar("Made")


class Relief:
    """How many tiles are made at once and in pieces of what side; both only ever shrink.

    Several threads may `make` at once.

    Args:
        workers: tiles at once, to begin with.
        side: of a tile, output pixels.
    """

    def __init__(self, workers: int, side: int) -> None:
        self._workers, self._side = workers, side
        self._halvings = 0
        self._busy = 0
        self._room = Condition()

    def make(
        self,
        window: Window,
        task: Callable[[Window], Made],
        join: Callable[[Window, list[tuple[Window, Made]]], Made],
    ) -> Made:
        """What ``task`` makes of a tile, whole or piece by piece.

        Args:
            window: of the tile.
            task: makes a window, and raises what `ursat.errors.out_of_memory` knows where memory does not suffice.
            join: puts pieces of a window together.

        Raises:
            LimitError: memory does not even suffice for the smallest piece, one at a time.
        """
        while True:
            with self._turn() as (side, halvings):
                try:
                    if max(window.shape) <= side:
                        return task(window)
                    return join(window, [(piece, task(piece)) for piece in window.blocks(side, side)])
                except Exception as error:
                    if not out_of_memory(error):
                        raise
                    why = str(error).partition("\n")[0]
            # What holds the attempt's tensors hangs in a circle: error, frames, promises of blocks that hold the error
            gc.collect()
            self._halve(halvings, why)

    @contextmanager
    def _turn(self) -> Iterator[tuple[int, int]]:
        """Wait until one more tile may be made; (side of its pieces, halvings so far)."""
        with self._room:
            self._room.wait_for(lambda: self._busy < self._workers)
            self._busy += 1
            now = self._side, self._halvings
        try:
            yield now
        finally:
            with self._room:
                self._busy -= 1
                self._room.notify_all()

    def _halve(self, seen: int, why: str) -> None:
        """Ask for less, unless another thread has done so since this one began."""
        with self._room:
            if self._halvings == seen:
                self._halvings += 1
                if self._workers > 1:
                    self._workers //= 2
                    _log.warning("out of memory (%s): from now on %d at once", why, self._workers)
                elif self._side > SMALLEST_TILE:
                    self._side = max(SMALLEST_TILE, self._side // 2)
                    _log.warning("out of memory (%s): tiles are made in pieces of %d px", why, self._side)
                else:
                    raise LimitError(
                        f"out of memory even for one piece of {self._side} x {self._side} pixels at a time: {why}",
                        hint="free memory on the device, use --device cpu, or leave out --samples",
                    )
        if torch.cuda.is_available():
            torch.cuda.empty_cache()  # what the attempt has left in torch's own store fits no smaller piece
