"""The input's own noise: the standard deviation of additive white noise, band by band, from the image alone.

Where a sensor has blurred its scene, the corner of the spectrum (both axes near Nyquist) holds little but noise. What
signal is left there is removed twice over: texture is shared by the bands and noise is not (a one-factor model of the
covariance between bands), and the places with the least texture are looked at. The texture is judged in another part
of the spectrum, so that choosing calm places does not choose calm noise.

With fewer than three different bands the first is not possible; then the energy of the corner is regressed on the
local texture and the line followed to where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import binary_erosion, correlate1d, maximum_filter, minimum_filter, uniform_filter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Unit-norm filters, so that white noise of variance s**2 gives s**2. The corner: power response sin(w/2)**8 an axis.
CORNER = np.array([1.0, -4.0, 6.0, -4.0, 1.0]) / np.sqrt(70.0)
# The middle of the spectrum: nothing at 0 and at Nyquist, most at a quarter of the sampling rate.
MIDDLE = np.array([1.0, 0.0, -2.0, 0.0, 1.0]) / np.sqrt(6.0)
_REACH = 2
_SMOOTH = 7  # pixels over which texture is averaged
_CALM_SHARE = 0.25  # of the pixels are looked at, but
_CALM_LEAST = 400  # at least so many
_INDEPENDENT = 0.165  # independent samples per filtered pixel: (sum of P)**2 / sum of P**2 for the corner filter
_ROUNDS = 4
_SAME_BAND = 0.9995  # correlation above which two bands are one and the same
_STEEPEST = 0.2  # of texture energy may reappear in the corner; a box on 1/f**2.4 texture gives 0.15 to 0.2
_LEAST_OF_CALM = 0.25  # the line's intercept is not trusted below this share of the calmest places' energy


@dataclass(frozen=True, slots=True)
class _Samples:
    """Filtered pixels with full support, of all windows: (C, n) each; ``texture`` is locally averaged energy."""

    corner: Floats
    energy: Floats
    texture: Floats


def estimate_noise(
    values: NDArray[Any], valid: NDArray[np.bool_] | None = None, *, step: float | Sequence[float] = 0.0
) -> tuple[float, ...]:
    """Standard deviation of the white noise in each band of one image.

    Args:
        values: (C, h, w), any unit; 8 x 8 pixels at least, 32 x 32 for a steady result.
        valid: (C, h, w) bool; None means all.
        step: quantisation step in the same unit, one for all bands or one a band; the result is at least
            step / sqrt(12), the standard deviation of rounding.

    Returns:
        One non-negative number a band; the floor where no pixel has a whole valid neighbourhood.
    """
    mask = np.ones(values.shape, dtype=bool) if valid is None else valid
    return estimate_noise_windows([(values, mask)], step=step)


def estimate_noise_windows(
    windows: Sequence[tuple[NDArray[Any], NDArray[np.bool_]]], *, step: float | Sequence[float] = 0.0
) -> tuple[float, ...]:
    """As `estimate_noise`, pooled over windows of one scene: (values, valid) pairs, (C, h, w) each, sizes may differ.

    Raises:
        ValueError: no window at all, so that not even the number of bands is known.
    """
    if not windows:
        raise ValueError("the noise of no window")
    bands = windows[0][0].shape[0]
    variance = np.zeros(bands)
    together = _gather(windows, range(bands))
    if bands >= 3 and together.corner.shape[1] and not _repeated(together.corner):
        variance = _from_factor(together)
    else:
        for band in range(bands):
            alone = _gather(windows, [band])
            if alone.corner.shape[1]:
                variance[band] = _from_texture_line(alone.energy[0], alone.texture[0])
    floor = np.broadcast_to(np.asarray(step, dtype=np.float64), (bands,)) / np.sqrt(12.0)
    return tuple(float(s) for s in np.maximum(np.sqrt(np.maximum(variance, 0.0)), floor))


def _separable(image: Floats, taps: Floats) -> Floats:
    once = correlate1d(image, taps, axis=-1, mode="nearest")
    return np.asarray(correlate1d(once, taps, axis=-2, mode="nearest"))


def _flat(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Pixels equal to their eight neighbours: saturated or filled, they say nothing about noise."""
    size = (1, 3, 3)
    return np.asarray(maximum_filter(values, size, mode="nearest") == minimum_filter(values, size, mode="nearest"))


def _gather(windows: Sequence[tuple[NDArray[Any], NDArray[np.bool_]]], bands: Sequence[int]) -> _Samples:
    """Filter every window and keep the pixels whose whole neighbourhood is valid in all ``bands``."""
    corners, energies, textures = [], [], []
    support = np.ones((2 * _REACH + 1, 2 * _REACH + 1), dtype=bool)
    for values, valid in windows:
        chosen = list(bands)
        usable = np.asarray((valid[chosen] & ~_flat(values[chosen])).all(axis=0), dtype=np.bool_)
        whole = binary_erosion(usable, support)  # what lies outside the window is not valid
        if not whole.any():
            continue
        image = np.where(usable, values[chosen], 0).astype(np.float64)
        corner, middle = _separable(image, CORNER), _separable(image, MIDDLE)
        share = uniform_filter(whole.astype(np.float64), _SMOOTH, mode="constant")

        def local(power: Floats, whole: NDArray[np.bool_] = whole, share: Floats = share) -> Floats:
            kept = np.where(whole, power, 0.0)
            mean = uniform_filter(kept, (0, _SMOOTH, _SMOOTH), mode="constant")
            return np.asarray(mean[:, whole] / share[whole])

        corners.append(corner[:, whole])
        energies.append(local(corner**2))
        textures.append(local(middle**2))
    if not corners:
        nothing = np.empty((len(bands), 0))
        return _Samples(nothing, nothing, nothing)
    return _Samples(*(np.concatenate(parts, axis=1) for parts in (corners, energies, textures)))


def _repeated(corner: Floats) -> bool:
    """Whether all bands show the same pixels, so that nothing tells texture from noise."""
    covariance = corner @ corner.T
    power = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    return bool(np.all(covariance >= _SAME_BAND * power))


def _from_factor(samples: _Samples) -> Floats:
    """Noise variance by a one-factor model of the corner's covariance S in the calmest places.

    With texture t common to the bands, S_ij = l_i l_j + [i = j] d_i, so l_i**2 = S_ij S_ik / S_jk for any other two
    bands (Spearman's triad). All pairs are pooled with the weights of their correlation, and S_jk enters with its
    sampling variance d_j d_k / n: where there is no texture, nothing is subtracted.
    """
    level = samples.texture.mean(axis=1, keepdims=True)
    texture = (samples.texture / np.where(level > 0, level, 1.0)).mean(axis=0)
    keep = min(max(_CALM_LEAST, int(_CALM_SHARE * texture.size)), texture.size)
    calm = samples.corner[:, texture <= np.partition(texture, keep - 1)[keep - 1]]
    independent = max(4.0, _INDEPENDENT * calm.shape[1])
    s = calm @ calm.T / calm.shape[1]
    power = np.diag(s).copy()
    noise = power.copy()
    for _ in range(_ROUNDS):
        shared = np.array([_shared_power(s, noise, independent, band) for band in range(len(s))])
        noise = power - np.clip(shared, 0.0, 0.999 * power)
    return noise


def _shared_power(s: Floats, noise: Floats, independent: float, band: int) -> float:
    """The pooled triad estimate of l**2 of one band."""
    others = [b for b in range(len(s)) if b != band]
    above = below = 0.0
    for n, j in enumerate(others):
        for k in others[n + 1 :]:
            weight = (s[band, j] * s[band, k]) ** 2 / (s[j, j] * s[k, k]) ** 2 if len(s) > 3 else 1.0
            above += weight * s[band, j] * s[band, k] * s[j, k]
            below += weight * (s[j, k] ** 2 + noise[j] * noise[k] / independent)
    return above / below if below > 0 else 0.0


def _from_texture_line(energy: Floats, texture: Floats) -> float:
    """Noise variance of a single band: energy = a + k texture, followed down to texture = noise.

    Both are averages of squares, with a spread in proportion to their mean: weights 1 / mean**2, iterated (a gamma
    regression). At the noise itself energy = texture = a / (1 - k).
    """
    calm = np.sort(texture)[min(max(30, texture.size // 20), texture.size) - 1]
    base = float(energy[texture <= calm].mean())
    if base <= 0:
        return 0.0
    intercept, slope = base, 0.05
    for _ in range(20):
        weight = (base / np.maximum(intercept + slope * texture, 1e-12 * base)) ** 2
        weight /= weight.sum()
        t, e = float(weight @ texture), float(weight @ energy)
        spread = float(weight @ (texture - t) ** 2)
        slope = float(weight @ ((texture - t) * (energy - e))) / spread if spread > 0 else 0.0
        slope = min(max(slope, 0.0), _STEEPEST)
        intercept = max(e - slope * t, _LEAST_OF_CALM * base)
    return intercept / (1.0 - slope)
