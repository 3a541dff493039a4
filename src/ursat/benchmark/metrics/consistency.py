"""Consistency with the input: what opensr-test measures without any ground truth."""

from __future__ import annotations

import numpy as np

from ursat.benchmark.metrics.opensr import reduced
from ursat.benchmark.metrics.sam import sam
from ursat.benchmark.metrics.scene import Figure, Image, Metric, Scene


def _measure(scene: Scene, estimate: Image) -> dict[str, float]:
    seen = reduced(estimate, scene.scale)
    found = {"reflectance": float(np.abs(seen - scene.lr).mean())}
    angle = sam(scene.lr, seen) if len(seen) > 1 else float("nan")
    return found if np.isnan(angle) else found | {"spectral": angle}


METRIC = Metric(
    figures={"reflectance": Figure("to input DN", "lower"), "spectral": Figure("to input °", "lower")},
    definition="consistency of opensr-test, which needs no ground truth: mean |input - reduced output| in DN and their "
    "mean spectral angle in degrees, the output reduced by an antialiased bilinear filter (the sensor's own differs).",
    measure=_measure,
    needs=frozenset({"lr"}),
)
