"""Radiometric closure: does the output, seen with the input's pixels, give the input back?"""

from __future__ import annotations

import numpy as np

from ursat.benchmark.metrics.scene import Figure, Image, Metric, Scene
from ursat.benchmark.observation import box_mean


def box_closure(truth: Image, estimate: Image, scale: int) -> float:
    """Root mean square, in DN, of the difference between the input-pixel means of estimate and truth.

    Args:
        truth: (C, H, W) DN, H and W multiples of ``scale``.
        estimate: the same shape.
        scale: input pixel over output pixel.
    """
    return float(np.sqrt(np.mean(box_mean(estimate - truth, scale) ** 2)))


def _measure(scene: Scene, estimate: Image) -> dict[str, float]:
    return {"closure_box": box_closure(scene.truth, estimate, scene.scale)}


METRIC = Metric(
    figures={
        "closure_rms": Figure("closure rms DN", "lower"),
        "closure_max": Figure("closure max DN", "lower"),
        "closure_box": Figure("box closure rms DN", "lower"),
    },
    definition="closure rms and max: H(output) - input as the run itself reports it, H being the sensor operator it "
    "used (methods that report none have none). Box closure: root mean square of the difference between output and "
    "truth after averaging both over each input pixel.",
    measure=_measure,
)
