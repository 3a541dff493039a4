"""Relative global error of a synthesis."""

from __future__ import annotations

import numpy as np

from ursat.benchmark.metrics.scene import Figure, Image, Metric, Scene


def ergas(truth: Image, estimate: Image, scale: float) -> float:
    """ERGAS = 100 / scale * sqrt(mean over bands of (RMSE / mean)^2): Wald, "Data Fusion", 2002.

    Args:
        truth: (C, H, W) DN.
        estimate: the same shape.
        scale: input pixel over output pixel (Wald's l / h).

    Returns:
        Without unit, 0 for the truth; NaN when a band of the truth has a mean of zero.
    """
    mean = truth.mean(axis=(1, 2))
    if np.any(mean == 0):
        return float("nan")
    square = ((estimate - truth) ** 2).mean(axis=(1, 2))
    return float(100 / scale * np.sqrt(np.mean(square / mean**2)))


def _measure(scene: Scene, estimate: Image) -> dict[str, float]:
    error = ergas(scene.truth, estimate, scene.scale)
    return {} if np.isnan(error) else {"ergas": error}


METRIC = Metric(
    figures={"ergas": Figure("ERGAS", "lower")},
    definition="100 / scale · √(mean over bands of (RMSE / mean of the true band)²) (Wald 2002). The division by the "
    "scale makes large scales look good: compare within one scale.",
    measure=_measure,
)
