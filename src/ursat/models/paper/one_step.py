"""x K in one enlargement instead of log2 K: what the paper's self-cascade is compared with (Figure 11, Table 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from ursat.models.paper.stage import PaperStage
    from ursat.models.stage import LevelInputs


class OneStep:
    """The classical enlargement up to the grid half as fine as the output, and one of the paper's stages beyond.

    So the conditions lie on the final grid at once, and the networks run a single time for all of K.

    Args:
        stage: the last doubling.
        depth: number of doublings in all; the stage makes level ``depth``.
    """

    def __init__(self, stage: PaperStage, depth: int) -> None:
        self.name = f"{stage.name} (one step)"
        self.block: int | None = stage.block
        self.stage, self.depth = stage, depth

    def halo(self, level: int) -> int:
        """Of the stage that makes the level."""
        return self.stage.halo(level) if level >= self.depth else self.stage.classic.halo(level)

    def evaluations(self, level: int) -> int:
        """Of networks, on one block of a level and three bands."""
        return self.stage.evaluations(level) if level >= self.depth else 0

    def run(self, inputs: LevelInputs) -> Tensor:
        """(C, h, w) -> (C, 2h, 2w)."""
        return self.stage.run(inputs) if inputs.level >= self.depth else self.stage.classic.run(inputs)
