"""Spectral reconstruction error. The paper gives it no formula; this one is ours and stands beside every number."""

from __future__ import annotations

import numpy as np

from ursat.benchmark.metrics.scene import Figure, Image, Metric, Scene


def sre(truth: Image, estimate: Image) -> float:
    """Mean relative error of a pixel's spectrum in per cent: 100 mean ||estimate - truth|| / ||truth||.

    Args:
        truth: (C, H, W) DN.
        estimate: the same shape.

    Returns:
        Mean over the pixels whose true spectrum is not zero; NaN when there is none.
    """
    length = np.linalg.norm(truth, axis=0)
    defined = length > 0
    if not defined.any():
        return float("nan")
    error = np.linalg.norm(estimate - truth, axis=0)
    return float(100 * np.mean(error[defined] / length[defined]))


def _measure(scene: Scene, estimate: Image) -> dict[str, float]:
    error = sre(scene.truth, estimate)
    return {} if np.isnan(error) else {"sre": error}


METRIC = Metric(
    figures={"sre": Figure("SRE %", "lower")},
    definition="100 · mean over pixels of ||output - truth|| / ||truth|| (Euclidean norm of the pixel's spectrum); "
    "pixels whose true spectrum is zero are left out. The paper defines no SRE, and no formula of the per-pixel error "
    "fits its values; neither is this the signal-to-reconstruction error in dB of other papers, which grows with "
    "quality.",
    measure=_measure,
)
