"""The examples, the labels and the costs that the blind blur estimate is made from."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ursat.benchmark.places import PlaceImage
from ursat.harmonise import psf_posterior
from ursat.harmonise.blur import CUBIC, Blur
from ursat.harmonise.psf_posterior import BELIEFS, TRUTHS, load_posterior
from ursat.training import psf_weights
from ursat.training.psf_cost import cost_table
from ursat.training.psf_weights import SHARES, draw_examples, draw_input, fit, save, soft_labels

SENSORS = tuple(Blur("sensor", m) for m in (0.15, 0.25, 0.4, 0.6))


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    rough = rng.standard_normal((2, 3, 96, 96)).cumsum(axis=-1).cumsum(axis=-2)
    bytes_ = np.clip(128 + 60 * rough / rough.std(), 0, 255).astype(np.uint8)
    return [PlaceImage(f"p{i}/t", f"p{i}", 1.0, pixels) for i, pixels in enumerate(bytes_)]


def test_the_right_belief_costs_nothing_and_the_farther_the_more():
    table = cost_table(SENSORS, SENSORS, [0.0])[0]
    np.testing.assert_allclose(np.diag(table), 0, atol=0.02)
    assert (np.diff(table[:, 0]) > 0).all()
    assert (np.diff(table[:, -1]) < 0).all()


def test_oversharpening_costs_more_than_leaving_soft():
    sharp, soft = cost_table((Blur("sensor", 0.25), CUBIC), (Blur("sensor", 0.25), CUBIC), [0.0])[0]
    assert sharp[1] > 2 * soft[0] > 1


def test_noise_makes_sharpness_matter_less():
    table = cost_table(SENSORS, SENSORS, [0.0, 0.1, 0.5])
    assert (np.diff(table[:, 0, 3]) < 0).all()
    assert (np.diff(table[:, 3, 0]) < 0).all()


def test_the_shipped_costs_are_these():
    assert load_posterior().shares == pytest.approx(SHARES)
    np.testing.assert_allclose(load_posterior().cost[:1], cost_table(BELIEFS, TRUTHS, SHARES[:1]), atol=1e-3)


def test_labels_keep_the_mtf():
    mtf = np.array([0.12, 0.2, 0.333, 0.6, math.nan])
    labels = soft_labels(mtf)
    np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-6)
    assert labels[-1, -1] == 1
    logs = labels[:-1, :-1] @ np.log([truth.mtf for truth in TRUTHS[:-1]])
    np.testing.assert_allclose(np.exp(logs), mtf[:-1], rtol=1e-5)


@pytest.mark.parametrize("mtf", [0.2, math.nan])
def test_inputs_lie_on_their_step(images, mtf):
    for seed in range(12):
        values, step = draw_input(images[0].pixels, mtf, np.random.default_rng(seed))
        assert min(values.shape[-2:]) >= 11
        assert 1 <= len(values) <= 3
        if step:
            np.testing.assert_array_equal(values % step, 0)


def test_the_same_seed_draws_and_fits_the_same_and_files_keep_it(images, tmp_path, monkeypatch):
    monkeypatch.setattr(psf_weights, "BATCH", 4)
    monkeypatch.setattr(psf_weights, "EPOCHS", 2)
    one, two = (draw_examples(images, 12, seed=1) for _ in range(2))
    np.testing.assert_array_equal(one.features, two.features)
    assert set(one.place) == {"p0", "p1"}
    first, second = fit(one, 0), fit(two, 0)
    np.testing.assert_array_equal(first.odds(one.features), second.odds(one.features))
    save(first, tmp_path / "w.npz")
    monkeypatch.setattr(psf_posterior, "files", lambda _: tmp_path)
    monkeypatch.setattr(psf_posterior, "WEIGHTS", "w.npz")
    loaded = psf_posterior.load_posterior.__wrapped__()
    np.testing.assert_allclose(loaded.odds(one.features), first.odds(one.features), atol=0.01)
