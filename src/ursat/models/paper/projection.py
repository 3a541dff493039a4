"""Eq. 9: what the observation says of A, taken into the reverse diffusion.

The printed A_{t-1} = alpha A'_{t-1} + b_t calls alpha and b "functions of tau and A_t". The paragraph follows MCG
(Chung et al. 2022, arXiv 2206.00941), where alpha is a linear operator: I - P, with b_t the noised condition under P.
Two readings are here.

* `Projection` corrects the clean estimate (as DDNM does: Wang et al. 2023, arXiv 2212.00490) against the measurement
  y, which a network's tau is not:

      A <- A + kappa B^T (B B^T + lambda I)^-1 (y - B A),    B = H after IDWT_A,

  so alpha = I - kappa B^T (B B^T + lambda I)^-1 B and b = kappa B^T (B B^T + lambda I)^-1 y, free of t. With lambda = 0
  the result reproduces y; with the ratio of the variances of noise and detail it is the Wiener estimate.
* `literal_projection` is the formula to the letter: the noisy iterate, tau as b_t, and P a low-pass, because with
  P = I the diffusion would do nothing and A_0 be tau (ILVR: Choi et al. 2021, arXiv 2108.02938).

B is the filter K of `SensorOperator`, what the sensor makes of an image that is constant over each pixel: IDWT_A
repeats every pixel of A, and v, h, d are known beforehand, their part of H being taken off y. K is symmetric, so with
holes in the observation or without, the correction is f(W) of the residual, f(s) = s / (s**2 + lambda), W the
operator of `SensorOperator`, its eigenvalues real and bounded. f(W) is applied as a polynomial in W: local, and the
same for every window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from ursat.fir import filter_same
from ursat.models.wavelet import block_mean, replicate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from ursat.models.sensor import SensorOperator

TOLERANCE = 1e-3  # of f, in units of what it multiplies; the closing of the whole stage does the rest
MOST = 18  # products with W
LOW_PASS = 2  # the literal P is the mean over so many pixels a side


class Projection:
    """A made to agree with the measurement; a pixel depends on `reach` pixels around it.

    Args:
        operator: the sensor's.
        ratios: lambda, one a band, >= 0: variance of the noise over that of the detail; 0 reproduces the measurement.
        kappa: step length; 1 is the whole way.
    """

    def __init__(self, operator: SensorOperator, ratios: Sequence[float], kappa: float = 1.0) -> None:
        self.operator = operator
        series = [_series(operator.bounds, ratio) * kappa for ratio in ratios]
        degree = max(len(s) for s in series)
        padded = np.stack([np.pad(s, (0, degree - len(s))) for s in series])
        self._coefficients = torch.from_numpy(padded)  # (C, degree + 1)

    @property
    def reach(self) -> int:
        """Pixels of A's grid on each side that a corrected pixel depends on."""
        return self._coefficients.shape[1] * self.operator.reach

    def apply(self, a: Tensor, y: Tensor, observed: Tensor, mass: Tensor) -> Tensor:
        """One step of Eq. 9.

        Args:
            a: (C, h, w) the clean estimate, physical units.
            y: (C, h, w) the measurement, less what v, h, d contribute to it.
            observed: (C, h, w) 0 or 1: where y was measured.
            mass: of ``observed``, see `SensorOperator.mass`.

        Returns:
            (C, h, w); where nothing was observed around, ``a`` itself.
        """
        residual = (y - self._measure(a, observed, mass)) * observed
        low, high = self.operator.bounds
        weights = self._coefficients.to(a)[:, :, None, None]
        total = residual * weights[:, 0]
        before, term = residual, residual
        for k in range(1, weights.shape[1]):
            moved = self._measure(term, observed, mass) * (2 / (high - low)) - term * ((high + low) / (high - low))
            before, term = term, moved if k == 1 else moved * 2 - before
            total = total + term * weights[:, k]
        return a + total

    def _measure(self, a: Tensor, observed: Tensor, mass: Tensor) -> Tensor:
        return filter_same(a * observed, self.operator.pixel_taps) / mass * observed


def _series(bounds: tuple[float, float], ratio: float) -> NDArray[np.float64]:
    """Chebyshev coefficients of f on the bounds, as few as reach `TOLERANCE`."""
    low, high = bounds

    def f(place: NDArray[np.float64]) -> NDArray[np.float64]:
        s = (place * (high - low) + high + low) / 2
        return np.asarray(s / (s * s + ratio))

    if high - low < 1e-9:
        return f(np.zeros(1))
    fine = np.linspace(-1, 1, 513)
    for degree in range(1, MOST):
        points = np.polynomial.chebyshev.chebpts1(degree + 1)
        series = np.polynomial.chebyshev.chebfit(points, f(points), degree)
        if np.abs(np.polynomial.chebyshev.chebval(fine, series) - f(fine)).max() < TOLERANCE:
            break
    return np.asarray(series)


def literal_projection(a_s: Tensor, condition: Tensor) -> Tensor:
    """Eq. 9 to the letter: (I - P) A'_s + P b_s, P the mean over `LOW_PASS` x `LOW_PASS` pixels.

    Args:
        a_s: (..., h, w), sides multiples of `LOW_PASS`: the iterate A'_s; its first pixel begins such a block.
        condition: b_s, of the same shape: tau with the noise of time s.
    """
    low = block_mean(condition, LOW_PASS) - block_mean(a_s, LOW_PASS)
    return a_s + replicate(low, LOW_PASS)
