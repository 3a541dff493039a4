"""Figures of merit, computed on what a file would hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.benchmark.observation import DN_PER_STEP

if TYPE_CHECKING:
    from numpy.typing import NDArray

PEAK_DN = 255.0 * DN_PER_STEP


def as_stored(values: NDArray[Any], highest: float = PEAK_DN) -> NDArray[np.float64]:
    """What a uint16 file of the protocol gives back: rounded to whole DN and kept in 0..``highest``."""
    return np.clip(np.rint(np.asarray(values, dtype=np.float64)), 0.0, highest)


def psnr(truth: NDArray[Any], estimate: NDArray[Any], peak: float = PEAK_DN) -> float:
    """Peak signal-to-noise ratio in dB over all bands and pixels, after `as_stored`; infinite when equal.

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


def average_gradient(image: NDArray[Any]) -> float:
    """Average gradient: the mean of sqrt((dx^2 + dy^2) / 2) over pixels and bands, in eight-bit steps.

    dx and dy are forward differences; the last row and column have none and are left out. Noise and ringing raise it,
    blur lowers it: what counts is its ratio to the ground truth's.

    Args:
        image: (C, H, W) DN, at least 2 x 2 pixels; taken as `as_stored`, in units of 40 DN.
    """
    steps = as_stored(image) / DN_PER_STEP
    corner = steps[:, :-1, :-1]
    dx, dy = steps[:, :-1, 1:] - corner, steps[:, 1:, :-1] - corner
    return float(np.sqrt((dx * dx + dy * dy) / 2).mean())
