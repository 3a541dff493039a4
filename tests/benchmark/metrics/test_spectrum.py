import numpy as np
import pytest
from made_places import texture
from scipy.ndimage import gaussian_filter

from ursat.benchmark.metrics.spectrum import octave_errors, ring_power, spectrum_error

RNG = np.random.default_rng(0)
WHITE = 5000 + 400 * RNG.standard_normal((2, 96, 128))


def test_white_noise_has_its_variance_in_every_ring():
    power = ring_power(WHITE, 8)
    assert power.shape == (2, 42)  # 96 * (1/2 - 1/16)
    np.testing.assert_allclose(power.mean(), 400**2, rtol=0.03)
    np.testing.assert_allclose(power.mean(axis=0)[10:], 400**2, rtol=0.4)  # the inner rings hold few frequencies


@pytest.mark.parametrize(("frequency", "inside"), [(0.05, False), (0.2, True), (0.45, True)])
def test_only_what_the_input_cannot_hold_is_looked_at(frequency, inside):
    wave = 5000 + 1000 * np.cos(2 * np.pi * frequency * np.arange(128)) * np.ones((1, 96, 1))
    power = ring_power(wave, 4)[0]  # from 1/8
    assert bool(power.max() > 1e4) is inside
    if inside:
        assert np.argmax(power) == int((frequency - 1 / 8) / (3 / 8) * len(power))


def test_error_is_the_decibels_between_the_spectra():
    truth = ring_power(WHITE, 4)
    louder = ring_power(5000 + 2 * (WHITE - 5000), 4)
    assert spectrum_error(truth, louder) == pytest.approx(20 * np.log10(2), abs=1e-3)
    assert spectrum_error(louder, truth) == pytest.approx(20 * np.log10(2), abs=1e-3)
    assert spectrum_error(truth, truth) == 0


def test_blur_costs_more_than_other_detail_of_the_same_kind():
    truth, other = (5000 + 1500 * texture((128, 128), RNG)[None] for _ in range(2))
    power = ring_power(truth, 4)
    assert spectrum_error(power, ring_power(other, 4)) < 3
    assert spectrum_error(power, ring_power(gaussian_filter(truth, (0, 2, 2)), 4)) > 10


def test_a_flat_estimate_has_a_finite_error():
    flat = ring_power(np.full((2, 96, 128), 5000.0), 8)
    np.testing.assert_allclose(flat, 1 / 12)
    assert np.isfinite(spectrum_error(ring_power(WHITE, 8), flat))


def test_octaves_are_of_wavelengths():
    """A wave of 3 pixels is in the finest octave, one of 6 in the next."""
    truth = ring_power(WHITE, 8)
    for wavelength, octave in ((3, 1), (6, 2)):
        wave = 3000 * np.cos(2 * np.pi * np.arange(128) / wavelength) * np.ones((1, 96, 1))
        errors = octave_errors(truth, ring_power(WHITE + wave, 8), 8)
        assert list(errors) == [1, 2, 3]
        assert max(errors, key=errors.get) == octave
        assert errors[octave] > 0.3
    assert octave_errors(truth, truth, 8) == {1: 0, 2: 0, 3: 0}
    assert octave_errors(truth, 10 * truth, 8) == pytest.approx({1: 10, 2: 10, 3: 10})
