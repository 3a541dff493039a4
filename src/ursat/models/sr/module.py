"""What a plug-in SR module is: SR(p(I_LR)) of Eq. 6, which stands for H(I_LR) of Eq. 5; one doubling of the grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from ursat.models.stage import LevelInputs


class SRModule(Protocol):
    """Enlarges twice. A result depends on the window only as far as the stage's blocks let it: their shape is fixed."""

    name: str

    def halo(self, level: int) -> int:
        """Pixels of the level - 1 grid around a pixel that may influence its four children, or hardly count beyond."""
        ...

    def enlarge(self, inputs: LevelInputs) -> Tensor:
        """(C, h, w) -> (C, 2h, 2w), physical units, on the device and in the dtype of ``inputs.x``."""
        ...
