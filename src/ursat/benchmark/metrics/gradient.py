"""Average gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.benchmark.encoding import EIGHT_BIT
from ursat.benchmark.metrics.scene import Figure, Image, Metric, Scene

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ursat.benchmark.encoding import Encoding


def average_gradient(image: NDArray[Any], encoding: Encoding = EIGHT_BIT) -> float:
    """The mean of sqrt((dx^2 + dy^2) / 2) over pixels and bands, in eight-bit steps.

    dx and dy are forward differences; the last row and column have none and are left out. Noise and ringing raise it,
    blur lowers it: what counts is its ratio to the ground truth's.

    Args:
        image: (C, H, W) DN, at least 2 x 2 pixels; taken as stored.
        encoding: how DN are to be read.
    """
    steps = encoding.steps(image)
    corner = steps[:, :-1, :-1]
    dx, dy = steps[:, :-1, 1:] - corner, steps[:, 1:, :-1] - corner
    return float(np.sqrt((dx * dx + dy * dy) / 2).mean())


def _of_truth(scene: Scene) -> float:
    return average_gradient(scene.truth, scene.encoding) if "truth" in scene.has else 0.0


def _measure(scene: Scene, estimate: Image) -> dict[str, float]:
    value, truth = average_gradient(estimate, scene.encoding), scene.once(_of_truth)
    return {"ag": value, "ag_ratio": value / truth} if truth > 0 else {"ag": value}


METRIC = Metric(
    figures={"ag": Figure("AG"), "ag_ratio": Figure("AG / truth's")},
    definition="average gradient: mean over pixels and bands of √((Δx² + Δy²) / 2), forward differences, in eight-bit "
    "steps; and its ratio to the ground truth's. Noise and ringing raise it: more than the truth's is not better.",
    measure=_measure,
    needs=frozenset(),
)
