"""The noise of the input from the input alone: real texture (the sample scene), made texture, and nothing at all."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from made_texture import texture
from ursat.benchmark.degrade import degrade
from ursat.harmonise.noise import CORNER, MIDDLE, estimate_noise, estimate_noise_windows

SCENE = Path(__file__).parents[2] / "sample_data" / "sentinel2.tif"
SHARES = (1 / 100, 1 / 50, 1 / 20)


def land(size, seed, sigma=0.435, bands=3):
    """Made land at x4: three bands around 4000 DN that share most of their texture, seen by a sensor of MTF 0.25."""
    rng = np.random.default_rng(seed)
    common = texture((4 * size, 4 * size), rng)
    fine = [3000 + 500 * b + (900 + 100 * b) * (common + 0.1 * texture(common.shape, rng)) for b in range(bands)]
    return degrade(np.array(fine), (size, size), "sensor", sigma=sigma)


def noisy(image, share, seed):
    rng = np.random.default_rng([seed, 99])
    sigma = share * image.mean(axis=(1, 2))
    return np.rint(image + sigma[:, None, None] * rng.standard_normal(image.shape)), sigma


@pytest.fixture(scope="module")
def scene():
    with rasterio.open(SCENE) as file:
        return degrade(file.read().astype(float), (120, 120), "sensor")


@pytest.mark.parametrize("share", SHARES)
def test_real_scene_within_a_quarter(scene, share):
    image, truth = noisy(scene, share, 1)
    np.testing.assert_allclose(estimate_noise(image), truth, rtol=0.25)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("size", [32, 64, 128])
def test_made_land_within_a_quarter(size, share):
    ratios = []
    for seed in range(6):
        image, truth = noisy(land(size, seed), share, seed)
        ratios.append(np.array(estimate_noise(image)) / truth)
    assert np.median(ratios) == pytest.approx(1, abs=0.08)
    assert np.mean(np.abs(np.array(ratios) - 1) < 0.25) >= (0.8 if size == 32 else 1.0)


@pytest.mark.parametrize("bands", [1, 2])
def test_few_bands_follow_the_texture_line(bands):
    ratios = []
    for seed in range(6):
        image, truth = noisy(land(96, seed, bands=bands), 1 / 50, seed)
        ratios.append(np.array(estimate_noise(image)) / truth)
    assert np.mean(np.abs(np.array(ratios) - 1) < 0.25) > 0.8


def test_seven_bands():
    image, truth = noisy(land(96, 3, bands=7), 1 / 100, 3)
    np.testing.assert_allclose(estimate_noise(image), truth, rtol=0.25)


def test_aliased_texture_is_overestimated_within_limits():
    image, truth = noisy(land(96, 5, sigma=0.0), 1 / 50, 5)
    assert np.all(np.array(estimate_noise(image)) < 1.6 * truth)


def test_clean_scene_has_little_noise(scene):
    assert np.all(np.array(estimate_noise(scene)) < scene.mean(axis=(1, 2)) / 200)


def test_white_noise_alone_at_any_level():
    image = 3 * np.random.default_rng(0).standard_normal((4, 80, 80))
    np.testing.assert_allclose(estimate_noise(image), 3, rtol=0.15)
    np.testing.assert_allclose(estimate_noise(image[:1]), 3, rtol=0.15)


def test_rounding_is_the_floor():
    flat = np.full((3, 20, 20), 7.0)
    assert estimate_noise(flat) == (0.0, 0.0, 0.0)
    np.testing.assert_allclose(estimate_noise(flat, step=1.0), 12**-0.5)
    np.testing.assert_allclose(estimate_noise(flat, step=[1.0, 2.0, 4.0]), np.array([1, 2, 4]) / np.sqrt(12))
    rounded = np.rint(land(96, 0) + 0.0)
    assert np.all(np.array(estimate_noise(rounded, step=1.0)) >= 12**-0.5)


def test_saturated_ground_says_nothing():
    image, truth = noisy(land(96, 2), 1 / 50, 2)
    image[:, :40] = 10000
    np.testing.assert_allclose(estimate_noise(image), truth, rtol=0.25)
    one_dead = image.copy()
    one_dead[1] = 0
    found = np.array(estimate_noise(one_dead))
    assert found[1] == 0
    np.testing.assert_allclose(found[[0, 2]], truth[[0, 2]], rtol=0.35)


def test_equal_bands_are_one_band():
    image, truth = noisy(land(96, 4), 1 / 50, 4)
    same = estimate_noise(np.repeat(image[:1], 3, axis=0))
    np.testing.assert_allclose(same, truth[0], rtol=0.25)


def test_invalid_pixels_do_not_matter():
    image, _ = noisy(land(64, 6), 1 / 50, 6)
    valid = np.ones(image.shape, dtype=bool)
    valid[:, 20:30, 5:50] = False
    valid[1, 50:, 50:] = False
    broken = np.where(valid, image, 65535)
    np.testing.assert_array_equal(estimate_noise(broken, valid), estimate_noise(image, valid))
    assert estimate_noise(image, np.zeros_like(valid)) == (0.0, 0.0, 0.0)
    assert estimate_noise(np.ones((2, 3, 3))) == (0.0, 0.0)


def test_windows_of_a_scene_are_pooled():
    image, truth = noisy(land(128, 7), 1 / 100, 7)
    everywhere = np.ones(image.shape, dtype=bool)
    parts = [
        (image[:, rows, columns], everywhere[:, rows, columns])
        for rows in (slice(0, 50), slice(50, 128))
        for columns in (slice(0, 64), slice(64, 128))
    ]
    pooled = np.array(estimate_noise_windows(parts))
    np.testing.assert_allclose(pooled, estimate_noise(image), rtol=0.15)
    np.testing.assert_allclose(pooled, truth, rtol=0.25)
    with pytest.raises(ValueError, match="no window"):
        estimate_noise_windows([])


@settings(max_examples=15, deadline=None)
@given(gain=st.floats(1e-4, 1e4), offset=st.floats(-1e3, 1e3), seed=st.integers(0, 50))
def test_noise_scales_with_the_unit_and_ignores_the_zero(gain, offset, seed):
    image, _ = noisy(land(24, seed), 1 / 50, seed)
    np.testing.assert_allclose(
        estimate_noise(gain * (image + offset)), gain * np.array(estimate_noise(image)), rtol=1e-3
    )


def test_filters_pass_unit_noise_and_look_at_different_parts_of_the_spectrum():
    for taps in (CORNER, MIDDLE):
        assert np.sum(taps**2) == pytest.approx(1)
        assert np.sum(taps) == pytest.approx(0)
    corner, middle = (np.abs(np.fft.fft(taps, 256)) ** 2 for taps in (CORNER, MIDDLE))
    assert np.sum(corner * middle) / np.sqrt(np.sum(corner**2) * np.sum(middle**2)) < 0.35
