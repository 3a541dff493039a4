import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ursat.benchmark.degrade import (
    SENSOR_SIGMA,
    add_noise,
    bicubic_weights,
    degrade,
    sensor_weights,
)

FACTORS = (4.0, 8.0, 4 / 3, 8 / 3, 16 / 3)


@pytest.mark.parametrize("size", [(24, 32), (48, 72), (90, 100)])
def test_bicubic_is_pillows_away_from_the_border(size):
    image = np.random.default_rng(0).uniform(0, 255, (1, 120, 144)).astype(np.float32)
    theirs = np.asarray(Image.fromarray(image[0]).resize(size[::-1], Image.Resampling.BICUBIC))
    ours = degrade(image, size, "bicubic")[0]
    inner = (slice(4, -4), slice(4, -4))
    np.testing.assert_allclose(ours[inner], theirs[inner], atol=1e-3)


@pytest.mark.parametrize("factor", FACTORS)
def test_modulation_at_the_sensors_nyquist_is_a_quarter(factor):
    outputs = 96
    inputs = round(outputs * factor)
    position = (np.arange(inputs) + 0.5) / factor  # in output pixels
    seen = sensor_weights(inputs, outputs, inputs / outputs) @ np.cos(np.pi * (position - 0.5))
    np.testing.assert_allclose(np.abs(seen[10:-10]).mean(), 0.25, rtol=0.003)


def test_without_blur_the_sensor_is_the_block_mean():
    image = np.random.default_rng(1).uniform(0, 1, (2, 24, 36))
    blocks = image.reshape(2, 6, 4, 9, 4).mean(axis=(2, 4))
    np.testing.assert_allclose(degrade(image, (6, 9), "sensor", sigma=0.0), blocks, atol=1e-12)


def test_without_blur_a_fractional_pixel_takes_the_overlap():
    weights = sensor_weights(4, 3, 4 / 3, sigma=0.0).toarray()
    np.testing.assert_allclose(weights, [[0.75, 0.25, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 0.25, 0.75]], atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    outputs=st.integers(8, 40),
    factor=st.sampled_from(FACTORS),
    shift=st.floats(-3, 3),
    kind=st.sampled_from([bicubic_weights, sensor_weights]),
)
def test_constants_stay_and_ramps_move_by_the_shift(outputs, factor, shift, kind):
    inputs = round(outputs * factor)
    weights = kind(inputs, outputs, inputs / outputs, shift=shift)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-12)
    ramp = weights @ np.arange(inputs)
    expected = (np.arange(outputs) + 0.5) * inputs / outputs - 0.5 - shift
    reach = 4 + int(abs(shift))
    # The stretched cubic is no exact interpolant, and at 4/3 the Gaussian is only 0.58 samples wide (0.001 off)
    np.testing.assert_allclose(
        ramp[reach:-reach], expected[reach:-reach], atol=0.05 if kind is bicubic_weights else 2e-3
    )


def test_noise_has_a_hundredth_of_each_bands_mean():
    image = np.stack([np.full((200, 200), 1000.0), np.full((200, 200), 4000.0)])
    noise = add_noise(image, np.random.default_rng(2)) - image
    np.testing.assert_allclose(noise.std(axis=(1, 2)), [10, 40], rtol=0.03)
    assert abs(np.corrcoef(noise.reshape(2, -1))[0, 1]) < 0.02


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="there are bicubic and sensor"):
        degrade(np.zeros((1, 8, 8)), (2, 2), "box")


def test_sigma_gives_a_quarter_by_its_own_formula():
    assert np.exp(-0.5 * (np.pi * SENSOR_SIGMA) ** 2) * 2 / np.pi == pytest.approx(0.25, rel=2e-3)
