"""Two families of blur: what a sensor does, and what a careful resampling does.

A sensor's pixel is a box convolved with a Gaussian; the one number is its total MTF at Nyquist. An image that was
reduced from a finer one with an antialiased cubic kernel (GDAL's and Pillow's bicubic) is flatter below Nyquist and
steeper at it: half the modulation is left there, but sharpening it like a sensor of MTF 0.5 would overshoot.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.fir import BOX_MTF, BOX_TAPS, MAX_PSF_TAPS, gaussian_sigma, psf_taps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

_BOX_FROM = 0.63  # from this MTF on, blur and box cannot be told apart


def keys_response(x: Floats) -> Floats:
    """Fourier transform of Keys' cubic kernel with a = -0.5; ``x`` in cycles per sample, 1 at x = 0.

    Keys 1981 (10.1109/TASSP.1981.1163711), by the midpoint rule on the kernel.
    """
    t = (np.arange(256) + 0.5) / 128
    near = (1.5 * t - 2.5) * t * t + 1
    far = ((-0.5 * t + 2.5) * t - 4) * t + 2
    kernel = np.where(t < 1, near, far)
    waves = np.cos(2 * np.pi * np.multiply.outer(x, t))
    out: Floats = waves @ kernel / kernel.sum()
    return out


@dataclass(frozen=True, slots=True)
class Blur:
    """``kind`` "sensor" (box and Gaussian) or "cubic" (antialiased cubic resampling); ``mtf`` at Nyquist, in (0, 1]."""

    kind: str
    mtf: float

    def response(self, f: Floats, pixel: float) -> Floats:
        """Transfer of a pixel of size ``pixel`` at ``f`` cycles per unit of length; 1 at f = 0."""
        if self.kind == "cubic":
            return keys_response(f * pixel)
        sigma = gaussian_sigma(self.mtf) * pixel
        out: Floats = np.sinc(f * pixel) * np.exp(-2 * (np.pi * sigma * f) ** 2)
        return out

    @property
    def taps(self) -> tuple[float, ...]:
        """F on the half grid (even length, symmetric, sum 1), see `ursat.types.SensorModel`."""
        if self.kind == "cubic":
            return _cubic_taps()
        return BOX_TAPS if self.mtf >= _BOX_FROM else psf_taps(self.mtf)


CUBIC = Blur("cubic", 0.5)
BOX = Blur("sensor", BOX_MTF)


@lru_cache(maxsize=1)
def _cubic_taps() -> tuple[float, ...]:
    """Fourier coefficients of the kernel's response over that of the half grid's own pixel."""
    omega = (np.arange(1024) + 0.5) * (math.pi / 1024)
    response = keys_response(omega / math.pi) / np.sinc(omega / (2 * math.pi))
    half = [float(np.mean(response * np.cos((j + 0.5) * omega))) for j in range(MAX_PSF_TAPS // 2)]
    total = 2 * sum(half)
    right = [tap / total for tap in half]
    return tuple(right[::-1] + right)
