"""Structural similarity."""

from __future__ import annotations

from skimage.metrics import structural_similarity

from ursat.benchmark.metrics.scene import Figure, Image, Metric, Scene

WINDOW = 11
SIGMA = 1.5


def ssim(truth: Image, estimate: Image, peak: float) -> float:
    """Mean SSIM of the bands: Wang, Bovik, Sheikh and Simoncelli, IEEE TIP 13(4), 2004.

    Gaussian window of 11 x 11 with sigma 1.5, K = (0.01, 0.03), population covariances, windows that lie inside the
    image.

    Args:
        truth: (C, H, W), at least 11 x 11 pixels.
        estimate: the same shape.
        peak: the dynamic range L.
    """
    # truncate 3.5 at sigma 1.5 is the radius 5 of the paper's window
    return float(
        structural_similarity(  # type: ignore[no-untyped-call]
            truth,
            estimate,
            gaussian_weights=True,
            sigma=SIGMA,
            use_sample_covariance=False,
            data_range=peak,
            channel_axis=0,
        )
    )


def _measure(scene: Scene, estimate: Image) -> dict[str, float]:
    if min(estimate.shape[-2:]) < WINDOW:
        return {}
    return {"ssim": ssim(scene.truth, estimate, scene.encoding.peak)}


METRIC = Metric(
    figures={"ssim": Figure("SSIM", "higher", 4)},
    definition="Wang et al. 2004: Gaussian window 11x11, sigma 1.5, K = (0.01, 0.03), population covariances, dynamic "
    "range as PSNR's peak, windows inside the image; mean over pixels, then over bands.",
    measure=_measure,
)
