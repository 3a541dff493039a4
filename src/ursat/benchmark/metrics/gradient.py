"""Average gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.benchmark.metrics.scene import PEAK_DN, STEPS, Figure, Image, Metric, Scene, as_stored

if TYPE_CHECKING:
    from numpy.typing import NDArray


def average_gradient(image: NDArray[Any], peak: float = PEAK_DN) -> float:
    """The mean of sqrt((dx^2 + dy^2) / 2) over pixels and bands, in eight-bit steps.

    dx and dy are forward differences; the last row and column have none and are left out. Noise and ringing raise it,
    blur lowers it: what counts is its ratio to the ground truth's.

    Args:
        image: (C, H, W) DN, at least 2 x 2 pixels; taken as `as_stored`.
        peak: the DN that is 255 of eight bits.
    """
    steps = as_stored(image, peak) * (STEPS / peak)
    corner = steps[:, :-1, :-1]
    dx, dy = steps[:, :-1, 1:] - corner, steps[:, 1:, :-1] - corner
    return float(np.sqrt((dx * dx + dy * dy) / 2).mean())


def _of_truth(scene: Scene) -> float:
    return average_gradient(scene.truth, scene.peak) if "truth" in scene.has else 0.0


def _measure(scene: Scene, estimate: Image) -> dict[str, float]:
    value, truth = average_gradient(estimate, scene.peak), scene.once(_of_truth)
    return {"ag": value, "ag_ratio": value / truth} if truth > 0 else {"ag": value}


METRIC = Metric(
    figures={"ag": Figure("AG"), "ag_ratio": Figure("AG / truth's")},
    definition="average gradient: mean over pixels and bands of √((Δx² + Δy²) / 2), forward differences, in eight-bit "
    "steps; and its ratio to the ground truth's. Noise and ringing raise it: more than the truth's is not better.",
    measure=_measure,
    needs=frozenset(),
)
