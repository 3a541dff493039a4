"""The classical stage: `fusion`. No learned weights; the start that every learned stage corrects.

Level 1 estimates the half grid from the observation through the sensor's filter F (a linear least-squares filter, see
`ursat.models.wiener`), or takes it from the harmonised reference; the two are blended by the local trust, and what F
then makes of the result is brought to within the noise of the observation (closure "auto") or onto it ("exact").
Later levels keep the mean of every 2 x 2 block, so that they inherit the first level's closure, and add what the
reference knows beyond its own coarser version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ursat.fir import BINOMIAL9, expand2, filter_same
from ursat.models.predict import REACH, in_range, refine, refine_guided, shrink_to_range
from ursat.models.sensor import SensorOperator
from ursat.models.wavelet import replicate
from ursat.models.wiener import Expansion, design

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from ursat.models.stage import LevelInputs, StageSettings

INPUT_REACH = 4  # support of the estimation filters, input pixels on each side
CLIP_ROUNDS = 8
RATIO_LIMITS = (3e-4, 30.0)  # noise variance / detail variance; below, the prior's own error is larger
NOISE_LIMIT = 1.1  # local root mean square of the residual that closure "auto" leaves, in units of the noise
NOISE_ROUNDS = 3
_SPREAD = (0.25, 0.75, 0.75, 0.25)  # linear interpolation of the trust onto the half grid: taps of sum 2


class FilterBank:
    """One expansion a band, applied to all bands at once."""

    def __init__(self, filters: Sequence[Expansion]) -> None:
        self.weights = torch.tensor([f.weights for f in filters], dtype=torch.float64)  # (C, rank)
        self.taps = torch.tensor([f.taps for f in filters], dtype=torch.float64)  # (C, rank, 2n)

    def apply(self, y: Tensor) -> Tensor:
        """(C, h, w) -> (C, 2h, 2w)."""
        weights = self.weights.to(y)[:, :, None, None]
        taps = self.taps.to(y)[:, :, :, None, None]
        total: Tensor | None = None
        for r in range(weights.shape[1]):
            term = expand2(y * weights[:, r], list(taps[:, r].unbind(1)))
            total = term if total is None else total + term
        assert total is not None  # noqa: S101  (the rank is at least 1)
        return total


class FusionStage:
    """Stage `fusion`; see the module's text. Bitwise the same for any window that brings the halo."""

    name = "fusion"
    block: int | None = None

    def __init__(self, settings: StageSettings) -> None:
        """Design the filters of a run (numpy, milliseconds)."""
        sensor = settings.sensor
        self.settings = settings
        self.operator = SensorOperator(sensor.taps)
        self._lowest = torch.tensor(settings.lowest, dtype=torch.float64)[:, None, None]
        self._highest = torch.tensor(settings.highest, dtype=torch.float64)[:, None, None]
        self._estimate = FilterBank(
            [
                design(sensor.taps, _ratio(noise, signal), reach=INPUT_REACH)
                for noise, signal in zip(sensor.noise, sensor.signal, strict=True)
            ]
        )
        self._noise = torch.tensor(sensor.noise, dtype=torch.float64)[:, None, None]

    def halo(self, level: int) -> int:
        """Input pixels of the level around a pixel that may influence its children."""
        return self.start_halo(level) + self.close_halo(level)

    def start_halo(self, level: int) -> int:
        """The same for the estimate before it is closed."""
        return REACH if level > 1 else INPUT_REACH

    def close_halo(self, level: int) -> int:
        """How far closing looks: input pixels around a pixel whose estimate may influence its children."""
        if level > 1:
            return 0
        reach = self.operator.reach
        if self.settings.closure == "auto":
            return NOISE_ROUNDS * (reach + INPUT_REACH + len(BINOMIAL9) // 2)
        if self.settings.closure == "exact":
            return (self.operator.steps + 1 + CLIP_ROUNDS) * reach
        return 0

    def run(self, inputs: LevelInputs) -> Tensor:
        """(C, h, w) -> (C, 2h, 2w), every value within the settings' range."""
        return self.close(self.start(inputs), inputs)

    def start(self, inputs: LevelInputs) -> Tensor:
        """The classical estimate before it is closed: (C, h, w) -> (C, 2h, 2w)."""
        return self._first(inputs) if inputs.level == 1 else self._later(inputs)

    def close(self, x: Tensor, inputs: LevelInputs) -> Tensor:
        """Bring an estimate of this level into the closure asked for, and into range.

        Args:
            x: (C, 2h, 2w); after level 1 the means of its 2 x 2 blocks must be ``inputs.x`` already.
            inputs: of the same window.
        """
        lowest, highest = self._lowest.to(x), self._highest.to(x)
        if inputs.level > 1:
            return shrink_to_range(x, lowest, highest)
        return self._close(x, inputs, lowest, highest)

    def _later(self, inputs: LevelInputs) -> Tensor:
        if inputs.ref is None or inputs.trust is None:
            return refine(inputs.x)
        return refine_guided(inputs.x, inputs.ref, inputs.trust)

    def _first(self, inputs: LevelInputs) -> Tensor:
        y = inputs.x
        alone = self._estimate.apply(y)
        if inputs.ref is None or inputs.trust is None:
            return alone
        return alone + (inputs.ref - alone) * expand2(inputs.trust, _SPREAD)

    def _close(self, x: Tensor, inputs: LevelInputs, lowest: Tensor, highest: Tensor) -> Tensor:
        if self.settings.closure == "off":
            return shrink_to_range(x, lowest, highest)
        y, operator = inputs.x, self.operator
        observed = torch.ones_like(y) if inputs.observed is None else inputs.observed.to(y)
        mass = operator.mass(observed)
        if self.settings.closure == "auto":
            return shrink_to_range(self._within_noise(x, y, observed, mass), lowest, highest)
        residual = (y - operator.observe(x, observed, mass)) * observed
        x = x + replicate(operator.solve(residual, observed, mass, operator.steps))
        return self._into_range(x, observed, mass, lowest, highest)

    def _within_noise(self, x: Tensor, y: Tensor, observed: Tensor, mass: Tensor) -> Tensor:
        """Correct x until F x differs from the observation by no more than its noise, on local average.

        Where the residual's local root mean square exceeds the noise, the part beyond it is put back through the
        estimation filters; elsewhere nothing is touched, so noise is not fitted.
        """
        limit = self._noise.to(y) * NOISE_LIMIT
        tiny = torch.finfo(y.dtype).tiny
        weight = filter_same(observed, BINOMIAL9).clamp(min=1e-6)
        for _ in range(NOISE_ROUNDS):
            residual = (y - self.operator.observe(x, observed, mass)) * observed
            found = torch.sqrt(filter_same(residual * residual, BINOMIAL9) / weight)
            excess = (found - limit).clamp(min=0.0)
            if not bool(excess.any()):  # whatever follows would add exactly 0
                break
            x = x + self._estimate.apply(residual * (excess / (found + tiny)))
        return x

    def _into_range(self, x: Tensor, observed: Tensor, mass: Tensor, lowest: Tensor, highest: Tensor) -> Tensor:
        """Clip a closed image, and give what that takes from F to neighbours that have room (projected Richardson).

        Pixels that no clipping reaches get exactly 0 added, so windows without clipping may stop early.
        """
        operator = self.operator
        if in_range(x, lowest, highest):
            return x
        clipped = shrink_to_range(x, lowest, highest)
        missing = operator.observe(x - clipped, observed, mass)
        for _ in range(CLIP_ROUNDS):
            moved = shrink_to_range(clipped + replicate(missing * operator.relaxation), lowest, highest)
            missing = missing + operator.observe(clipped - moved, observed, mass)
            clipped = moved
        return clipped


def _ratio(noise: float, signal: float) -> float:
    """Variance of the noise over that of the detail, rounded so that like bands share a design."""
    low, high = RATIO_LIMITS
    if signal <= 0:
        return high
    return float(f"{min(max((noise / signal) ** 2, low), high):.3g}")
