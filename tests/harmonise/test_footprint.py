"""The footprint: a unit-sum kernel with the right phase, width and derivative."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ursat.fir import gaussian_sigma
from ursat.harmonise.footprint import footprint, footprint_taps, footprint_with_slopes, reduce_factor


@settings(max_examples=60, deadline=None)
@given(factor=st.integers(1, 8), sigma=st.floats(0.05, 0.8), shift=st.floats(-1, 1))
def test_taps_have_unit_sum_their_centre_at_the_shift_and_the_width_of_box_and_gauss(factor, sigma, shift):
    halo, taps, slopes = footprint_taps(factor, sigma, shift)
    centres = (np.arange(len(taps)) - halo + 0.5) / factor - 0.5
    mean = (taps * centres).sum()
    assert taps.sum() == pytest.approx(1)
    assert slopes.sum() == pytest.approx(0, abs=1e-3)
    assert mean == pytest.approx(-shift, abs=1e-3)  # moved right: the input pixel sees what lay to its left
    if factor >= 3 and sigma >= 0.2:  # smooth enough for sums over fine pixels to stand for integrals
        # The variance of box_1 and Gauss, and that of the fine pixel over which the reference is taken as constant.
        variance = (taps * (centres - mean) ** 2).sum()
        assert variance == pytest.approx(1 / 12 + sigma**2 + 1 / (12 * factor**2), rel=0.03)


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_without_blur_and_shift_it_is_the_block_mean(factor):
    x = np.random.default_rng(0).standard_normal((2, 6 * factor, 5 * factor))
    expected = x.reshape(2, 6, factor, 5, factor).mean((2, 4))
    np.testing.assert_allclose(footprint(x, factor, 0.0, (0.0, 0.0)), expected, atol=1e-12)


def test_transfer_at_nyquist_is_the_mtf_that_gave_the_sigma():
    factor = 8
    _, taps, _ = footprint_taps(factor, gaussian_sigma(0.25), 0.0)
    centres = (np.arange(len(taps)) - (len(taps) - 1) / 2) / factor
    response = (taps * np.cos(np.pi * centres)).sum()
    fine_pixel = np.sinc(0.5 / factor)  # the reference's own averaging over a fine pixel is not in the MTF
    assert response == pytest.approx(0.25 * fine_pixel, rel=0.01)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.3, -0.45)])
def test_slopes_are_the_derivative_by_the_shift(shift):
    x = np.random.default_rng(1).standard_normal((1, 40, 40))
    value, by_row, by_col = footprint_with_slopes(x, 4, 0.4, shift)
    d = 1e-4
    rows = footprint(x, 4, 0.4, (shift[0] + d, shift[1])) - footprint(x, 4, 0.4, (shift[0] - d, shift[1]))
    cols = footprint(x, 4, 0.4, (shift[0], shift[1] + d)) - footprint(x, 4, 0.4, (shift[0], shift[1] - d))
    inner = (..., slice(3, -3), slice(3, -3))
    np.testing.assert_allclose(by_row[inner], rows[inner] / (2 * d), atol=1e-3)
    np.testing.assert_allclose(by_col[inner], cols[inner] / (2 * d), atol=1e-3)
    np.testing.assert_allclose(value, footprint(x, 4, 0.4, shift))


def test_reducing_averages_and_asks_for_all_pixels():
    ref = np.arange(2 * 16 * 16, dtype=float).reshape(2, 16, 16)
    valid = np.ones(ref.shape, bool)
    valid[0, 0, 0] = False
    coarse, ok, factor = reduce_factor(ref, valid, 8)
    assert factor == 4
    assert coarse.shape == (2, 8, 8)
    assert coarse[1, 0, 0] == ref[1, :2, :2].mean()
    assert not ok[0, 0, 0]
    assert ok.sum() == ok.size - 1
    assert reduce_factor(ref, valid, 4)[2] == 4
    assert reduce_factor(ref[:, :15, :15], valid[:, :15, :15], 5)[2] == 1  # 5 does not divide: the pixel itself
