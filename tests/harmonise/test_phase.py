"""Masked correlation: against brute force, against scikit-image, and its peak."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.registration import phase_cross_correlation

from ursat.harmonise.phase import find_peak, high_pass, lag_sums, whiten


def brute_force(a, a_valid, b, b_valid, row, col):
    """Pearson correlation of a(p) and b(p - lag) over pixels valid in both, straight from its definition."""
    left, right = [], []
    for r in range(a.shape[0]):
        for c in range(a.shape[1]):
            rb, cb = r - row, c - col
            if 0 <= rb < b.shape[0] and 0 <= cb < b.shape[1] and a_valid[r, c] and b_valid[rb, cb]:
                left.append(a[r, c])
                right.append(b[rb, cb])
    return len(left), np.corrcoef(left, right)[0, 1]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), row=st.integers(-3, 3), col=st.integers(-3, 3))
def test_every_lag_is_the_pearson_correlation_of_the_overlap(seed, row, col):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((9, 11)) + 5, rng.standard_normal((9, 11)) - 3
    a_valid, b_valid = rng.random((9, 11)) > 0.2, rng.random((9, 11)) > 0.2
    sums = lag_sums(a, a_valid, b, b_valid, 3)
    count, correlation = brute_force(a, a_valid, b, b_valid, row, col)
    assert sums.count[3 + row, 3 + col] == count
    assert sums.ncc()[3 + row, 3 + col] == pytest.approx(correlation, abs=1e-9)


def test_values_under_the_mask_do_not_matter():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((2, 20, 20))
    valid = rng.random((20, 20)) > 0.3
    spoiled = np.where(valid, a, 1e6)
    everywhere = np.ones_like(valid)
    first, second = lag_sums(a, valid, b, everywhere, 4), lag_sums(spoiled, valid, b, everywhere, 4)
    np.testing.assert_allclose(first.ncc(), second.ncc(), atol=1e-9)
    np.testing.assert_allclose(high_pass(a, valid), high_pass(spoiled, valid), atol=1e-9)
    np.testing.assert_allclose(whiten(a, valid), whiten(spoiled, valid), atol=1e-9)


@pytest.mark.parametrize("lag", [(0, 0), (3, -2), (-4, 1)])
def test_the_peak_is_where_scikit_image_finds_it_and_its_sign_is_the_motion_of_the_second_image(lag):
    rng = np.random.default_rng(2)
    big = rng.standard_normal((60, 60))
    a = big[10:50, 10:50]
    b = big[10 + lag[0] : 50 + lag[0], 10 + lag[1] : 50 + lag[1]]  # b moved by +lag gives a
    mask = np.ones(a.shape, bool)
    mask[5:12, 20:30] = False
    sums = lag_sums(a, mask, b, mask, 8)
    peak = find_peak(sums.ncc(), sums.count, 6)
    theirs, _, _ = phase_cross_correlation(a, b, reference_mask=mask, moving_mask=mask)
    assert (round(peak.row), round(peak.col)) == lag == tuple(int(v) for v in theirs)
    assert peak.ncc > 0.999
    assert peak.significance > 15
    assert peak.rival < 0.4


def test_sums_of_windows_add_up_to_the_correlation_of_all_their_pixels():
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((2, 16, 32))
    yes = np.ones((16, 16), bool)
    left = lag_sums(a[:, :16], yes, b[:, :16], yes, 2)
    right = lag_sums(a[:, 16:], yes, b[:, 16:], yes, 2)
    total = left + right
    parts = [(a[:, s] - a[:, s].mean(), b[:, s] - b[:, s].mean()) for s in (slice(0, 16), slice(16, 32))]
    cov = sum((p * q).sum() for p, q in parts)
    scale = np.sqrt(sum((p**2).sum() for p, _ in parts) * sum((q**2).sum() for _, q in parts))
    assert total.ncc()[2, 2] == pytest.approx(cov / scale, abs=1e-9)


def test_noise_has_no_significant_peak():
    heights = []
    for seed in range(20):
        a, b = np.random.default_rng(seed).standard_normal((2, 32, 32))
        yes = np.ones(a.shape, bool)
        sums = lag_sums(whiten(a, yes), yes, whiten(b, yes), yes, 10)
        heights.append(find_peak(sums.ncc(), sums.count, 10).significance)
    assert max(heights) < 6


def test_whitening_removes_gain_offset_and_slow_gradients():
    rng = np.random.default_rng(4)
    x = rng.standard_normal((40, 40))
    yes = np.ones(x.shape, bool)
    ramp = np.linspace(0, 3, 40)[:, None]
    plain, cast = whiten(x, yes), whiten(3.0 * x + 100 + ramp, yes)
    inner = (slice(8, -8), slice(8, -8))
    assert np.abs(plain - cast)[inner].max() < 0.1
    assert np.corrcoef(plain[inner].ravel(), cast[inner].ravel())[0, 1] > 0.999


def test_a_flat_image_has_no_contrast_and_correlates_with_nothing():
    flat, x = np.full((16, 16), 7.0), np.random.default_rng(5).standard_normal((16, 16))
    yes = np.ones(flat.shape, bool)
    assert np.abs(whiten(flat, yes)).max() < 0.1  # rounding errors are not contrast
    assert np.abs(whiten(x, yes)).max() > 1
    ncc = lag_sums(np.zeros_like(flat), yes, whiten(x, yes), yes, 4).ncc()
    assert np.abs(ncc).max() == 0
