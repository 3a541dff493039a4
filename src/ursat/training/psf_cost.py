"""What a wrong point spread function costs, in dB, from the second moments that the estimation filters are made of.

The classical stage designs its filter for the blur it believes in, and for the scene's amplitude that follows from it.
Applied to an image that another blur has seen, the filter's error is a quadratic form in its weights; no pixel is
needed to know its mean over scenes of power f^-2.4.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.harmonise.fit import UNPREDICTED
from ursat.harmonise.scene import detail_power, difference_power, scene_power
from ursat.models.fusion import INPUT_REACH, RATIO_LIMITS
from ursat.models.wiener import design

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ursat.harmonise.blur import Blur

    Floats = NDArray[np.floating[Any]]

FINER = 2**-0.4  # variance that the next octave of a scene f^-2.4 adds: at x4 it is lost whatever the blur
_F = (np.arange(288) + 0.5) / 192  # cycles per half-grid pixel, up to three times its Nyquist frequency
_LEAST_SIGNAL = 1e-3


def cost_table(beliefs: Sequence[Blur], truths: Sequence[Blur], shares: Sequence[float]) -> Floats:
    """PSNR lost at x4 by believing in one blur where another is true.

    Args:
        beliefs: A blurs to design the filter for.
        truths: B blurs that may have made the image.
        shares: S shares of noise in the variance of neighbour differences (`psf_features.noise_share`), 0..1.

    Returns:
        (S, A, B) dB, relative to the best belief for each truth: 0 at best.
    """
    table = np.array([[[_error(belief, truth, share) for truth in truths] for belief in beliefs] for share in shares])
    decibels = 10 * np.log10(table + FINER)
    return np.asarray(decibels - decibels.min(axis=1, keepdims=True))


def _error(belief: Blur, truth: Blur, share: float) -> float:
    """Mean squared error of the half grid in units of its detail's variance; neighbour differences have power 1."""
    noise = share / 2
    signal = max(1 - share, _LEAST_SIGNAL)
    believed = signal / difference_power(belief) * detail_power() * UNPREDICTED
    ratio = min(max(noise / believed, RATIO_LIMITS[0]), RATIO_LIMITS[1])
    weights = _weights(belief, float(f"{ratio:.3g}"))
    total, target, matrix, unit = _moments(truth)
    rho = noise / (signal / difference_power(truth) * detail_power())
    return float((total - 2 * weights @ target + weights @ matrix @ weights) / unit + rho * weights @ weights)


def _weights(belief: Blur, ratio: float) -> Floats:
    """The upper left child's weights on the input pixels around its own, flattened."""
    filters = design(belief.taps, ratio, reach=INPUT_REACH)
    children = np.array(filters.taps)[:, 1::2]
    whole: Floats = np.einsum("r,ri,rj->ij", np.array(filters.weights), children, children)
    return whole.ravel()


@lru_cache(maxsize=64)
def _moments(truth: Blur) -> tuple[float, Floats, Floats, float]:
    """Variance of a half-grid pixel, its covariance with the inputs, theirs, and the variance of its detail."""
    power = scene_power(2 * _F[:, None], 2 * _F[None, :])
    pixel, seen = np.sinc(_F), truth.response(2 * _F, 1.0)
    index = np.arange(-INPUT_REACH, INPUT_REACH + 1)
    lags = np.arange(-2 * INPUT_REACH, 2 * INPUT_REACH + 1)
    near = np.cos(2 * np.pi * np.outer(2 * index + 0.5, _F))
    far = np.cos(2 * np.pi * np.outer(2 * lags, _F))
    n = len(index)
    target = (near @ (power * np.outer(pixel * seen, pixel * seen)) @ near.T).ravel()
    between = far @ (power * np.outer(seen**2, seen**2)) @ far.T
    apart = index[:, None] - index[None, :] + 2 * INPUT_REACH
    matrix = between[apart[:, None, :, None], apart[None, :, None, :]].reshape(n * n, n * n)
    own = power * np.outer(pixel**2, pixel**2)
    kept = np.cos(np.pi * _F) ** 2
    return float(own.sum()), target, matrix, float((own * (1 - np.outer(kept, kept))).sum())
