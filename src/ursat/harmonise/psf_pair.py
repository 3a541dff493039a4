"""The input's MTF from the pair: the kernel that maps the finer reference onto the input."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from ursat.fir import decimate2
from ursat.harmonise.blur import CUBIC, Blur, keys_response
from ursat.harmonise.deconvolve import wanted_response
from ursat.harmonise.radiometry import robust_fit, weighted_solve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ursat.harmonise.degrade_ref import SeenWindow

    Floats = NDArray[np.floating[Any]]

MTFS = tuple(float(m) for m in np.geomspace(0.08, 2 / math.pi, 16))
CANDIDATES = (*(Blur("sensor", m) for m in MTFS), CUBIC)
_WINDOWS, _SIDE = 4, 128  # so many windows of so many input pixels a side tell the blur to a few per cent
_CUBIC_HANDICAP = 1.0  # ln of the odds against a resampled image, before anything is seen
_HIGH_PASS = 2.0  # sigma of the removed low-pass, input pixels: haze and season differ between dates, blur acts above


def high_pass(x: Floats, weights: Floats | None = None) -> Floats:
    """X minus its Gaussian mean of 2 pixels, outliers of small weight left out of it; (..., h, w), weights (h, w)."""
    sigma = (0.0,) * (x.ndim - 2) + (_HIGH_PASS, _HIGH_PASS)

    def mean(of: Floats) -> Floats:
        out: Floats = ndimage.gaussian_filter(of, sigma[-of.ndim :], mode="nearest", truncate=3.0)
        return out

    if weights is None:
        return x - mean(x)
    middle = float(np.average(x, weights=np.broadcast_to(weights, x.shape))) if weights.any() else 0.0
    centred = x - middle
    return centred - mean(centred * weights) / (mean(weights) + 1e-3)


def sharpening_taps(pixel: float, blur: Blur, factor: int) -> tuple[float, ...]:
    """Nine taps on the half grid that undo the reference's blur at the input's frequencies, noise ignored.

    Args:
        pixel: the reference's pixel in pixels of the level grid, which is ``factor`` times finer than the input's.
        blur: the reference's own.
        factor: 2, 4, 8 ...
    """
    omega = (np.arange(256) + 0.5) * (math.pi / 256)
    f = omega / (2 * math.pi) / (factor // 2)
    seen = blur.response(f, pixel) * keys_response(f * max(pixel, 1.0))
    wanted = wanted_response(f, blur) * seen / (seen**2 + 0.02) * 1.02
    half = [float(np.mean(wanted * np.cos(j * omega))) for j in range(5)]
    taps = half[:0:-1] + half
    return tuple(t / sum(taps) for t in taps)


def estimate_blur(
    windows: Sequence[SeenWindow],
    pairing: Sequence[int | None],
    *,
    pixel: float,
    reference_blur: Callable[[Blur], Blur],
    centre: float,
    spread: float,
) -> Blur:
    """Most probable blur of the input, given the aligned reference.

    For each candidate the reference, sharpened by its own MTF, is degraded through the candidate's F and regressed on
    the input's high-pass, bands by bands and with outliers down-weighted; the residual's likelihood is combined with a
    log-normal prior, so that a few noisy pixels do not decide.

    Args:
        windows: prepared pairs.
        pairing: reference band of each input band, None for "all of them".
        pixel: the reference's pixel in pixels of the level grid.
        reference_blur: the reference's own blur as a function of the candidate (a constant where it is known).
        centre: median of the prior.
        spread: its standard deviation in ln(MTF).

    Returns:
        The blur: of a sensor with an MTF in 0.08 .. 0.637, or `CUBIC`.
    """
    windows = [w.centre(_SIDE) for w in windows[:: max(1, -(-len(windows) // _WINDOWS))]]
    halves = [w.half() for w in windows]
    targets = [high_pass(w.lr) for w in windows]
    weights: list[Floats | None] = [None] * len(pairing)
    scores = np.zeros(len(CANDIDATES))
    start = int(np.argmin(np.abs(np.log(MTFS) - math.log(centre))))
    for index in [start, *range(len(CANDIDATES))]:
        blur = CANDIDATES[index]
        sharpen = sharpening_taps(pixel, reference_blur(blur), windows[0].factor)
        taps = tuple(float(t) for t in np.convolve(blur.taps, sharpen))
        seen = [high_pass(decimate2(half, taps)) for half in halves]
        scores[index] = -0.5 * (math.log(blur.mtf / centre) / spread) ** 2
        for band, partner in enumerate(pairing):
            x, y = gather(windows, seen, targets, band, partner)
            if y.size < 24:
                continue
            kept = weights[band]
            if kept is None:
                kept = robust_fit(x, y).weights
                weights[band] = kept
            design = x.T
            theta = weighted_solve(design, y, kept)
            rest = float((kept * (y - design @ theta) ** 2).sum())
            whole = float((kept * y**2).sum())
            # half the pixels: neighbouring residuals are not independent; all bands see one blur and one texture
            scores[index] -= 0.25 * float(kept.sum()) / len(pairing) * math.log(max(rest, 1e-9 * whole, 1e-30))
    scores[-1] -= _CUBIC_HANDICAP
    if int(np.argmax(scores)) == len(MTFS):
        return CUBIC
    return Blur("sensor", _peak(scores[:-1]))


def gather(
    windows: Sequence[SeenWindow], seen: Sequence[Floats], targets: Sequence[Floats], band: int, partner: int | None
) -> tuple[Floats, Floats]:
    """Predictors (k, n) and response (n,) of one band over all jointly valid pixels."""
    xs, ys = [], []
    for window, x, y in zip(windows, seen, targets, strict=True):
        bands = range(x.shape[0]) if partner is None else [partner]
        ok = window.lr_valid[band] & np.all(window.ref_valid[list(bands)], axis=0)
        xs.append(np.stack([x[b][ok] for b in bands]))
        ys.append(y[band][ok])
    return np.concatenate(xs, axis=1).astype(np.float64), np.concatenate(ys).astype(np.float64)


def _peak(scores: Floats) -> float:
    """Parabola through the best candidate and its neighbours, on a logarithmic axis."""
    i = int(np.argmax(scores))
    if i in (0, len(MTFS) - 1):
        return MTFS[i]
    left, mid, right = (float(s) for s in scores[i - 1 : i + 2])
    bend = left - 2 * mid + right
    offset = 0.0 if bend >= 0 else 0.5 * (left - right) / bend
    step = math.log(MTFS[1] / MTFS[0])
    return MTFS[i] * math.exp(offset * step)
