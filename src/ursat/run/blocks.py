"""A stage that works on blocks of one shape: which blocks run, and results kept for the next tile.

Blocks are anchored at absolute coordinates and depend on nothing but their own surroundings, so a kept result is, bit
for bit, what would be computed again.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from ursat.models.predict import REACH, refine
from ursat.models.stage import LevelInputs

if TYPE_CHECKING:
    from torch import Tensor

    from ursat.grid import Window
    from ursat.models.stage import Stage


class BlockRunner:
    """Runs a stage block by block over windows of a level.

    Args:
        stage: with a ``block``; every halo at least `ursat.models.predict.REACH`.
        size: the stage's ``block``.
        budget: bytes of results to keep, the most recently used ones.
    """

    def __init__(self, stage: Stage, size: int, *, budget: int) -> None:
        self.stage, self.size = stage, size
        self._budget = budget
        self._held: OrderedDict[tuple[int, int, int], Tensor] = OrderedDict()
        self._bytes = 0

    def run(self, inputs: LevelInputs, reads: Window, makes: Window, seen: Tensor, base: Window) -> Tensor:
        """The stage's result over ``makes``, of the level's grid.

        Args:
            inputs: of the window ``reads`` of the level's input grid.
            reads: ``makes`` on the input grid, with the stage's halo.
            makes: whole blocks.
            seen: (h, w) bool over ``base``, a window of the scene's own grid: where any band was observed.
            base: must hold the ground of ``reads``.
        """
        out = inputs.x.new_empty((inputs.x.shape[0], makes.height, makes.width))
        factor = 2 ** (inputs.level - 1)
        for core in makes.coarser(2).blocks(self.size, self.size):
            under = core.coarser(factor)
            if bool(seen[under.within(base)].any()):
                result = self._recall(inputs, core, reads)
            else:
                # All of it lies beyond the image or inside a hole: neighbours want a continuation, not detail
                around = core.pad(REACH)
                smooth = refine(inputs.x[(..., *around.within(reads))])
                result = smooth[(..., *core.finer(2).within(around.finer(2)))]
            out[(..., *core.finer(2).within(makes))] = result
        return out

    def _recall(self, inputs: LevelInputs, core: Window, reads: Window) -> Tensor:
        key = inputs.level, core.row, core.col
        result = self._held.pop(key, None)
        if result is None:
            result = self._compute(inputs, core, reads)
            self._bytes += result.nbytes
        self._held[key] = result
        while self._bytes > self._budget:
            # The finest level's blocks are the most, and the least wanted: tiles share the coarser ones
            finest = max(level for level, _, _ in self._held)
            oldest = next(held for held in self._held if held[0] == finest)
            self._bytes -= self._held.pop(oldest).nbytes
        return result

    def _compute(self, inputs: LevelInputs, core: Window, reads: Window) -> Tensor:
        part = core.pad(self.stage.halo(inputs.level))
        here, fine = (..., *part.within(reads)), (..., *part.finer(2).within(reads.finer(2)))
        # Whether another tile's window saw the reference must not matter to a block that does not
        trust = None if inputs.trust is None or not bool((inputs.trust[here] > 0).any()) else inputs.trust[here]
        piece = LevelInputs(
            level=inputs.level,
            x=inputs.x[here].contiguous(),
            observed=None if inputs.observed is None else inputs.observed[here].contiguous(),
            ref=None if inputs.ref is None or trust is None else inputs.ref[fine].contiguous(),
            trust=None if trust is None else trust.contiguous(),
            origin=(part.row, part.col),
            gsd_m=inputs.gsd_m,
        )
        doubled = self.stage.run(piece)
        return doubled[(..., *core.finer(2).within(part.finer(2)))].clone()
