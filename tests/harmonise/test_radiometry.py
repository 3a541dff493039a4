"""Robust regression: exact on lines, indifferent to clouds, equivariant under a change of units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ursat.harmonise.radiometry import robust_fit, tukey_weights


def line(rng, n=1500, gain=1.3, offset=-40.0, noise=5.0):
    x = rng.normal(1000, 150, size=n)
    return x, gain * x + offset + noise * rng.standard_normal(n)


def test_a_clean_line():
    x, y = line(np.random.default_rng(0))
    fit = robust_fit(x[None], y)
    assert fit.gains[0] == pytest.approx(1.3, abs=0.01)
    assert fit.predict(np.array([[1000.0]]))[0] == pytest.approx(1260, abs=1)
    assert fit.scale == pytest.approx(5, rel=0.1)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.4])
def test_bright_clouds_in_the_reference_only(share):
    rng = np.random.default_rng(1)
    x, y = line(rng)
    cloudy = rng.random(x.size) < share
    x = np.where(cloudy, rng.normal(4000, 600, x.size), x)  # leverage: far out, and flat in y
    fit = robust_fit(x[None], y)
    assert fit.gains[0] == pytest.approx(1.3, abs=0.02)
    assert fit.weights[cloudy].max() < 0.2
    assert np.median(fit.weights[~cloudy]) > 0.8


@settings(max_examples=15, deadline=None)
@given(st.floats(0.01, 100), st.floats(-500, 500), st.floats(0.01, 100), st.integers(0, 99))
def test_units_do_not_matter(scale_x, shift_x, scale_y, seed):
    x, y = line(np.random.default_rng(seed), n=300)
    plain = robust_fit(x[None], y)
    moved = robust_fit((scale_x * x + shift_x)[None], scale_y * y)
    assert moved.gains[0] * scale_x / scale_y == pytest.approx(plain.gains[0], rel=1e-3)
    assert moved.scale / scale_y == pytest.approx(plain.scale, rel=1e-2)


def test_several_bands():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(3, 900))
    y = 0.2 * x[0] + 0.7 * x[1] + 0.1 * x[2] + 3 + 0.01 * rng.standard_normal(900)
    y[:200] += 8
    fit = robust_fit(x, y)
    np.testing.assert_allclose(fit.gains, (0.2, 0.7, 0.1), atol=0.01)
    assert fit.offset == pytest.approx(3, abs=0.01)


def test_nothing_to_learn_from():
    assert robust_fit(np.full((1, 50), 3.0), np.arange(50.0)).gains == (0.0,)
    few = robust_fit(np.array([[1.0, 2.0]]), np.array([4.0, 5.0]))
    assert few.gains == (0.0,)
    assert few.offset == pytest.approx(4.5)
    assert robust_fit(np.empty((1, 0)), np.empty(0)).offset == 0


def test_identical_bands_share_the_gain():
    x = np.random.default_rng(3).normal(size=400)
    fit = robust_fit(np.stack([x, x]), 2 * x + 1)
    assert sum(fit.gains) == pytest.approx(2, abs=1e-3)


def test_weights_fall_to_zero():
    np.testing.assert_allclose(tukey_weights(np.array([0.0, 4.685, 100.0]), 1.0), [1, 0, 0], atol=1e-12)
