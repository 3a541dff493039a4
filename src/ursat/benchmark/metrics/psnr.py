"""Peak signal-to-noise ratio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.benchmark.metrics.scene import PEAK_DN, Figure, Image, Metric, Scene, as_stored

if TYPE_CHECKING:
    from numpy.typing import NDArray


def psnr(truth: NDArray[Any], estimate: NDArray[Any], peak: float = PEAK_DN) -> float:
    """10 log10(peak^2 / MSE) in dB over all bands and pixels, after `as_stored`; infinite when equal.

    Args:
        truth: (C, H, W) DN.
        estimate: the same shape, any dtype.
        peak: DN; 10200 for eight bits stored as 40 x value.

    Raises:
        ValueError: the shapes differ.
    """
    if truth.shape != estimate.shape:
        raise ValueError(f"shapes differ: truth {truth.shape}, estimate {estimate.shape}")
    error = float(np.mean((as_stored(estimate, peak) - truth.astype(np.float64)) ** 2))
    return float("inf") if error == 0 else float(10 * np.log10(peak * peak / error))


def _measure(scene: Scene, estimate: Image) -> dict[str, float]:
    return {"psnr": psnr(scene.truth, estimate, scene.peak)}


METRIC = Metric(
    figures={"psnr": Figure("PSNR dB", "higher")},
    definition="10 log10(peak² / MSE) over all bands and pixels, peak = 255 of eight bits (10 200 DN), output rounded "
    "to whole DN and clipped to 0..peak, no border left out; a table's value is the mean of the images' dB.",
    measure=_measure,
)
