"""Bicubic enlargement: the plainest SR module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursat.fir import expand2

if TYPE_CHECKING:
    from torch import Tensor

    from ursat.models.stage import LevelInputs

NAME = "bicubic"
_REACH = 2


def _cubic(distance: float) -> float:
    """Cubic convolution with a = -1/2 (Keys 1981), which keeps polynomials of degree 2."""
    d = abs(distance)
    if d <= 1:
        return (1.5 * d - 2.5) * d * d + 1
    return ((-0.5 * d + 2.5) * d - 4) * d + 2 if d < 2 else 0.0


# A child's centre lies a quarter of a pixel beside its parent's; `expand2` reads the taps from both ends
TAPS = tuple(_cubic((k - 3.5) / 2) for k in range(8))


def bicubic2(x: Tensor) -> Tensor:
    """(..., h, w) -> (..., 2h, 2w); bitwise the same for every window, but for two pixels at its border."""
    return expand2(x, TAPS)


class Bicubic:
    """Nothing learned."""

    name = NAME

    def halo(self, level: int) -> int:  # noqa: ARG002  (the same on every level)
        """Two pixels."""
        return _REACH

    def enlarge(self, inputs: LevelInputs) -> Tensor:
        """(C, h, w) -> (C, 2h, 2w)."""
        return bicubic2(inputs.x)
