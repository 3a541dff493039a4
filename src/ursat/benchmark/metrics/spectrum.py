"""How far an estimate's power spectrum is from the ground truth's at the frequencies that the input does not hold."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.fft import rfft2

from ursat.benchmark.encoding import EIGHT_BIT
from ursat.benchmark.metrics.scene import Figure, Image, Metric, Scene

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ursat.benchmark.encoding import Encoding

OCTAVES = 7  # up to x128
_ROUNDING = 1 / 12  # variance of rounding to whole DN: a white floor under every stored image


@lru_cache(maxsize=16)
def _rings(height: int, width: int, scale: int) -> tuple[NDArray[np.intp], NDArray[np.float64], int]:
    """Per frequency of `rfft2`: its ring (0: none), and how many frequencies of the full plane it stands for."""
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    low, high = 0.5 / scale, 0.5
    count = max(1, round(min(height, width) * (high - low)))
    ring = np.digitize(np.hypot(fy, fx), np.linspace(low, high, count + 1))
    ring[ring > count] = 0
    twice = np.where((fx == 0) | (fx == 0.5), 1.0, 2.0)
    return ring.ravel(), np.broadcast_to(twice, ring.shape).ravel(), count


def ring_power(image: NDArray[Any], scale: int, encoding: Encoding = EIGHT_BIT) -> NDArray[np.float64]:
    """The radially averaged periodogram between the input's Nyquist frequency and the output's.

    Each band less its mean, under a separable Hann window, Fourier transformed; |F|^2 divided by the window's energy
    (so that white noise of variance s^2 has power s^2) and averaged over rings of equal width, one for each 1/n
    cycles per pixel, n being the shorter side, from 1/(2 scale) to 1/2.

    Args:
        image: (C, H, W) DN, taken as stored.
        scale: input pixel over image pixel.
        encoding: how DN are to be read.

    Returns:
        (C, rings), DN^2; the 1/12 DN^2 of rounding is added, so that no ring is empty.
    """
    stored = encoding.stored(image)
    height, width = stored.shape[-2:]
    window = np.hanning(height)[:, None] * np.hanning(width)
    ring, stands_for, count = _rings(height, width, scale)
    number = np.bincount(ring, stands_for, minlength=count + 1)[1:]
    rows = []
    for band in stored:
        power = np.abs(rfft2((band - band.mean()) * window)).ravel() ** 2
        rows.append(np.bincount(ring, power * stands_for, minlength=count + 1)[1:] / number)
    return np.stack(rows) / np.sum(window * window) + _ROUNDING


def spectrum_error(truth: NDArray[np.float64], estimate: NDArray[np.float64]) -> float:
    """Log-power-spectrum error in dB: root mean square over rings of 10 log10(estimate / truth), mean over bands.

    Args:
        truth: (C, rings) of `ring_power`.
        estimate: the same of the estimate, same shape and scale.
    """
    ratio = 10 * np.log10(estimate / truth)
    return float(np.sqrt(np.mean(ratio * ratio, axis=1)).mean())


def octave_errors(truth: NDArray[np.float64], estimate: NDArray[np.float64], scale: int) -> dict[int, float]:
    """Mean of 10 log10(estimate / truth) in dB over the rings of each octave and over bands.

    Negative where the estimate lacks power (blur), positive where it has too much (noise, invented detail).

    Args:
        truth: (C, rings) of `ring_power`.
        estimate: the same of the estimate.
        scale: that of both.

    Returns:
        By octave: 1 has wavelengths of 2 to 4 output pixels, 2 of 4 to 8, and so on up to two input pixels; octaves
        without a ring are missing.
    """
    rings = truth.shape[1]
    low = 0.5 / scale
    centre = low + (np.arange(rings) + 0.5) * (0.5 - low) / rings
    octave = np.floor(-np.log2(centre)).astype(int)
    ratio = 10 * np.log10(estimate / truth)
    return {int(j): float(ratio[:, octave == j].mean()) for j in np.unique(octave)}


def _of_truth(scene: Scene) -> NDArray[np.float64]:
    return ring_power(scene.truth, scene.scale, scene.encoding)


def _measure_all(scene: Scene, estimate: Image) -> dict[str, float]:
    return {"spectrum_db": spectrum_error(scene.once(_of_truth), ring_power(estimate, scene.scale, scene.encoding))}


def _measure_octaves(scene: Scene, estimate: Image) -> dict[str, float]:
    power = ring_power(estimate, scene.scale, scene.encoding)
    found = octave_errors(scene.once(_of_truth), power, scene.scale)
    return {f"octave_{j}": value for j, value in found.items() if j <= OCTAVES}


METRIC = Metric(
    figures={"spectrum_db": Figure("spectrum error dB", "lower")},
    definition="Hann-windowed periodogram averaged over rings from the input's Nyquist frequency to the output's: root "
    "mean square over rings of 10 log10(output / truth), mean over bands.",
    measure=_measure_all,
)
BY_OCTAVE = Metric(
    figures={f"octave_{j}": Figure(f"{2**j} to {2 ** (j + 1)} px dB") for j in range(1, OCTAVES + 1)},
    definition="the same periodogram by octave: mean over rings and bands of 10 log10(output / truth) for wavelengths "
    "of 2 to 4 output pixels, 4 to 8, ... up to two input pixels. Below 0 the output lacks power (blur), above 0 it "
    "has too much (noise, invented detail).",
    measure=_measure_octaves,
)
