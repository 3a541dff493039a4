"""Peak signal-to-noise ratio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.benchmark.encoding import EIGHT_BIT
from ursat.benchmark.metrics.scene import Figure, Image, Metric, Scene

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ursat.benchmark.encoding import Encoding


def psnr(truth: NDArray[Any], estimate: NDArray[Any], encoding: Encoding = EIGHT_BIT) -> float:
    """10 log10(peak^2 / MSE) in dB over all bands and pixels, the estimate as stored; infinite when equal.

    Args:
        truth: (C, H, W) DN.
        estimate: the same shape, any dtype.
        encoding: how DN are to be read.

    Raises:
        ValueError: the shapes differ.
    """
    if truth.shape != estimate.shape:
        raise ValueError(f"shapes differ: truth {truth.shape}, estimate {estimate.shape}")
    error = float(np.mean((encoding.stored(estimate) - truth.astype(np.float64)) ** 2))
    return float("inf") if error == 0 else float(10 * np.log10(encoding.peak**2 / error))


def _measure(scene: Scene, estimate: Image) -> dict[str, float]:
    return {"psnr": psnr(scene.truth, estimate, scene.encoding)}


METRIC = Metric(
    figures={"psnr": Figure("PSNR dB", "higher")},
    definition="10 log10(peak² / MSE) over all bands and pixels, output rounded to whole DN and clipped to what a "
    "file can hold, no border left out; peak: 255 of eight bits (10 200 DN; clipped there), of reflectance 1 (10 000 "
    "DN; clipped at 65 535); a table's value is the mean of the images' dB.",
    measure=_measure,
)
