"""The blur from the image alone: what its features ignore, the decision, and real texture as sensors see it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ursat.benchmark.degrade import add_noise, degrade
from ursat.fir import BOX_MTF, gaussian_sigma
from ursat.harmonise.noise import estimate_noise_windows
from ursat.harmonise.psf_blind import estimate_blur_blind
from ursat.harmonise.psf_features import COUNT, PIXELS, noise_share, psf_features
from ursat.harmonise.psf_posterior import BELIEFS, LOWEST_MTF, TRUTHS, load_posterior
from ursat.io.exchange import read_array

SAMPLE = Path(__file__).parents[2] / "sample_data" / "sentinel2.tif"
ONE = np.eye(len(TRUTHS))


@pytest.fixture(scope="module")
def ground():
    return read_array(SAMPLE).astype(np.float64)


def seen(ground, kind, mtf=BOX_MTF, *, step=4, noise=0.0, side=None):
    """A view of the ground as (windows, noise)."""
    h, w = (n // step for n in ground.shape[-2:])
    values = degrade(ground[:, : h * step, : w * step], (h, w), kind, sigma=gaussian_sigma(mtf))
    values = values[:, :side, :side]
    if noise:
        values = add_noise(values, np.random.default_rng(0), noise)
    windows = [(np.rint(values).astype(np.float32), np.ones(values.shape, dtype=bool))]
    return windows, estimate_noise_windows(windows, step=1.0)


def texture(side=40, bands=2):
    rng = np.random.default_rng(3)
    rough = rng.standard_normal((bands, side, side)).cumsum(axis=-1).cumsum(axis=-2)
    return rough - rough.mean()


def one_window(values):
    return [(values, np.ones(values.shape, dtype=bool))]


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x[:, ::-1],
        lambda x: x[:, :, ::-1],
        lambda x: x.transpose(0, 2, 1),
        lambda x: x + 1000.0,
        lambda x: -x,
    ],
)
def test_features_do_not_see_how_the_image_lies_nor_its_offset(change):
    x = texture()
    np.testing.assert_allclose(
        psf_features(one_window(change(x)), (0.1, 0.2)), psf_features(one_window(x), (0.1, 0.2)), atol=1e-6
    )


@given(st.floats(1e-4, 1e4))
def test_features_do_not_see_the_gain(gain):
    x = texture(24)
    np.testing.assert_allclose(
        psf_features(one_window(gain * x), (0.1 * gain, 0.2 * gain)),
        psf_features(one_window(x), (0.1, 0.2)),
        atol=1e-6,
    )


def test_features_see_blur():
    x = texture()
    soft = (x + np.roll(x, 1, -1) + np.roll(x, 1, -2) + np.roll(x, (1, 1), (-2, -1))) / 4
    assert np.abs(psf_features(one_window(soft), (0.1, 0.2)) - psf_features(one_window(x), (0.1, 0.2))).max() > 1


@pytest.mark.parametrize("side", [8, 9, 12, 31, 33, 70])
def test_features_have_one_length(side):
    found = psf_features(one_window(texture(side)), (0.0, 0.0))
    assert found.shape == (COUNT,)
    assert np.isfinite(found).all()


def test_what_shows_nothing_has_no_features():
    flat = np.full((1, 32, 32), 7.1, np.float32)
    assert psf_features(one_window(flat), (0.0,)) is None
    assert psf_features(one_window(texture(7)), (0.0, 0.0)) is None
    assert psf_features([(texture(32, 1), np.zeros((1, 32, 32), bool))], (0.0,)) is None


def test_features_look_at_valid_pixels_only():
    x, valid = texture(64), np.ones((2, 64, 64), bool)
    valid[:, :30, :20] = False
    spoiled = np.where(valid, x, 1e6)
    np.testing.assert_array_equal(
        psf_features([(spoiled, valid)], (0.1, 0.1)), psf_features([(np.where(valid, x, 0.0), valid)], (0.1, 0.1))
    )


def test_noise_share_of_white_noise_and_of_none():
    rng = np.random.default_rng(0)
    white = one_window(5 * rng.standard_normal((1, 64, 64)))
    assert noise_share(white, (5.0,)) == pytest.approx(1, abs=0.05)
    assert noise_share(white, (0.0,)) == 0
    assert noise_share(one_window(np.ones((1, 16, 16))), (1.0,)) == 1


def test_the_weights_fit_the_code():
    known = load_posterior()
    assert known.centre.shape == known.spread.shape == (COUNT,)
    assert known.layers[0][0].shape[0] == COUNT
    assert known.layers[-1][1].shape == known.prior.shape == (len(TRUTHS),)
    assert known.cost.shape == (len(known.shares), len(BELIEFS), len(TRUTHS))
    assert (np.diff(known.shares) > 0).all()
    assert known.weighting.shape == known.sides.shape
    assert (np.diff(known.sides) > 0).all()
    assert (known.weighting > 0).all()
    assert (known.cost >= 0).all()


@given(st.integers(0, 2**32 - 1), st.floats(0, 1e6))
def test_odds_are_odds_whatever_the_features(seed, size):
    odds = load_posterior().odds(size * np.random.default_rng(seed).standard_normal((3, COUNT)))
    np.testing.assert_allclose(odds.sum(axis=-1), 1)
    assert (odds >= 0).all()


@pytest.mark.parametrize("truth", range(len(TRUTHS)))
@pytest.mark.parametrize("share", [0.0, 0.02])
@pytest.mark.parametrize("side", [8.0, 256.0])
def test_certainty_is_acted_on(truth, share, side):
    found = load_posterior().decide(ONE[truth], share, side)
    assert found.kind == TRUTHS[truth].kind
    assert found.mtf == pytest.approx(TRUTHS[truth].mtf, rel=0.08)


def test_doubt_makes_cautious():
    known = load_posterior()
    soft, cubic = ONE[5], ONE[-1]
    for share in (0.0, 0.03):
        believed = known.decide(0.6 * soft + 0.4 * cubic, share, 256.0)
        assert believed.mtf > 0.33  # the odds' own middle, halfway in ln(MTF) and less
    assert 0.3 < known.decide(known.prior, 0.0, 256.0).mtf <= 0.6


def test_a_loss_to_the_plain_pixel_counts_more_the_fewer_pixels_there_are():
    known = load_posterior()
    odds = 0.6 * ONE[5] + 0.4 * ONE[-1]
    found = [known.decide(odds, 0.0, side).mtf for side in (8.0, 32.0, 58.0, 64.0, 500.0)]
    least_loss = BELIEFS[int(np.argmin(known.costs(0.0) @ odds))].mtf
    assert found[0] >= found[1] > found[3] == found[4] == least_loss
    assert found[1] >= found[2] >= found[3]


def test_the_fewer_pixels_the_nearer_to_the_prior():
    known = replace(load_posterior(), sides=np.array([8.0, 32.0]), weighting=np.array([0.0, 1.0]))
    features = np.repeat(known.centre[None] + 0.5 * known.spread, 4, axis=0)
    features[:, PIXELS] = 2 * np.log([6, 8, 16, 32])
    same = replace(known, spread=np.where(np.arange(COUNT) == PIXELS, np.inf, known.spread))  # but for the weight
    odds = same.odds(features)
    np.testing.assert_allclose(odds[:2], [known.prior] * 2)
    alone = np.exp(same.evidence(features[3]))
    np.testing.assert_allclose(odds[3], alone / alone.sum())
    between = np.sqrt(odds[0] * odds[3])
    np.testing.assert_allclose(odds[2], between / between.sum())


@given(st.floats(0, 1))
def test_costs_are_interpolated(share):
    known = load_posterior()
    found = known.costs(share)
    assert (found >= known.cost.min(axis=0) - 1e-9).all()
    assert (found <= known.cost.max(axis=0) + 1e-9).all()


@pytest.mark.parametrize(("mtf", "low", "high"), [(0.15, 0.12, 0.24), (0.25, 0.18, 0.4)])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_soft_sensors_are_found(ground, mtf, low, high, noise):
    found = estimate_blur_blind(*seen(ground, "sensor", mtf, noise=noise))
    assert low <= found.mtf <= high


@pytest.mark.parametrize("step", [3, 4, 6, 8])
def test_a_resampled_image_is_not_sharpened_like_a_sensor(ground, step):
    assert estimate_blur_blind(*seen(ground, "bicubic", step=step)).mtf >= 0.4


@pytest.mark.parametrize("side", [8, 12, 16])
def test_a_few_pixels_get_a_cautious_answer(ground, side):
    for top, left in ((0, 0), (200, 100), (100, 300), (300, 200)):
        part = ground[:, top : top + 128, left : left + 128]
        for kind, mtf in (("bicubic", BOX_MTF), ("sensor", 0.4)):
            assert 0.3 <= estimate_blur_blind(*seen(part, kind, mtf, step=8, side=side)).mtf <= BOX_MTF


def test_nothing_gets_the_answer_of_the_prior():
    known = load_posterior()
    expected = known.decide(known.prior, 1.0, 0.0)
    empty = (np.zeros((1, 4, 4), np.float32), np.zeros((1, 4, 4), bool))
    flat = (np.full((1, 32, 32), 7.0, np.float32), np.ones((1, 32, 32), bool))
    for window in (empty, flat):
        assert estimate_blur_blind([window], (0.0,)) == expected
    assert LOWEST_MTF <= expected.mtf <= BOX_MTF
