"""The input's MTF from its own spectrum, cautiously: texture and blur cannot be told apart with certainty.

The periodogram is compared with A f^-alpha |H|^2 + noise, aliases folded in, by Whittle's likelihood (Whittle 1953,
10.1007/BF02590998). The exponent varies between scenes, so it is a parameter with a prior, and so is the MTF.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize_scalar

from ursat.harmonise.blur import Blur
from ursat.harmonise.degrade_ref import fill_nearest
from ursat.harmonise.scene import ALPHA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Bools = NDArray[np.bool_]

CANDIDATES = tuple(float(m) for m in np.geomspace(0.2, 2 / math.pi, 9))
PRIOR_MTF = 0.42
PRIOR_SPREAD = 0.35
_ALPHAS = tuple(ALPHA + d for d in (-0.6, -0.3, 0.0, 0.3, 0.6))
_ALPHA_SPREAD = 0.3
# Never sharper than for this: treating a cubic-resampled image (0.5) as 0.45 costs less than 0.1 dB at x4, as 0.40 up
# to 0.4 dB, as 0.30 up to 1.8 dB, while a sensor of 0.25 treated as 0.45 still gains most of what is to be had.
SAFE_MTF = 0.45
_LOWEST = 0.12  # cycles per pixel; below, few and untypical samples
_SHARE = 0.1  # of the samples count as evidence: edges correlate frequencies, and no scene follows the law exactly
_BINS = 16


def estimate_mtf_blind(windows: Sequence[tuple[Floats, Bools]], noise: tuple[float, ...]) -> float:
    """Posterior mean (of ln MTF) of the total MTF at Nyquist, but never below 0.45.

    Args:
        windows: (values, valid) of the input, each (C, h, w).
        noise: standard deviation of its noise per band, same units.

    Returns:
        An MTF in 0.45 .. 0.637.
    """
    scores = -0.5 * (np.log(np.asarray(CANDIDATES) / PRIOR_MTF) / PRIOR_SPREAD) ** 2
    bands = len(noise)
    for band, sigma in enumerate(noise):
        power, count = _spectrum([(v[band], ok[band]) for v, ok in windows])
        for index, mtf in enumerate(CANDIDATES):
            best = max(_likelihood(power, count, mtf, alpha, sigma**2) for alpha in _ALPHAS)
            scores[index] += best / bands
    weights = np.exp(scores - scores.max())
    mean = float(np.exp((weights * np.log(CANDIDATES)).sum() / weights.sum()))
    return max(mean, SAFE_MTF)


def _spectrum(windows: Sequence[tuple[Floats, Bools]]) -> tuple[Floats, Floats]:
    """Mean periodogram in cells of a (|fx|, |fy|) grid, and the number of samples in each."""
    total, count = np.zeros((_BINS, _BINS)), np.zeros((_BINS, _BINS))
    for values, valid in windows:
        h, w = values.shape
        if min(h, w) < 8 or valid.mean() < 0.9:
            continue
        taper = np.outer(np.hanning(h + 2)[1:-1], np.hanning(w + 2)[1:-1])
        field = fill_nearest(values, valid).astype(np.float64)
        field = (field - (field * taper).sum() / taper.sum()) * taper
        power = np.abs(np.fft.fft2(field)) ** 2 / (taper**2).sum()
        rows = np.minimum((np.abs(np.fft.fftfreq(h)) * 2 * _BINS).astype(int), _BINS - 1)
        cols = np.minimum((np.abs(np.fft.fftfreq(w)) * 2 * _BINS).astype(int), _BINS - 1)
        np.add.at(total, (rows[:, None], cols[None, :]), power)
        np.add.at(count, (rows[:, None], cols[None, :]), 1.0)
    return total / np.maximum(count, 1), count


@lru_cache(maxsize=256)
def _model(mtf: float, alpha: float) -> Floats:
    """f^-alpha |H|^2 with one ring of aliases, at the cells' centres."""
    blur = Blur("sensor", mtf)
    f = (np.arange(_BINS) + 0.5) / (2 * _BINS)
    total = np.zeros((_BINS, _BINS))
    for ky in (-1, 0, 1):
        for kx in (-1, 0, 1):
            fy, fx = f - ky, f - kx
            seen = np.outer(blur.response(fy, 1.0), blur.response(fx, 1.0)) ** 2
            total += (fy[:, None] ** 2 + fx[None, :] ** 2) ** (-alpha / 2) * seen
    return total


def _likelihood(power: Floats, count: Floats, mtf: float, alpha: float, noise: float) -> float:
    """Whittle's log likelihood at the best amplitude, with the prior of the exponent."""
    f = (np.arange(_BINS) + 0.5) / (2 * _BINS)
    used = (np.hypot(f[:, None], f[None, :]) > _LOWEST) & (count > 0)
    p, n, shape = power[used], count[used], _model(mtf, alpha)[used]
    prior = -0.5 * ((alpha - ALPHA) / _ALPHA_SPREAD) ** 2
    if n.sum() == 0 or not np.any(p > 0):
        return prior
    rough = math.log(max(float(np.average(p / shape, weights=n)), 1e-30))

    def cost(log_amplitude: float) -> float:
        model = math.exp(log_amplitude) * shape + noise + 1e-30
        return float((n * (np.log(model) + p / model)).sum())

    found = minimize_scalar(cost, bounds=(rough - 4, rough + 2), method="bounded", options={"xatol": 0.01})
    return prior - _SHARE * 0.5 * float(found.fun)
