"""A stage that is heard of: after every block or window that it has doubled."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from ursat.models.stage import LevelInputs, Stage


class Heard:
    """A `ursat.models.stage.Stage` around another; ``tell`` is called in whatever thread has made something."""

    def __init__(self, stage: Stage, tell: Callable[[], None]) -> None:
        self.name, self.block = stage.name, stage.block
        self._stage, self._tell = stage, tell

    def halo(self, level: int) -> int:
        """The stage's own."""
        return self._stage.halo(level)

    def run(self, inputs: LevelInputs) -> Tensor:
        """What the stage makes of it."""
        made = self._stage.run(inputs)
        self._tell()
        return made
