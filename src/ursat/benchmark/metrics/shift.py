"""Displacement of the output against the ground truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from skimage.registration import phase_cross_correlation

from ursat.benchmark.metrics.scene import Figure, Image, Metric, Scene

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEPS_OF_A_PIXEL = 50


def correlate(truth: Image, estimate: Image, normalization: str | None) -> NDArray[np.float64]:
    """Rows and columns, to 1/50 px, by which ``estimate`` has to move to correlate best with ``truth``; (H, W) both.

    The maximum of the cross-correlation (``normalization`` None) or of the phase correlation (``phase``), refined by
    a matrix Fourier transform: Guizar-Sicairos, Thurman and Fienup, Optics Letters 33(2), 2008.
    """
    moved, _, _ = phase_cross_correlation(  # type: ignore[no-untyped-call]
        truth, estimate, upsample_factor=STEPS_OF_A_PIXEL, normalization=normalization
    )
    return np.asarray(moved, dtype=np.float64)


def displacement(truth: Image, estimate: Image) -> float:
    """Length of the displacement that correlates the two best, in pixels, to 1/50.

    Of the band means, each less its own mean and under a Hann window.

    Args:
        truth: (C, H, W).
        estimate: the same shape.

    Returns:
        Pixels; NaN where one of them is flat.
    """
    window = np.hanning(truth.shape[-2])[:, None] * np.hanning(truth.shape[-1])
    one, other = ((grey - grey.mean()) * window for grey in (truth.mean(axis=0), estimate.mean(axis=0)))
    if not (one.any() and other.any()):
        return float("nan")
    # without phase normalisation: the phases of the noise of a blurred estimate would count as much as its detail
    return float(np.hypot(*correlate(one, other, None)))


def _measure(scene: Scene, estimate: Image) -> dict[str, float]:
    length = displacement(scene.truth, estimate)
    return {} if np.isnan(length) else {"shift": length}


METRIC = Metric(
    figures={"shift": Figure("shift px", "lower")},
    definition="length of the displacement, in output pixels to 1/50, at which output and truth (mean of the bands) "
    "correlate best.",
    measure=_measure,
)
