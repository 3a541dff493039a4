"""The outer loop of Algorithms 1 and 2 as it is printed (`ursat.models.paper.config.PaperLiteral.loop`).

Both compute the DWT of I_LR and the conditions before the loop. Its body ends with I_LR = I_SR, and reads neither I_LR
nor anything made of it after that, so each pass repeats the first one: whatever the scale, the result is the x2 image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursat.models.wavelet import replicate

if TYPE_CHECKING:
    from torch import Tensor

    from ursat.models.paper.stage import PaperStage
    from ursat.models.stage import LevelInputs


class PrintedLoop:
    """The first doubling is a stage of the paper's; on finer grids its pixels are repeated.

    Args:
        stage: the first doubling.
    """

    def __init__(self, stage: PaperStage) -> None:
        self.name = f"{stage.name} (loop as printed)"
        self.block: int | None = stage.block
        self.stage = stage

    def halo(self, level: int) -> int:
        """The stage's; later levels look at nothing around a pixel."""
        return self.stage.halo(level) if level == 1 else 0

    def evaluations(self, level: int) -> int:
        """Of networks, on one block of a level and three bands."""
        return self.stage.evaluations(level) if level == 1 else 0

    def run(self, inputs: LevelInputs) -> Tensor:
        """(C, h, w) -> (C, 2h, 2w)."""
        return self.stage.run(inputs) if inputs.level == 1 else replicate(inputs.x)
