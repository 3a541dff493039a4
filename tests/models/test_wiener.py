"""Designed filters: optimal on the prior they were designed for, and keeping constants."""

from __future__ import annotations

import numpy as np
import pytest

from ursat.fir import BOX_TAPS, decimate2, expand2, psf_taps
from ursat.models.wiener import Expansion, design


def apply(filters: Expansion, y: np.ndarray) -> np.ndarray:
    return sum(w * expand2(y, t) for w, t in zip(filters.weights, filters.taps, strict=True))


def scene(size: int, seed: int, power: float = 2.4) -> np.ndarray:
    """A periodic random field with power f**-power."""
    f = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None, :])
    f[0, 0] = np.inf
    return np.fft.ifft2(np.fft.fft2(np.random.default_rng(seed).normal(size=(size, size))) * f ** (-power / 2)).real


@pytest.mark.parametrize("mtf", [0.64, 0.35, 0.25])
@pytest.mark.parametrize("ratio", [0.0, 0.01, 0.3])
def test_constants_are_kept(mtf: float, ratio: float) -> None:
    y = np.full((20, 20), 7.0)
    np.testing.assert_allclose(apply(design(psf_taps(mtf), ratio), y), 7.0, rtol=1e-9)


@pytest.mark.parametrize("mtf", [0.64, 0.25])
def test_ramps_stay_ramps(mtf: float) -> None:
    y = np.add.outer(np.arange(30.0), 2 * np.arange(30.0))
    fine = apply(design(psf_taps(mtf), 0.003), y)[12:-12, 12:-12]
    np.testing.assert_allclose(np.diff(fine, axis=0), 0.5, atol=1e-9)
    np.testing.assert_allclose(np.diff(fine, axis=1), 1.0, atol=1e-9)


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_no_nearby_filter_is_better_on_its_own_prior(noise: float) -> None:
    taps = psf_taps(0.25)
    # the prior knows pixels half as wide as the grid: average a finer field
    fine = np.stack([scene(256, seed) for seed in range(6)])
    half = fine.reshape(6, 128, 2, 128, 2).mean((2, 4))
    detail = np.sqrt(np.mean((half - half.reshape(6, 64, 2, 64, 2).mean((2, 4)).repeat(2, 1).repeat(2, 2)) ** 2))
    half = half / detail
    y = decimate2(half, taps) + np.random.default_rng(9).normal(size=(6, 64, 64)) * noise
    inside = (..., slice(16, -16), slice(16, -16))

    def error(ratio: float, mtf: float) -> float:
        return float(np.mean((apply(design(psf_taps(mtf), ratio), y) - half)[inside] ** 2))

    best = error(noise**2, 0.25)
    assert best < min(error(noise**2, 0.2), error(noise**2, 0.32), error(noise**2 + 0.5, 0.25))
    assert np.sqrt(best) == pytest.approx(design(taps, noise**2).error, rel=0.12)


def test_box_without_noise_is_closed() -> None:
    y = np.random.default_rng(1).normal(size=(40, 40)).cumsum(0).cumsum(1)
    seen = decimate2(apply(design(BOX_TAPS, 0.0), y), BOX_TAPS)
    assert np.abs(seen - y)[8:-8, 8:-8].max() < 0.02 * np.std(y)
