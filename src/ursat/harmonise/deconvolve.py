"""The filter that gives the warped reference back the sharpness its sensor and the resampling took.

Designed once per run as a symmetric separable FIR on the cascade's level grid: the least mean square error between
the filtered reference and ideal box pixels of that grid, for a scene whose power spectrum falls as f^-2.4 (natural
images: Burton and Moorhead 1987; van der Schaaf and van Hateren 1996), under the reference's noise and its aliasing.
Where the reference holds no information (beyond its own Nyquist frequency) that optimum has no gain to give.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.harmonise.blur import keys_response
from ursat.harmonise.scene import scene_power

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ursat.harmonise.blur import Blur

    Floats = NDArray[np.floating[Any]]

MAX_REACH = 12
_SIDE = 48
_MODEL_ERROR = 0.01


def wanted_response(f: Floats, blur: Blur) -> Floats:
    """Transfer of the pixels wanted, ``f`` in cycles per pixel: the box, or none where a kernel replaced the box."""
    return np.ones_like(f) if blur.kind == "cubic" else np.sinc(f)


@lru_cache(maxsize=256)
def deconvolution_taps(pixel: float, blur: Blur, noise: float, reach: int = MAX_REACH) -> tuple[float, ...]:
    """Taps that turn the warped reference into box pixels of the level grid.

    Args:
        pixel: the reference's own pixel in pixels of the level grid (4/3 for a 10 m reference on a 7.5 m grid).
        blur: the reference's own.
        noise: variance of the reference's noise over the amplitude A of the scene's spectrum A f^-2.4.
        reach: taps each side, at most 12.

    Returns:
        2 reach + 1 symmetric taps of sum 1; alternating least squares over the two axes, which are equal.
    """
    f = (np.arange(_SIDE) + 0.5) * (0.5 / _SIDE)
    power = scene_power(f[:, None], f[None, :])
    warp = keys_response(f * max(pixel, 1.0))
    transfer = blur.response(f, pixel) * warp
    target = wanted_response(f, blur)
    disturbance = np.full((_SIDE, _SIDE), noise * pixel * pixel)
    step = 1 / pixel
    for kx in (-1, 0, 1):
        for ky in (-1, 0, 1):
            if kx or ky:
                gx, gy = f - kx * step, f - ky * step
                seen = np.outer(blur.response(gx, pixel), blur.response(gy, pixel))
                disturbance += scene_power(gx[:, None], gy[None, :]) * seen**2
    disturbance *= np.outer(warp, warp) ** 2
    disturbance += _MODEL_ERROR * power  # no profile is exact: never divide by a transfer of a few per cent
    cosines = np.cos(2 * np.pi * np.outer(f, np.arange(reach + 1)))
    cosines[:, 1:] *= 2
    ones = np.ones(reach + 1)
    ones[1:] = 2
    gain = np.ones(_SIDE)
    theta = np.zeros(reach + 1)
    for _ in range(12):
        kept = power * (transfer[None, :] * gain) ** 2 * transfer[:, None] ** 2 + disturbance * gain**2
        wanted = power * (transfer[None, :] * gain) * target[None, :] * (transfer * target)[:, None]
        a, b = kept.sum(axis=1), wanted.sum(axis=1)
        normal = (cosines.T * a) @ cosines
        normal += np.eye(reach + 1) * (1e-9 * np.trace(normal))
        free = np.linalg.solve(normal, np.stack([cosines.T @ b, ones], axis=1))
        theta = free[:, 0] + free[:, 1] * ((1 - ones @ free[:, 0]) / (ones @ free[:, 1]))  # sum of taps = 1
        gain = cosines @ theta
    half = [float(t) for t in theta]
    return tuple(half[:0:-1] + half)
