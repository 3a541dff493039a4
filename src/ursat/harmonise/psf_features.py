"""What an image shows of its own blur, as a short vector: its spectrum, the tails of its differences, its edges.

The spectrum alone cannot tell a soft sensor from soft ground. Edges can: across a step the ground is sharp, so the
share of the step that falls between two neighbouring pixels is the sensor's doing, and an overshoot beside it betrays
a kernel with negative lobes. Every number is unchanged by a gain, an offset, and by turning or mirroring the image.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.harmonise.degrade_ref import fill_nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Bools = NDArray[np.bool_]
    Band = Sequence[tuple[Floats, Bools]]

LEAST_SIDE = 8  # pixels; smaller windows say nothing
_SIDE = 32  # of the patches whose periodograms are averaged (Welch 1967, 10.1109/TAU.1967.1161901)
_CELLS = 8
_GROUPS = np.maximum((np.arange(_SIDE // 2 + 1) - 1) // 2, 0)  # frequencies 0, 1, 2 | 3, 4 | ... | 15, 16
_TRIANGLE = np.triu_indices(_CELLS)
_MOST_PATCHES, _MOST_WINDOWS, _MOST_BANDS = 256, 4, 4
_FAINTEST = 1e-5  # of the mean power counts as none: what quantisation leaves of an image without noise
_EDGES = (0.02, 0.1)  # shares of the pixels, steepest first
_LEAST_EDGES = 12
_QUANTILES = (0.1, 0.5, 0.9)

COUNT = 2 * len(_TRIANGLE[0]) + 1 + 3 + len(_EDGES) * (len(_QUANTILES) + 3) + 3
PIXELS = COUNT - 3  # where the logarithm of the number of pixels stands


def psf_features(windows: Sequence[tuple[Floats, Bools]], noise: Sequence[float]) -> Floats | None:
    """The features of an image, mean over its bands.

    Args:
        windows: (values, valid) of the input, each (C, h, w), any unit.
        noise: standard deviation of its noise per band, same unit.

    Returns:
        (COUNT,) float64, finite; None where no window of 8 x 8 pixels shows anything but a constant.
    """
    chosen = [(v, ok) for v, ok in windows if min(v.shape[-2:]) >= LEAST_SIDE]
    chosen = [chosen[i] for i in _spread(len(chosen), _MOST_WINDOWS)]
    found = []
    for band in _spread(len(noise), _MOST_BANDS):
        views = [(v[band].astype(np.float64), ok[band]) for v, ok in chosen]
        patches = _patches(views)
        one = None if patches is None else _of_band(patches, views, noise[band])
        if one is not None:
            found.append(one)
    if not found:
        return None
    pixels = sum(v.shape[-2] * v.shape[-1] for v, _ in chosen)
    side = min(_SIDE, *(min(v.shape[-2:]) for v, _ in chosen))
    size = [math.log(min(pixels, 65536)), math.log(side), math.log(len(found))]
    return np.concatenate([np.mean(found, axis=0), size])


def noise_share(windows: Sequence[tuple[Floats, Bools]], noise: Sequence[float]) -> float:
    """Share of the neighbour differences' variance that is noise, 0..1, mean over the bands that vary; 1 if none."""
    shares = []
    for band, sigma in enumerate(noise):
        steps = _differences([(v[band].astype(np.float64), ok[band]) for v, ok in windows], 1)
        power = float((steps**2).mean()) if steps.size else 0.0
        if power > 0:
            shares.append(min(2 * sigma**2 / power, 1.0))
    return float(np.mean(shares)) if shares else 1.0


def _spread(count: int, most: int) -> list[int]:
    """At most ``most`` indices of ``count``, evenly spread."""
    if count <= most:
        return list(range(count))
    return sorted({round(i * (count - 1) / (most - 1)) for i in range(most)})


def _starts(length: int, side: int) -> list[int]:
    """Origins of half-overlapping patches that cover ``length``."""
    count = 1 + -(-(length - side) // (side // 2))
    return [0] if count == 1 else [round(i * (length - side) / (count - 1)) for i in range(count)]


def _patches(views: Band) -> list[Floats] | None:
    """Valid square patches, at most 256; smaller where the windows are."""
    found = []
    for values, valid in views:
        side = min(_SIDE, *values.shape)
        whole = fill_nearest(values, valid)
        for row in _starts(values.shape[0], side):
            for col in _starts(values.shape[1], side):
                part = slice(row, row + side), slice(col, col + side)
                if valid[part].mean() >= 0.95:
                    found.append(whole[part])
    return [found[i] for i in _spread(len(found), _MOST_PATCHES)] or None


def _periodogram(patches: Sequence[Floats]) -> Floats:
    """Mean power, (17, 17) over |fx| and |fy| up to Nyquist, symmetric; white noise gives its variance."""
    total, half = np.zeros((_SIDE, _SIDE)), _SIDE // 2
    for side in sorted({len(patch) for patch in patches}):
        stack = np.stack([patch for patch in patches if len(patch) == side])
        taper = np.outer(np.hanning(side + 2)[1:-1], np.hanning(side + 2)[1:-1])
        level = (stack * taper).sum(axis=(1, 2), keepdims=True) / taper.sum()
        waves = np.fft.fft2((stack - level) * taper, s=(_SIDE, _SIDE))
        total += (np.abs(waves) ** 2).sum(axis=0) / (taper**2).sum()
    total /= len(patches)
    mirrored = np.roll(total[::-1], 1, axis=0)
    both = ((total + mirrored) / 2)[: half + 1, : half + 1]
    out: Floats = (both + both.T) / 2
    return out


def _cells(power: Floats) -> Floats:
    """Means over 8 x 8 cells of frequency, the upper triangle."""
    weight = np.ones_like(power)
    weight[:2, :2] = 0  # the taper mixes them with the mean
    total, count = np.zeros((_CELLS, _CELLS)), np.zeros((_CELLS, _CELLS))
    np.add.at(total, (_GROUPS[:, None], _GROUPS[None, :]), power * weight)
    np.add.at(count, (_GROUPS[:, None], _GROUPS[None, :]), weight)
    out: Floats = (total / count)[_TRIANGLE]
    return out


def _of_band(patches: Sequence[Floats], views: Band, sigma: float) -> Floats | None:
    power = _cells(_periodogram(patches))
    unit = float(power.mean())
    # Rounding errors of a constant are no texture.
    if not unit > 1e-12 * max(float(np.abs(patch).max()) for patch in patches) ** 2:
        return None
    noise = sigma**2 / unit
    floor = _FAINTEST + 0.1 * noise
    shown, cleaned = np.log(power / unit + _FAINTEST), np.log(np.maximum(power / unit - noise, floor))
    tails = [_tail(views, lag) for lag in (1, 2, 3)]
    edges = _edges(views, sigma)
    return np.concatenate([shown, cleaned, [math.log(noise + _FAINTEST)], tails, edges])


def _differences(views: Band, lag: int) -> Floats:
    """x[i + lag] - x[i] along both axes, where both are valid: (n,)."""
    found = [np.empty(0)]
    for values, valid in views:
        for x, ok in ((values, valid), (values.T, valid.T)):
            found.append((x[lag:] - x[:-lag])[ok[lag:] & ok[:-lag]])
    return np.concatenate(found)


def _tail(views: Band, lag: int) -> float:
    """Logarithm of the kurtosis of differences between pixels ``lag`` apart."""
    squares = _differences(views, lag) ** 2
    power = float(squares.mean()) if squares.size else 0.0
    return math.log(float((squares**2).mean()) / power**2) if power > 0 else math.log(3.0)


def _profiles(views: Band) -> Floats:
    """Steps over 1, 3, 5 and 7 pixels centred between two neighbours, along both axes: (n, 4)."""
    found = [np.empty((0, 4))]
    for values, valid in views:
        for x, ok in ((values, valid), (values.T, valid.T)):
            n = len(x) - 7
            both = np.logical_and.reduce([ok[k : k + n] for k in range(8)])
            steps = [x[4 + k : 4 + k + n] - x[3 - k : 3 - k + n] for k in range(4)]
            found.append(np.stack([step[both] for step in steps], axis=-1))
    return np.concatenate(found)


def _edges(views: Band, sigma: float) -> list[float]:
    """Of the steepest places: how much of a step over 3 pixels lies within 1, and what the pixels beyond it add."""
    steps = _profiles(views)
    height = np.abs(steps[:, 1])
    steps, height = steps[height > 0], height[height > 0]
    out: list[float] = []
    for share in _EDGES:
        if len(steps) == 0:
            out.extend([0.5] * len(_QUANTILES) + [1.0, 1.0, 0.0])
            continue
        count = min(max(_LEAST_EDGES, int(share * len(steps))), len(steps))
        top = steps[height >= np.partition(height, len(steps) - count)[len(steps) - count]]
        relative = top / top[:, 1:2]
        out.extend(float(q) for q in np.quantile(relative[:, 0], _QUANTILES))
        out.extend(float(np.median(relative[:, k])) for k in (2, 3))
        out.append(math.log(2 * sigma**2 / float(np.median(top[:, 1] ** 2)) + _FAINTEST))
    return out
