"""What the input's sensor sees of a finer reference: a pixel box blurred by a Gaussian, at any sub-pixel displacement.

Lengths are in input pixels. The reference's fine pixels are taken as constant, so a tap is the integral of the point
spread function over one fine pixel, in closed form; it has the right phase at any displacement, and a derivative.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

MAX_FACTOR = 4  # finer detail of the reference says nothing about an input pixel a quarter that size
NEGLIGIBLE_TAP = 1e-5


def _psf(x: Floats, sigma: float) -> Floats:
    """The pixel box convolved with the Gaussian, at ``x`` input pixels from the centre."""
    if sigma == 0:
        return np.asarray((np.heaviside(x + 0.5, 0.5) - np.heaviside(x - 0.5, 0.5)), dtype=np.float64)
    return np.asarray(ndtr((x + 0.5) / sigma) - ndtr((x - 0.5) / sigma), dtype=np.float64)


def _psf_cdf(x: Floats, sigma: float) -> Floats:
    """Integral of `_psf` from minus infinity to ``x``."""

    def ramp(t: Floats) -> Floats:
        if sigma == 0:
            return np.maximum(t, 0.0)
        z = t / sigma
        return np.asarray(t * ndtr(z) + sigma * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi), dtype=np.float64)

    return ramp(x + 0.5) - ramp(x - 0.5)


def footprint_taps(factor: int, sigma: float, shift: float) -> tuple[int, Floats, Floats]:
    """Weights of the fine pixels in one input pixel when the reference is moved by ``shift`` input pixels.

    Args:
        factor: fine pixels in an input pixel's side.
        sigma: standard deviation of the Gaussian, input pixels.
        shift: displacement of the reference towards larger rows (columns), input pixels.

    Returns:
        (halo, taps, slopes): the first tap belongs to the fine pixel ``halo`` before the input pixel's first one;
        ``slopes`` is the derivative of the taps by ``shift``. The taps sum to 1, the slopes to 0.
    """
    halo = math.ceil((3.5 * sigma + abs(shift)) * factor) + 1
    edges = (np.arange(-halo, factor + halo + 1) - factor / 2) / factor + shift
    taps = np.diff(_psf_cdf(edges, sigma))
    slopes = np.diff(_psf(edges, sigma))
    return halo, taps / taps.sum(), slopes


def reduce_factor(ref: Floats, valid: NDArray[np.bool_], factor: int) -> tuple[Floats, NDArray[np.bool_], int]:
    """Average a needlessly fine reference down to at most `MAX_FACTOR` fine pixels an input pixel, where that divides.

    (Br, h*factor, w*factor) -> (Br, h*f, w*f). A coarse pixel is valid where all of its fine ones are.
    """
    step = next((s for s in range(1, factor + 1) if factor % s == 0 and factor // s <= MAX_FACTOR), 1)
    if step == 1:
        return ref, valid, factor
    bands, height, width = ref.shape
    cells = (bands, height // step, step, width // step, step)
    coarse_valid: NDArray[np.bool_] = np.asarray(valid.reshape(cells).all((2, 4)))
    return ref.reshape(cells).mean((2, 4)), coarse_valid, factor // step


def _fir(x: Floats, halo: int, taps: Floats, factor: int, axis: int) -> Floats:
    """Strided FIR with zeros outside: size n*factor -> n along ``axis`` (-1 or -2)."""
    pads = [(0, 0)] * x.ndim
    pads[axis] = (halo, halo)
    padded = np.pad(x, pads)
    count = x.shape[axis] // factor
    shape = list(x.shape)
    shape[axis] = count
    total, part = np.zeros(shape, x.dtype), np.empty(shape, x.dtype)
    for k, tap in enumerate(taps):
        if abs(tap) < NEGLIGIBLE_TAP:  # beyond the Gaussian's reach
            continue
        span = slice(k, k + factor * (count - 1) + 1, factor)
        np.multiply(padded[..., span] if axis == -1 else padded[..., span, :], x.dtype.type(tap), out=part)
        total += part
    return total


def footprint(x: Floats, factor: int, sigma: float, shift: tuple[float, float]) -> Floats:
    """(..., h*factor, w*factor) -> (..., h, w): the image moved by ``shift`` and seen through the footprint."""
    rows, cols = footprint_taps(factor, sigma, shift[0]), footprint_taps(factor, sigma, shift[1])
    return _fir(_fir(x, rows[0], rows[1], factor, -2), cols[0], cols[1], factor, -1)


def footprint_with_slopes(
    x: Floats, factor: int, sigma: float, shift: tuple[float, float]
) -> tuple[Floats, Floats, Floats]:
    """`footprint` and its derivatives by the row and the column shift, each (..., h, w)."""
    (row_halo, row_taps, row_slopes) = footprint_taps(factor, sigma, shift[0])
    (col_halo, col_taps, col_slopes) = footprint_taps(factor, sigma, shift[1])
    by_rows = _fir(x, row_halo, row_taps, factor, -2)
    return (
        _fir(by_rows, col_halo, col_taps, factor, -1),
        _fir(_fir(x, row_halo, row_slopes, factor, -2), col_halo, col_taps, factor, -1),
        _fir(by_rows, col_halo, col_slopes, factor, -1),
    )
