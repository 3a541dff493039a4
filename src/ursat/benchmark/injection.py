"""Component substitution: the detail of the reference's intensity, injected into the enlarged input band by band.

The two classics of pan-sharpening, with the mean of the reference's bands as the panchromatic image; both take images
(C, H, W) on the output's grid, the enlarged input and the enlarged reference, DN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float64]
_DARKEST = 1.0  # DN; Brovey divides by the intensity


def _matched(pan: NDArray[Any], intensity: NDArray[Any]) -> Image:
    """The pan image with the mean and standard deviation of the intensity."""
    spread = pan.std()
    gain = intensity.std() / spread if spread > 0 else 0.0
    return np.asarray((pan - pan.mean()) * gain + intensity.mean())


def gram_schmidt(image: Image, reference: Image) -> Image:
    """Gram-Schmidt injection (Laben and Brower 2000, US patent 6,011,875), gains as Aiazzi et al. 2007, TGRS 45(10).

    out_b = x_b + cov(x_b, I) / var(I) (P - I), I the mean of the bands, P the matched pan image.
    """
    intensity = image.mean(axis=0)
    detail = _matched(reference.mean(axis=0), intensity) - intensity
    variance = float(intensity.var())
    centred = intensity - intensity.mean()
    gains = [float(np.mean(band * centred)) / variance if variance > 0 else 1.0 for band in image]
    return np.asarray(image + np.array(gains)[:, None, None] * detail)


def brovey(image: Image, reference: Image) -> Image:
    """Brovey's ratio (Gillespie et al. 1987, Remote Sens. Environ. 22): out_b = x_b P / I, I and P as above."""
    intensity = image.mean(axis=0)
    ratio = np.maximum(_matched(reference.mean(axis=0), intensity), 0) / np.maximum(intensity, _DARKEST)
    return np.asarray(image * ratio)
