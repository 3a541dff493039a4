"""Design of the short filters of the classical stage, by linear least squares under a natural-image prior.

Everything here is numpy at construction time; the filters are applied elsewhere by shifted additions. With x the
half grid, y = F x + n the input and n white, the filter W of a given support that minimises E|x - W y|**2 solves the
normal equations of that support. The prior is the power law of natural images (Field 1987), power proportional to
f**-2.4 in two dimensions (exponents from 2 to 3 change the result by less than 0.01 dB), as an intrinsic random
function with linear drift (universal kriging, Matheron 1969): W keeps constants and ramps, and the infinite variance
at f = 0 never enters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCENE_POWER = 2.4
_FREQUENCIES = (np.arange(96) + 0.5) / 192  # cycles per half-grid pixel, midpoints: f = 0 itself never enters


@dataclass(frozen=True, slots=True)
class Expansion:
    """A filter W from the input grid to the half grid: sum over r of weights[r] x (taps[r] along rows and columns).

    weights: (rank,); taps: (rank, 2n), symmetric, as `ursat.fir.expand2` reads them.
    error: expected standard deviation of x - W y, in units of the detail's (`SensorModel.signal`).
    """

    weights: tuple[float, ...]
    taps: tuple[tuple[float, ...], ...]
    error: float


def fir_response(taps: tuple[float, ...]) -> NDArray[np.float64]:
    """Real frequency response of a symmetric even-length filter about its centre, at the design frequencies."""
    n = len(taps) // 2
    phases = 2 * np.pi * np.outer(np.arange(n) + 0.5, _FREQUENCIES)
    return np.asarray(2 * np.array(taps[n:]) @ np.cos(phases))


@lru_cache(maxsize=1)
def _spectrum() -> NDArray[np.float64]:
    """Half-grid power spectrum: the scene seen by half-grid pixels (sinc**2), one ring of aliases folded in."""
    total = np.zeros((len(_FREQUENCIES), len(_FREQUENCIES)))
    bands = [_FREQUENCIES, _FREQUENCIES - 1, _FREQUENCIES + 1]
    for fy in bands:
        for fx in bands:
            radius2 = fy[:, None] ** 2 + fx[None, :] ** 2
            total += radius2 ** (-SCENE_POWER / 2) * np.outer(np.sinc(fy), np.sinc(fx)) ** 2
    return total / len(_FREQUENCIES) ** 2


@lru_cache(maxsize=256)
def _solve(taps: tuple[float, ...], ratio: float, reach: int) -> tuple[NDArray[np.float64], float]:
    """Weights (2 reach + 1, 2 reach + 1) of the upper left child on the input pixels around its own, and the variance.

    ``ratio`` = variance of n / variance scale of the prior.
    """
    spectrum = _spectrum()
    f = fir_response(taps)
    cross, both = spectrum * np.outer(f, f), spectrum * np.outer(f * f, f * f)
    index = np.arange(-reach, reach + 1)
    lags = np.arange(-2 * reach, 2 * reach + 1)
    cos_y = np.cos(2 * np.pi * np.outer(2 * lags, _FREQUENCIES))
    cos_xy = np.cos(2 * np.pi * np.outer(2 * index + 0.5, _FREQUENCIES))
    cov_y = cos_y @ both @ cos_y.T
    target = (cos_xy @ cross @ cos_xy.T).ravel()
    n = len(index)
    difference = index[:, None] - index[None, :] + 2 * reach
    matrix = cov_y[difference[:, None, :, None], difference[None, :, None, :]].reshape(n * n, n * n)
    matrix = matrix + ratio * np.eye(n * n)
    # Without the drift of constants and ramps, smooth ground would show the input's grid.
    drift = np.stack([np.ones(n * n), np.repeat(index, n), np.tile(index, n)])
    bordered = np.block([[matrix, drift.T], [drift, np.zeros((3, 3))]])
    weights = np.linalg.solve(bordered, np.concatenate([target, [1.0, -0.25, -0.25]]))[:-3]
    variance = float(spectrum.sum() - 2 * weights @ target + weights @ matrix @ weights)
    return weights.reshape(n, n), variance


def _unit() -> float:
    """Variance of the half grid's pixels about the mean of their 2 x 2 block, in units of the spectrum's amplitude."""
    kept = np.cos(np.pi * _FREQUENCIES) ** 2
    return float((_spectrum() * (1 - np.outer(kept, kept))).sum())


@lru_cache(maxsize=256)
def design(taps: tuple[float, ...], ratio: float, *, reach: int = 4, rank: int = 3) -> Expansion:
    """The best filter from the input to the half grid.

    Args:
        taps: F, the sensor's filter on the half grid.
        ratio: variance of the input's noise / variance of the half grid's pixels about the mean of their 2 x 2 block
            (`SensorModel.noise` and `SensorModel.signal`, squared).
        reach: support of W, in input pixels on each side.
        rank: number of separable terms kept.

    Returns:
        The filter; it keeps constants and ramps.
    """
    unit = _unit()
    weights, variance = _solve(taps, ratio * unit, reach)
    # The first term is the product of the marginals: what is left then sums to 0 along rows and columns, so that any
    # truncation keeps constants and ramps, and treats an image that varies along one axis only like the whole filter.
    marginal = (weights.sum(axis=0) + weights.sum(axis=1)) / 2
    rest = (weights + weights.T) / 2 - np.outer(marginal, marginal)
    values, vectors = np.linalg.eigh(rest)
    kept = np.argsort(-np.abs(values))[: rank - 1]
    return Expansion(
        (1.0, *(float(values[k]) for k in kept)),
        (_as_taps(marginal), *(_as_taps(vectors[:, k]) for k in kept)),
        float(np.sqrt(max(variance / unit, 0.0))),
    )


def _as_taps(child: NDArray[np.float64]) -> tuple[float, ...]:
    """Weights of the left child on inputs -r..r as the symmetric even-length taps of its expansion."""
    # Input i + m weights child 2i with taps[n - 1 - 2m], n = len(child) odd: the even places, read backwards.
    taps = np.empty(2 * len(child))
    taps[0::2] = child[::-1]
    taps[1::2] = child
    return tuple(float(t) for t in taps)
