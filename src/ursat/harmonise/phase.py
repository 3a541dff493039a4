"""Masked correlation over a range of lags: which displacement of one image agrees with another, and how surely.

The images are whitened locally first (high-pass, divided by the local contrast), which makes the correlation a
phase-like one: a narrow peak, indifferent to gain, offset and smooth clouds. The masked normalised correlation is
that of D. Padfield, "Masked object registration in the Fourier domain", IEEE TIP 21(5), 2012, eq. 13-30.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

HIGH_PASS_SIGMA = 2.0  # input pixels
CONTRAST_SIGMA = 4.0
CLIP = 3.0


@dataclass(frozen=True, slots=True)
class LagSums:
    """Sums over the overlap of two masked images for every lag; add them over windows, then normalise.

    All arrays are (2L+1, 2L+1); the entry [L + r, L + c] belongs to moving the second image by (r, c) pixels.
    count: pixels of the overlap. cov, var_a, var_b: centred second moments, summed (not averaged).
    """

    count: Floats
    cov: Floats
    var_a: Floats
    var_b: Floats

    def __add__(self, other: LagSums) -> LagSums:
        return LagSums(
            self.count + other.count, self.cov + other.cov, self.var_a + other.var_a, self.var_b + other.var_b
        )

    def ncc(self) -> Floats:
        """Normalised correlation, -1..1; 0 where the overlap has no contrast."""
        scale = np.sqrt(np.maximum(self.var_a, 0) * np.maximum(self.var_b, 0))
        flat = scale <= 1e-9 * max(float(scale.max()), 1e-300)
        return np.clip(np.where(flat, 0.0, self.cov / np.where(flat, 1.0, scale)), -1.0, 1.0)


def smooth(x: Floats, sigma: float) -> Floats:
    """Gaussian over the last two axes, zeros outside (masked sums are divided by the smoothed mask)."""
    sigmas = (0.0,) * (x.ndim - 2) + (sigma, sigma)
    return np.asarray(gaussian_filter(x, sigmas, mode="constant", truncate=3.0), dtype=x.dtype)


def high_pass(x: Floats, valid: NDArray[np.bool_], sigma: float = HIGH_PASS_SIGMA) -> Floats:
    """(..., h, w) minus its local mean over the valid pixels; 0 where not valid."""
    weight = valid.astype(x.dtype)
    mean = smooth(x * weight, sigma) / np.maximum(smooth(weight, sigma), np.finfo(x.dtype).eps)
    return (x - mean) * weight


def whiten(x: Floats, valid: NDArray[np.bool_]) -> Floats:
    """High-pass divided by the local contrast and clipped to +-3; 0 where not valid.

    The local contrast has a floor of a tenth of the image's own, so that flat water is not blown up to texture,
    nor rounding errors to contrast.
    """
    detail = high_pass(x, valid)
    weight = valid.astype(x.dtype)
    power = smooth(detail * detail, CONTRAST_SIGMA) / np.maximum(smooth(weight, CONTRAST_SIGMA), np.finfo(x.dtype).eps)
    if not valid.any():
        return detail
    rounding = 16 * float(np.finfo(x.dtype).eps) * float(np.abs(x[valid]).max())
    floor = 0.01 * float(np.median(power[valid])) + rounding**2
    contrast = np.sqrt(power + floor + np.finfo(x.dtype).tiny)
    return np.clip(detail / contrast, -CLIP, CLIP) * weight


def lag_sums(a: Floats, a_valid: NDArray[np.bool_], b: Floats, b_valid: NDArray[np.bool_], max_lag: int) -> LagSums:
    """Masked correlation sums of two (h, w) images for lags up to ``max_lag`` pixels each way."""
    shape = [fft.next_fast_len(n + max_lag, real=True) for n in a.shape]

    def forward(x: Floats) -> NDArray[np.complexfloating]:
        return np.asarray(fft.rfft2(x, shape))

    take_rows = np.arange(-max_lag, max_lag + 1) % shape[0]
    take_cols = np.arange(-max_lag, max_lag + 1) % shape[1]

    def correlate(p: NDArray[np.complexfloating], q: NDArray[np.complexfloating]) -> Floats:
        full = fft.irfft2(p * np.conj(q), shape)
        return np.asarray(full[np.ix_(take_rows, take_cols)], dtype=np.float64)

    ma, mb = a_valid.astype(np.float64), b_valid.astype(np.float64)
    xa, xb = a * ma, b * mb
    fa, fb, fma, fmb = forward(xa), forward(xb), forward(ma), forward(mb)
    count = np.round(correlate(fma, fmb))
    sum_a, sum_b = correlate(fa, fmb), correlate(fma, fb)
    over = 1 / np.maximum(count, 1)
    return LagSums(
        count=count,
        cov=correlate(fa, fb) - sum_a * sum_b * over,
        var_a=correlate(forward(xa * xa), fmb) - sum_a**2 * over,
        var_b=correlate(fma, forward(xb * xb)) - sum_b**2 * over,
    )


@dataclass(frozen=True, slots=True)
class Peak:
    """The best lag and how it stands out.

    row, col: lag in pixels with sub-pixel part (parabola through the neighbours).
    ncc: correlation there. significance: Fisher's z of it over the spread of z at unrelated lags.
    rival: the highest correlation elsewhere (more than 2 pixels away), as a share of the peak's.
    """

    row: float
    col: float
    ncc: float
    significance: float
    rival: float


def find_peak(ncc: Floats, count: Floats, max_lag: float) -> Peak:
    """The highest correlation among lags up to ``max_lag`` (Chebyshev, input pixels), against all other lags.

    Args:
        ncc: (2L+1, 2L+1) correlation.
        count: overlap per lag, same shape; lags under a third of the largest overlap are ignored.
        max_lag: the search range; the lags outside serve as background.
    """
    radius = ncc.shape[0] // 2
    rows, cols = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    usable = count > max(count.max() / 3, 8)
    # Fisher's z, scaled so that unrelated lags with less overlap do not look more significant.
    z = np.arctanh(np.clip(ncc, -0.999, 0.999)) * np.sqrt(count / max(count.max(), 1))
    inside = usable & (np.maximum(abs(rows), abs(cols)) <= max_lag)
    if not inside.any():
        return Peak(0.0, 0.0, 0.0, 0.0, 1.0)
    at = np.unravel_index(np.argmax(np.where(inside, z, -np.inf)), z.shape)
    row, col = int(at[0]) - radius, int(at[1]) - radius
    far = usable & (np.maximum(abs(rows - row), abs(cols - col)) > 2)
    if far.sum() < 8:
        return Peak(float(row), float(col), float(ncc[at]), 0.0, 1.0)
    spread = float(np.sqrt(np.mean(z[far] ** 2)))
    return Peak(
        row=row + _vertex(z, int(at[0]), int(at[1]), 0),
        col=col + _vertex(z, int(at[0]), int(at[1]), 1),
        ncc=float(ncc[at]),
        significance=float(z[at]) / max(spread, 1e-9),
        rival=float(np.clip(z[far].max() / max(float(z[at]), 1e-9), 0, 1)),
    )


def _vertex(z: Floats, row: int, col: int, axis: int) -> float:
    """Offset (-0.5..0.5) of the parabola's vertex through the peak and its two neighbours along ``axis``."""
    index, size = (row, z.shape[0]) if axis == 0 else (col, z.shape[1])
    if not 0 < index < size - 1:
        return 0.0
    before, after = (z[row - 1, col], z[row + 1, col]) if axis == 0 else (z[row, col - 1], z[row, col + 1])
    bend = before - 2 * z[row, col] + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0
