"""Exact closure on grids whose pixels straddle the sensor's cells (odd or fractional scales).

At K = 8 the half grid's cells are whole output pixels and closing the first stage closes the output. At K = 3 or 7.5
area resampling mixes neighbouring cells, which moves H(output) by a few DN; here the residual, measured on the
output grid itself, is put back as a correction that is constant over each input pixel, a few times over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursat.models.area import area_resample
from ursat.models.sensor import SensorOperator

if TYPE_CHECKING:
    from torch import Tensor

    from ursat.grid import Window

_ROUNDS = 3
# What straddling moves falls with 1/K; beyond this the residual is far below its neighbourhood's and one step will do.
_COARSE_SCALE = 16


def needs_finish(scale: float, taps: tuple[float, ...]) -> bool:
    """True where the half grid's cells, or with a box the input's pixels, are not whole output pixels."""
    return scale % (1 if len(taps) == 2 else 2) != 0


class Finish:
    """Puts the closure residual back on the output grid of scale ``scale``."""

    def __init__(self, scale: float, taps: tuple[float, ...]) -> None:
        self.scale = scale
        self.operator = SensorOperator(taps)
        self.steps = self.operator.steps if scale < _COARSE_SCALE else 1

    @property
    def _round_reach(self) -> int:
        return (self.steps + 1) * max(1, self.operator.reach) + 1

    @property
    def reach(self) -> int:
        """Input pixels around a tile whose output must be known before it can be corrected."""
        return _ROUNDS * self._round_reach

    def apply(self, out: Tensor, valid: Tensor, window: Window, y: Tensor, observed: Tensor, held: Window) -> Tensor:
        """Correct an output window that covers ``held``.

        A cell's mean counts valid output pixels only: what is written as nodata cannot be measured.

        Args:
            out: (C, H, W), physical; valid: (C, H, W) 0 or 1, floating; both over ``window`` of the output grid.
            valid: see ``out``.
            window: see ``out``.
            y: (C, h, w) the input over ``held``, observed: (C, h, w) 0 or 1, floating.
            observed: see ``y``.
            held: a window of the input grid whose ground ``window`` covers.

        Returns:
            (C, H, W); right but for `reach` input pixels at its borders.
        """
        mass = self.operator.mass(observed)
        half = held.finer(2)
        place = (window.row, window.col), (half.row, half.col), half.shape, self.scale / 2
        weight = area_resample(valid, *place)
        weight = weight + (weight == 0).to(weight.dtype)
        for _ in range(_ROUNDS):
            cells = area_resample(out * valid, *place) / weight
            residual = (y - self.operator.observe(cells, observed, mass)) * observed
            t = self.operator.solve(residual, observed, mass, self.steps)
            spread = area_resample(t, (held.row, held.col), (window.row, window.col), window.shape, 1 / self.scale)
            out = out + spread
        return out
