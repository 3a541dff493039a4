"""The image of every level, made block by block when somebody asks for it; for stages that work on blocks.

Blocks are anchored at absolute coordinates and depend on nothing but their own surroundings, so a kept result is, bit
for bit, what would be computed again. Several threads may read at once: they share the work.
"""

from __future__ import annotations

from concurrent.futures import CancelledError
from typing import TYPE_CHECKING

from ursat.kept import Kept
from ursat.models.predict import REACH, refine
from ursat.models.stage import LevelInputs
from ursat.tiling.lattice import Lattice, frame

if TYPE_CHECKING:
    from torch import Tensor

    from ursat.grid import Window
    from ursat.models.stage import Stage
    from ursat.run.ground import Ground


class BlockPyramid:
    """A level's pixels are what its blocks make of the level below, which is asked the same way.

    A block whose ground shows nothing, and all that lies beyond the image, is continued smoothly: neighbours read
    there, and nobody else.

    Args:
        stage: with a ``block``.
        size: the stage's ``block``.
        ground: what the scene and its reference show.
        gsd_m: the input's ground sampling distance, metres.
        budget: bytes of results to keep, the most recently used ones.
    """

    def __init__(self, stage: Stage, size: int, ground: Ground, *, gsd_m: float, budget: int) -> None:
        self.stage, self.size, self.ground = stage, size, ground
        self._gsd_m = gsd_m
        self._stopped = False
        # The finest level's blocks are the most, and the least wanted: tiles share the coarser ones
        self._kept: Kept[tuple[int, Window], Tensor] = Kept(budget, lambda made: made.nbytes, lambda key: key[0])

    def lattice(self, level: int) -> Lattice:
        """The blocks of a level, in cells of its input grid."""
        factor = 2 ** (level - 1)
        height, width = self.ground.shape
        return Lattice(height * factor, width * factor, self.size)

    def read(self, level: int, window: Window) -> Tensor:
        """(C, h, w): a window of a level's grid; level 0 is the observation, filled where nothing was observed."""
        if level == 0:
            return self.ground.image(window)[0]
        lattice, cells = self.lattice(level), window.coarser(2)
        out = None
        for (_, core), result in self._kept.each(((level, core) for core in lattice.over(cells)), self._make):
            part = core.finer(2).intersect(window)
            out = result.new_empty((len(result), *window.shape)) if out is None else out
            out[(..., *part.within(window))] = result[(..., *part.within(core.finer(2)))]
        for beyond in frame(cells, lattice.extent):
            part = beyond.finer(2).intersect(window)
            result = self._continued(level, beyond)
            out = result.new_empty((len(result), *window.shape)) if out is None else out
            out[(..., *part.within(window))] = result[(..., *part.within(beyond.finer(2)))]
        assert out is not None  # noqa: S101  (a window is never empty here)
        return out

    def stop(self) -> None:
        """Make no further block: whoever waits for one gets a `CancelledError`."""
        self._stopped = True

    def _make(self, key: tuple[int, Window]) -> Tensor:
        if self._stopped:
            raise CancelledError
        level, core = key
        seen = self.ground.observed_any(core.coarser(2 ** (level - 1)))
        return self._compute(level, core) if seen else self._continued(level, core)

    def _continued(self, level: int, cells: Window) -> Tensor:
        around = cells.pad(REACH)
        smooth = refine(self.read(level - 1, around))
        return smooth[(..., *cells.finer(2).within(around.finer(2)))]

    def _compute(self, level: int, core: Window) -> Tensor:
        halo = self.stage.halo(level)
        # Beyond the image an answer is read by later levels' answers only, not by the first one's closing
        part = core.pad(halo).intersect(self.lattice(level).extent.pad(min(halo, self.stage.halo(level + 1))))
        observed = None
        if level == 1:
            x, observed = self.ground.image(part)
        else:
            x = self.read(level - 1, part)
        ref, trust = self.ground.reference(level, part)
        inputs = LevelInputs(
            level=level,
            x=x,
            observed=observed,
            ref=ref,
            trust=trust,
            origin=(part.row, part.col),
            gsd_m=self._gsd_m / 2**level,
        )
        return self.stage.run(inputs)[(..., *core.finer(2).within(part.finer(2)))].clone()
