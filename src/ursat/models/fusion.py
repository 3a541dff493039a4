"""The classical stage: `fusion`. No learned weights; the start that every learned stage corrects.

Level 1 estimates the half grid from the observation through the sensor's filter F (a linear least-squares filter, see
`ursat.models.wiener`), or from the harmonised reference, corrected towards the observation as far as the
reference's error exceeds the input's noise; the two are blended by the local trust. Later levels keep the mean of
every 2 x 2 block, so that they inherit the first level's closure, and add what the reference knows beyond its own
coarser version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ursat.fir import decimate2, expand2
from ursat.models.predict import REACH, in_range, refine, shrink_to_range
from ursat.models.sensor import SensorOperator
from ursat.models.wavelet import block_mean, replicate
from ursat.models.wiener import Expansion, Prior, design

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from ursat.models.stage import LevelInputs, StageSettings

INPUT_REACH = 4  # support of the estimation filters, input pixels on each side
CLIP_ROUNDS = 3
CLIP_STEPS = 4
RATIO_LIMITS = (3e-3, 30.0)  # noise variance / signal variance; below, the model's own error is larger
ERROR_PRIOR = Prior(power=2.4, length=8.0)
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
        reference = settings.reference
        self._correct: FilterBank | None = None
        if reference is not None and settings.closure != "off":
            self._correct = FilterBank(
                [
                    design(sensor.taps, _error_ratio(noise, rest), prior=ERROR_PRIOR, reach=INPUT_REACH)
                    for noise, rest in zip(sensor.noise, reference.residual, strict=True)
                ]
            )

    def halo(self, level: int) -> int:
        """Input pixels of the level around a pixel that may influence its children."""
        if level > 1:
            return REACH
        reach = self.operator.reach
        total = INPUT_REACH + (reach if self._correct is not None else 0)
        if self.settings.closure == "exact":
            total += self.operator.steps * reach + CLIP_ROUNDS * (1 + CLIP_STEPS) * reach
        return total

    def run(self, inputs: LevelInputs) -> Tensor:
        """(C, h, w) -> (C, 2h, 2w), every value within the settings' range."""
        lowest, highest = self._lowest.to(inputs.x), self._highest.to(inputs.x)
        if inputs.level > 1:
            return shrink_to_range(self._later(inputs), lowest, highest)
        return self._close(self._first(inputs), inputs, lowest, highest)

    def _later(self, inputs: LevelInputs) -> Tensor:
        out = refine(inputs.x)
        if inputs.ref is None or inputs.trust is None:
            return out
        news = inputs.ref - refine(block_mean(inputs.ref))
        return out.add_(news.mul_(replicate(inputs.trust)))

    def _first(self, inputs: LevelInputs) -> Tensor:
        y = inputs.x
        alone = self._estimate.apply(y)
        if inputs.ref is None or inputs.trust is None:
            return alone
        guided = inputs.ref
        if self._correct is not None:
            residual = y - decimate2(inputs.ref, self.operator.taps)
            if inputs.observed is not None:
                residual = residual * inputs.observed.to(y)
            guided = guided + self._correct.apply(residual)
        return alone + (guided - alone) * expand2(inputs.trust, _SPREAD)

    def _close(self, x: Tensor, inputs: LevelInputs, lowest: Tensor, highest: Tensor) -> Tensor:
        if self.settings.closure != "exact":
            return shrink_to_range(x, lowest, highest)
        y, operator = inputs.x, self.operator
        observed = torch.ones_like(y) if inputs.observed is None else inputs.observed.to(y)
        mass = operator.mass(observed)
        residual = (y - operator.observe(x, observed, mass)) * observed
        x = x + replicate(operator.solve(residual, observed, mass, operator.steps))
        for _ in range(CLIP_ROUNDS):
            if in_range(x, lowest, highest):
                break
            clipped = shrink_to_range(x, lowest, highest)
            lost = operator.observe(x - clipped, observed, mass)
            x = clipped + replicate(operator.solve(lost, observed, mass, CLIP_STEPS))
        return shrink_to_range(x, lowest, highest)


def _ratio(noise: float, signal: float) -> float:
    """Variance of the noise over that of the detail, rounded so that like bands share a design."""
    low, high = RATIO_LIMITS
    if signal <= 0:
        return high
    return float(f"{min(max((noise / signal) ** 2, low), high):.3g}")


def _error_ratio(noise: float, residual: float) -> float:
    """Variance of the noise over that of the reference's error as the input's pixels see it."""
    low, high = 1e-3, 1e3
    error = residual**2 - noise**2
    if error <= noise**2 / high:
        return high
    return float(f"{max(noise**2 / error, low):.3g}")
