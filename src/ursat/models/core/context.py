"""What the network is told about a level: one vector of plain numbers, so that one set of weights serves all levels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ursat.models.core.config import CONTEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL_GAIN = 2.0**-0.2  # of the detail from a level to the next, for a scene's spectrum f**-2.4
_NO_RATIO = 8.0  # log2(reference GSD / output GSD) where there is no reference: as coarse as if it said nothing
_Q_FULL, _Q_NONE = 0.3, 1.0
_UNKNOWN_SHARE = 0.8  # of a scene's detail per pixel, that a level's unknown part has
_NOISE_PASSED = 0.943  # root of 1 - 2 b + c: b the middle tap of BINOMIAL9 twice over, c the sum of its squared taps


@dataclass(frozen=True, slots=True)
class Context:
    """The level at hand.

    level: 1 for the observation itself; gsd_m: of the level's output grid, metres; taps: F of the sensor model;
    noise_ratio: standard deviation of the input's noise over `SensorModel.signal`, median over bands;
    rho: log2(reference GSD / output GSD), or None without a reference; mean_input: 1 where the level's input is a
    posterior mean (blurred), 0 where it has all its detail (the truth in training, a sample at run time).
    """

    level: int
    gsd_m: float
    taps: tuple[float, ...]
    noise_ratio: float
    rho: float | None
    mean_input: float

    @property
    def first(self) -> bool:
        """True on the level that sees the sensor's blur and noise."""
        return self.level == 1

    def vector(self) -> tuple[float, ...]:
        """`CONTEXT` numbers of order 1."""
        octave = math.log2(min(max(self.gsd_m, 0.03), 64.0))
        # A reference comes from a sensor like the input's: what undoing its blur has left of it, and its noise
        sensed = self.first or self.rho is not None
        quarter, nyquist = tap_response(self.taps) if sensed else (0.0, 0.0)
        noise = min(max(math.log2(max(self.noise_ratio, 1e-6)), -8.0), 2.0) if sensed else -8.0
        rho = _NO_RATIO if self.rho is None else min(max(self.rho, -3.0), _NO_RATIO)
        values = (
            1.0 if self.first else 0.0,
            octave / 4,
            math.sin(octave * math.pi / 4),
            math.cos(octave * math.pi / 4),
            quarter,
            nyquist,
            noise / 4 + 1,
            0.0 if self.rho is None else 1.0,
            rho / 4,
            min(max(rho, 0.0), 1.0),
            self.mean_input,
            1.0 if self.level == 2 else 0.0,
            1.0 if self.level == 3 else 0.0,
        )
        assert len(values) == CONTEXT  # noqa: S101
        return values

    @property
    def noise_floor(self) -> float:
        """`noise_floor` of the level: after the first, no noise is left."""
        return noise_floor(self.noise_ratio) if self.first else 0.0

    @property
    def confidence(self) -> float:
        """How much smaller the unknown detail is where a reference is fully trusted (1: not at all)."""
        if self.rho is None:
            return _Q_NONE
        return _Q_FULL + (_Q_NONE - _Q_FULL) * min(max(self.rho, 0.0), 1.0)


def tap_response(taps: tuple[float, ...]) -> tuple[float, float]:
    """F's real frequency response at half of the input's Nyquist frequency, and at it."""
    n = len(taps) // 2
    offsets = np.arange(n) + 0.5
    right = np.asarray(taps[n:])
    return (
        float(2 * (right * np.cos(2 * np.pi * offsets / 8)).sum()),
        float(2 * (right * np.cos(2 * np.pi * offsets / 4)).sum()),
    )


def detail_scale(signal: float, level: int) -> float:
    """Expected standard deviation of a Haar band's unknown part at a level, physical units."""
    return max(_UNKNOWN_SHARE * signal * LEVEL_GAIN ** (level - 1), 1e-12)


def noise_floor(ratio: float) -> float:
    """Root mean square that noise alone gives the first of `features`, in units of `detail_scale` on level 1.

    ratio: standard deviation of the noise over `SensorModel.signal`.
    """
    return _NOISE_PASSED * ratio / _UNKNOWN_SHARE


def noise_ratio(noise: Sequence[float], signal: Sequence[float]) -> float:
    """`Context.noise_ratio` of a sensor model: noise over signal, the median of the bands that have any signal."""
    ratios = [n / s for n, s in zip(noise, signal, strict=True) if s > 0]
    return float(np.median(ratios)) if ratios else 0.0
