"""The first stage's sensor operator F, and corrections of a half-grid image until F reproduces the observation.

With m = 1 on the half-grid pixels of observed input pixels and 0 elsewhere, an observed pixel is modelled as
F(m x) / F(m): the sensor's filter, renormalised over what was observed. Corrections are constant over each observed
input pixel (t, replicated), so in t the operator is W t = K(o t) / K(o), K the input-grid filter that F makes of
replicated pixels. K is symmetric and positive, o restricts it to a principal submatrix, and 1 / K(o) makes rows sum
to 1: whatever the pattern of holes, the eigenvalues of W lie between the least value of K's response and 1. Hence
Chebyshev's semi-iteration (Golub & Varga 1961) with these two fixed bounds converges for every scene, and needs no
inner product, which would tie a pixel to the whole window.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ursat.fir import decimate2, filter_same
from ursat.models.wavelet import replicate

if TYPE_CHECKING:
    from torch import Tensor

TOLERANCE = 1e-4  # what exact closing leaves of the first guess's residual, at worst
MAX_STEPS = 18
_LEAST = 0.02  # a sensor that passes less of the finest pattern is closed as far as MAX_STEPS reach


@dataclass(frozen=True)
class SensorOperator:
    """F and what follows from its taps (even length, symmetric, sum 1)."""

    taps: tuple[float, ...]

    @cached_property
    def pixel_taps(self) -> tuple[float, ...]:
        """K, odd length: what F makes of an image that is constant over each input pixel."""
        n = len(self.taps) // 2
        reach = n // 2
        right = [sum(self.taps[n + j] for j in (2 * k - 1, 2 * k) if 0 <= j < n) for k in range(1, reach + 1)]
        return (*right[::-1], 1 - 2 * sum(right), *right)

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest eigenvalue of W: of K's response in two dimensions, and 1."""
        k, reach = np.array(self.pixel_taps), len(self.pixel_taps) // 2
        omega = np.linspace(0, np.pi, 513)
        response = k[reach] + 2 * sum(k[reach + j] * np.cos(j * omega) for j in range(1, reach + 1))
        return max(float(np.min(response)) ** 2, _LEAST), 1.0

    @cached_property
    def steps(self) -> int:
        """Chebyshev steps that shrink any residual to `TOLERANCE`, at most `MAX_STEPS`."""
        low, high = self.bounds
        if low > 1 - 1e-9:
            return 1
        root = (low / high) ** 0.5
        rate = (1 - root) / (1 + root)
        return min(MAX_STEPS, int(np.ceil(np.log(TOLERANCE / 2) / np.log(rate))))

    @property
    def relaxation(self) -> float:
        """Step of a plain (Richardson) iteration that shrinks all of W's patterns alike."""
        low, high = self.bounds
        return 2 / (low + high)

    @property
    def reach(self) -> int:
        """Input pixels on each side that F, or K, reads."""
        return len(self.pixel_taps) // 2

    def mass(self, observed: Tensor) -> Tensor:
        """F(m), (C, h, w): the filter's weight on observed pixels; exactly 1 where it reaches no hole.

        Not observed pixels get 1 too: nothing is divided there.
        """
        holes = 1 - observed
        return (1 - filter_same(holes, self.pixel_taps)) * observed + holes

    def observe(self, x: Tensor, observed: Tensor, mass: Tensor) -> Tensor:
        """F(m x) / F(m) at observed pixels, 0 elsewhere: (C, 2h, 2w) -> (C, h, w). ``observed`` is 0 or 1."""
        return decimate2(x * replicate(observed), self.taps) / mass * observed

    def solve(self, residual: Tensor, observed: Tensor, mass: Tensor, steps: int) -> Tensor:
        """Solve W t = residual by ``steps`` Chebyshev steps: (C, h, w); exactly 0 where the residual is 0 around.

        A pixel of t depends on ``(steps - 1) * reach`` pixels around it.
        """
        low, high = self.bounds
        centre, half = (high + low) / 2, (high - low) / 2
        step = residual / centre
        total = step
        if half < 1e-9:
            return total
        rest, ratio, previous = residual, centre / half, half / centre
        for _ in range(steps - 1):
            rest = rest - filter_same(step, self.pixel_taps) / mass * observed
            weight = 1 / (2 * ratio - previous)
            step = step * (weight * previous) + rest * (2 * weight / half)
            total = total + step
            previous = weight
        return total
