"""The low-frequency band A of one level: what diffuses it, Eq. 7-8, and what the observation says of it, Eq. 9.

From the second level on the measurement of A is the level's input itself: B of Eq. 9 is the identity, A = x whatever a
network says, and the chain is not run. It runs on the first level, whose A the sensor's blur and noise hide; and on
every level with closure "off", which is the system without Eq. 9.

The mean (fidelity 1) runs no chain: an estimate of A that holds no noise is projected, once, where no reference has a
say in it (docs/paper.md has what that is worth). A holds between a
thousandth and a seventh of the error that is left after that; the rest is in v, h and d, which both algorithms predict
without noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ursat.models.core.stage import band_groups
from ursat.models.fusion import RATIO_LIMITS
from ursat.models.paper.chain import Field
from ursat.models.paper.projection import Projection
from ursat.models.paper.schedule import times
from ursat.models.wavelet import HaarBands, idwt2

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from ursat.models.paper.chain import Chain
    from ursat.models.paper.normalise import Normaliser
    from ursat.models.sensor import SensorOperator
    from ursat.models.stage import LevelInputs, StageSettings

    Measure = Callable[[Tensor], Tensor]
    Predict = Callable[[Tensor, int], Tensor]


class LowBand:
    """A of three bands at a time.

    Args:
        settings: of the run.
        operator: of its sensor.
        chain: how A is drawn.
    """

    def __init__(self, settings: StageSettings, operator: SensorOperator, chain: Chain) -> None:
        self._settings, self._operator, self._chain = settings, operator, chain
        sensor, exact = settings.sensor, settings.closure == "exact"
        ratios = [0.0 if exact else _ratio(n, s) for n, s in zip(sensor.noise, sensor.signal, strict=True)]
        self._projections = {
            tuple(bands): Projection(operator, [ratios[b] for b in bands]) for bands, _ in band_groups(len(ratios))
        }

    @property
    def reach(self) -> int:
        """Pixels around a pixel that Eq. 9 reads, once."""
        return max(projection.reach for projection in self._projections.values())

    @property
    def steps(self) -> int:
        """Evaluations of the U-Net in one chain."""
        return len(times(self._chain.steps, self._chain.start))

    def given(self, level: int) -> bool:
        """Whether A is the level's input itself."""
        return level > 1 and self._settings.closure != "off"

    def diffuses(self, level: int) -> bool:
        """Whether the U-Net is asked on a level."""
        return self._settings.fidelity < 1 and not self.given(level)

    def make(
        self,
        inputs: LevelInputs,
        bands: list[int],
        norm: Normaliser,
        tau: Tensor,
        expected: Callable[[], Tensor],
        vhd: tuple[Tensor, Tensor, Tensor],
        predict: Predict,
    ) -> Tensor:
        """A in physical units: its mean, a sample, or what lies between.

        Args:
            inputs: of the level, three bands.
            bands: which ones of the scene.
            norm: theirs on this level.
            tau: (1, C, h, w) the condition, normalised.
            expected: gives the mean of A, likewise, before Eq. 9.
            vhd: three times (C, h, w), physical: their part of the measurement is taken off it.
            predict: (A_t, t) -> epsilon, normalised, (1, C, h, w).

        Returns:
            (C, h, w).
        """
        x, fidelity = inputs.x, self._settings.fidelity
        if self.given(inputs.level):
            return x
        measure = self._measure(inputs, bands, vhd)
        # Eq. 9 knows no trust: it would pull what the reference has told back to the noisy observation. The mean is
        # left to the closure then, which weighs both.
        settle = measure if inputs.ref is None else _as_it_is
        mean = settle(norm.mean(expected()[0].to(x.dtype))) if fidelity > 0 else None
        if fidelity >= 1 and mean is not None:
            return mean

        def correct(clean: Tensor) -> Tensor:
            return norm.coarse(measure(norm.mean(clean[0].to(x.dtype)))).float()[None]

        field = Field(self._settings.seed, inputs.level, inputs.origin, (x.shape[-2], x.shape[-1]), x.device)
        drawn = norm.mean(self._chain.draw(tau, field, predict, correct)[0].to(x.dtype))
        return drawn if mean is None else drawn + (mean - drawn) * fidelity

    def _measure(self, inputs: LevelInputs, bands: list[int], vhd: tuple[Tensor, Tensor, Tensor]) -> Measure:
        """Eq. 9 on a clean estimate in physical units; with closure "off" nothing."""
        if self._settings.closure == "off":
            return _as_it_is
        y, operator, projection = inputs.x, self._operator, self._projections[tuple(bands)]
        observed = torch.ones_like(y) if inputs.observed is None else inputs.observed.to(y)
        mass = operator.mass(observed)
        rest = y - operator.observe(idwt2(HaarBands(torch.zeros_like(y), *vhd)), observed, mass)
        return lambda a: projection.apply(a, rest, observed, mass)


def _as_it_is(a: Tensor) -> Tensor:
    return a


def _ratio(noise: float, signal: float) -> float:
    """Variance of the noise over that of the detail, within the limits of the classical stage."""
    low, high = RATIO_LIMITS
    return high if signal <= 0 else min(max((noise / signal) ** 2, low), high)
