"""How much detail a scene holds: the spectrum f^-2.4 of natural images, scaled to what an image shows.

Frequencies are in cycles per unit length, the unit being whatever pixel the caller names. The exponent is the
project's own measurement on its validation tiles and within the range published for natural scenes (van der Schaaf
and van Hateren 1996, 10.1016/0042-6989(96)00002-8: 1.9 to 2.9 for the power).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ursat.harmonise.blur import Blur

    Floats = NDArray[np.floating[Any]]
    Bools = NDArray[np.bool_]

ALPHA = 2.4
_LEAST = 0.001  # of the noise's power in the differences


def scene_power(fx: Floats, fy: Floats) -> Floats:
    """f^-2.4, capped below 1/64 cycle per unit: no scene is infinitely large."""
    out: Floats = np.maximum(fx * fx + fy * fy, 64.0**-2) ** (-ALPHA / 2)
    return out


def _integral(response: Floats, f: Floats) -> float:
    """Four quadrants of scene power times ``response`` (a function of fx >= 0, fy >= 0)."""
    return float((scene_power(f[:, None], f[None, :]) * response).sum() * (f[1] - f[0]) ** 2 * 4)


@lru_cache(maxsize=256)
def difference_power(blur: Blur) -> float:
    """E[(y[i] - y[i+1])^2] for an image of unit pixels seen through ``blur``, of a scene f^-2.4."""
    f = (np.arange(512) + 0.5) * (2.5 / 512)
    seen = blur.response(f, 1.0) ** 2
    return _integral(np.outer(seen * 4 * np.sin(np.pi * f) ** 2, seen), f)


@lru_cache(maxsize=1)
def detail_power() -> float:
    """E[(p - mean of its 2 x 2 block)^2] of box pixels p half a unit wide, of a scene f^-2.4."""
    f = (np.arange(640) + 0.5) * (5.0 / 640)
    seen = np.sinc(f / 2) ** 2
    kept = np.cos(np.pi * f / 2) ** 2
    return _integral(np.outer(seen, seen) * (1 - np.outer(kept, kept)), f)


def scene_amplitude(windows: Iterable[tuple[Floats, Bools]], blur: Blur, noise: float) -> float:
    """A of the spectrum A f^-2.4 (f in cycles per input pixel) that explains an image's neighbour differences.

    Args:
        windows: (h, w) values of one band and their validity.
        blur: the image's.
        noise: standard deviation of its noise, same units as the values.

    Returns:
        The amplitude, values squared; never below what the differences' own scatter may hide (about one standard
        deviation of their mean square), nor below a scene 30 dB under its noise, so that ratios stay finite.
    """
    total, count = 0.0, 0
    for values, valid in windows:
        for axis in (0, 1):
            both = np.take(valid, range(1, valid.shape[axis]), axis) & np.take(
                valid, range(valid.shape[axis] - 1), axis
            )
            total += float((np.diff(values.astype(np.float64), axis=axis)[both] ** 2).sum())
            count += int(both.sum())
    mean = total / max(count, 1)
    hidden = 2 * noise**2 * max(_LEAST, 1 / math.sqrt(max(count, 1)))
    signal = max(mean - 2 * noise**2, hidden, 1e-30)
    return signal / difference_power(blur)
