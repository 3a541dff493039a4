"""Robust linear regression: the reference's bands onto an input band, clouds and changed fields notwithstanding.

An MM-estimate (Yohai 1987, 10.1214/aos/1176350366): random minimal subsets give starts that resist leverage points (a
cloud is bright in the reference and absent in the input, so Huber's estimate alone would follow it), the one of least
median absolute residual is refined by iteratively reweighted least squares with Tukey's biweight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

TUKEY = 4.685  # 95 % efficiency at the Gaussian
_MAD = 1.4826  # median absolute deviation to standard deviation, Gaussian
_STARTS = 200
_SAMPLE = 2000


@dataclass(frozen=True, slots=True)
class LinearFit:
    """y = sum_k gains[k] x[k] + offset, with the robust standard deviation ``scale`` of what remains.

    weights: (n,) Tukey's, in 0..1; 0 marks an outlier.
    """

    gains: tuple[float, ...]
    offset: float
    scale: float
    weights: Floats

    def predict(self, x: Floats) -> Floats:
        """(k, ...) -> (...)."""
        out: Floats = np.tensordot(np.asarray(self.gains), x, axes=1) + self.offset
        return out


def robust_fit(x: Floats, y: Floats) -> LinearFit:
    """Regress y on x, resisting up to about 40 % of outliers.

    Args:
        x: (k, n) predictors, any units.
        y: (n,) response.

    Returns:
        The fit; gains of 0 and the median as offset where n is too small (< 3 (k + 1)) or the predictors are constant.
    """
    k, n = x.shape
    centre = np.median(x, axis=1, keepdims=True) if n else np.zeros((k, 1))
    spread = np.std(x, axis=1, keepdims=True) if n else np.zeros((k, 1))
    if n < 3 * (k + 1) or not np.all(spread > 1e-12 * (1 + np.abs(centre))):
        middle = float(np.median(y)) if n else 0.0
        return LinearFit((0.0,) * k, middle, _mad(y - middle) if n else 0.0, np.ones(n))
    design = np.vstack([(x - centre) / spread, np.ones(n)]).T.astype(np.float64)
    target = np.asarray(y, dtype=np.float64)
    tiny = 1e-6 * (float(np.std(target)) + 1e-30)
    theta = _best_start(design, target)
    scale = max(_mad(target - design @ theta), tiny)
    weights: Floats = np.ones(n)
    for _ in range(30):
        weights = tukey_weights(target - design @ theta, scale)
        previous, theta = theta, weighted_solve(design, target, weights)
        if np.max(np.abs(theta - previous)) < 1e-4 * scale:
            break
    residual = target - design @ theta
    scale = max(_mad(residual), tiny)
    gains = theta[:k] / spread[:, 0]
    offset = float(theta[k] - gains @ centre[:, 0])
    return LinearFit(tuple(float(g) for g in gains), offset, scale, tukey_weights(residual, scale))


def tukey_weights(residual: Floats, scale: float) -> Floats:
    """Tukey's biweight of residuals for their standard deviation ``scale``; 0 beyond 4.685 of it."""
    u = np.minimum(np.abs(residual) / (TUKEY * scale), 1.0)
    out: Floats = (1 - u * u) ** 2
    return out


def weighted_solve(design: Floats, target: Floats, weights: Floats) -> Floats:
    """Weighted least squares; (n, p), (n,), (n,) -> (p,). Collinear columns share the weight (a tiny ridge)."""
    normal = design.T @ (design * weights[:, None])
    normal[np.diag_indices_from(normal)] += 1e-8 * max(float(np.trace(normal)), 1e-30) / normal.shape[0]
    out: Floats = np.linalg.solve(normal, design.T @ (weights * target))
    return out


def _mad(residual: Floats) -> float:
    return _MAD * float(np.median(np.abs(residual - np.median(residual))))


def _best_start(design: Floats, target: Floats) -> Floats:
    """Of least squares and of many exact fits through random points, the one with the least median residual."""
    n, p = design.shape
    rng = np.random.default_rng(20170621)  # fixed: the same scene gives the same plan
    if n > _SAMPLE:
        keep = rng.choice(n, _SAMPLE, replace=False)
        design, target, n = design[keep], target[keep], _SAMPLE
    starts = [np.linalg.lstsq(design, target, rcond=None)[0]]
    draws = rng.integers(0, n, size=(_STARTS, 2 * p))  # twice the minimum: less at the mercy of noise in each point
    for rows in draws:
        sub = design[rows]
        if np.linalg.matrix_rank(sub) == p:
            starts.append(np.linalg.lstsq(sub, target[rows], rcond=None)[0])
    medians = [float(np.median(np.abs(target - design @ s))) for s in starts]
    return starts[int(np.argmin(medians))]
