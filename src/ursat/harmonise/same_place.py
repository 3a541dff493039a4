"""Whether the reference shows this place at all: the correlation of its detail with the input's, and its significance.

Detail means what is left above a Gaussian mean of two input pixels, so that slow differences (haze, season) do not
count. The significance is judged on Fisher's z scale with as many independent pixels as Bartlett's formula (1935,
10.2307/2342284) grants two autocorrelated fields; a few dozen pixels then need a far better match than a whole scene.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import fft

from ursat.harmonise.psf_pair import high_pass
from ursat.harmonise.radiometry import tukey_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ursat.harmonise.degrade_ref import SeenWindow

    Floats = NDArray[np.floating[Any]]

SIGMAS = 4.5  # the search for the shift has already picked the best of many positions
RAMP = (0.35, 0.6)  # correlation at which a reference begins to be, and is fully, believed


@dataclass(frozen=True, slots=True)
class Evidence:
    """Per band: correlation of detail freed of the input's noise, its z in standard errors, and the trust 0..1."""

    correlation: tuple[float, ...]
    sigmas: tuple[float, ...]
    trust: tuple[float, ...]

    @property
    def summary(self) -> str:
        """Correlations as a list, for one line of the report."""
        return ", ".join(f"{c:.2f}" for c in self.correlation)


def band_evidence(
    windows: Sequence[SeenWindow],
    degraded: Sequence[Floats],
    matrix: Floats,
    offsets: Floats,
    noise: Sequence[float],
) -> Evidence:
    """Judge each band.

    Args:
        windows: prepared pairs.
        degraded: per window F(box(D ref)), (Br, h, w).
        matrix: (C, Br) gains that match the degraded reference to the input.
        offsets: (C,) in the input's units.
        noise: standard deviation of the input's noise per band.
    """
    correlations, sigmas, trusts = [], [], []
    for band in range(matrix.shape[0]):
        pairs = []
        for window, seen in zip(windows, degraded, strict=True):
            used = np.flatnonzero(matrix[band])
            ok = window.lr_valid[band] & np.all(window.ref_valid[used], axis=0)
            guess = np.tensordot(matrix[band], seen, axes=1) + offsets[band]
            pairs.append((window.lr[band], guess, ok))
        rho, z = _correlate(pairs, noise[band])
        correlations.append(rho)
        sigmas.append(z)
        ramp = min(max((rho - RAMP[0]) / (RAMP[1] - RAMP[0]), 0.0), 1.0)
        trusts.append(ramp if z > SIGMAS else 0.0)
    return Evidence(tuple(correlations), tuple(sigmas), tuple(trusts))


def _correlate(pairs: Sequence[tuple[Floats, Floats, NDArray[np.bool_]]], noise: float) -> tuple[float, float]:
    """(correlation without the input's noise, z in standard errors of the plain correlation)."""
    xs, ys, ws = [], [], []
    everything = np.concatenate([(y - g)[ok] for y, g, ok in pairs])
    if everything.size < 16:
        return 0.0, 0.0
    scale = 1.4826 * float(np.median(np.abs(everything - np.median(everything)))) + 1e-30
    for y, guess, ok in pairs:
        w = np.where(ok, tukey_weights(y - guess, 1.5 * scale), 0.0)
        xs.append(high_pass(guess, w))
        ys.append(high_pass(y, w))
        ws.append(w)
    total = sum(float(w.sum()) for w in ws)
    xx = sum(float((w * x * x).sum()) for x, w in zip(xs, ws, strict=True))
    yy = sum(float((w * y * y).sum()) for y, w in zip(ys, ws, strict=True))
    xy = sum(float((w * x * y).sum()) for x, y, w in zip(xs, ys, ws, strict=True))
    if total < 16 or xx <= 0 or yy <= 0:
        return 0.0, 0.0
    rho = xy / math.sqrt(xx * yy)
    lags = 0.0
    for x, y, w in zip(xs, ys, ws, strict=True):
        lags += float(w.sum()) / total * _common_correlation(x * np.sqrt(w), y * np.sqrt(w))
    independent = max(total / max(lags, 1.0), 4.0)
    z = math.atanh(min(max(rho, -0.9999), 0.9999)) * math.sqrt(max(independent - 3, 1.0))
    kept = max(1 - total * noise**2 / yy, 0.25)  # the share of the input's detail that is not noise
    return min(rho / math.sqrt(kept), 1.0), z


def _common_correlation(x: Floats, y: Floats) -> float:
    """Sum over lags of the product of the two autocorrelations (Bartlett's variance inflation)."""
    shape = tuple(fft.next_fast_len(2 * n) for n in x.shape)
    autos = []
    for field in (x, y):
        power = np.abs(fft.rfft2(field, shape)) ** 2
        auto = fft.irfft2(power, shape)
        autos.append(auto / max(float(auto[0, 0]), 1e-300))
    return float((autos[0] * autos[1]).sum())
