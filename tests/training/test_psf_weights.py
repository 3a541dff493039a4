"""The labels, the fit, its calibration and the costs that the blind blur estimate is made from."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ursat.harmonise import psf_posterior
from ursat.harmonise.blur import CUBIC, Blur
from ursat.harmonise.psf_features import COUNT, PIXELS
from ursat.harmonise.psf_posterior import BELIEFS, TRUTHS, PsfPosterior, load_posterior
from ursat.training import psf_weights
from ursat.training.psf_cost import cost_table
from ursat.training.psf_examples import Examples
from ursat.training.psf_weights import SHARES, SIDES, calibrate, fit, save, soft_labels

SENSORS = tuple(Blur("sensor", m) for m in (0.15, 0.25, 0.4, 0.6))


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


def test_the_network_is_believed_as_far_as_unseen_places_bear_it_out(monkeypatch):
    rng = np.random.default_rng(0)
    count = len(TRUTHS)
    prior = np.full(count, 1 / count)
    right = rng.standard_normal((6000, count))
    odds = np.exp(right) / np.exp(right).sum(axis=1, keepdims=True)
    drawn = (odds.cumsum(axis=1) > rng.random((len(odds), 1))).argmax(axis=1)
    side = rng.choice([8.0, 100.0], len(odds))
    features = np.zeros((len(odds), COUNT))
    features[:, :count] = np.where(side[:, None] < 64, 2 * right, right)  # twice too sure of small images
    features[:, PIXELS] = 2 * np.log(side)
    grid = np.array([truth.mtf for truth in TRUTHS[:-1]] + [math.nan])
    examples = Examples(features, grid[drawn], np.zeros(len(odds)), side, rng.choice(["a", "b", "c", "d"], len(odds)))
    plain = PsfPosterior(
        np.zeros(COUNT), np.full(COUNT, 2.0), ((2.0 * np.eye(COUNT)[:, :count], np.zeros(count)),),
        prior, np.array(SIDES), np.ones(len(SIDES)), np.array(SHARES), np.zeros((1, 1, 1)),
    )  # fmt: skip
    monkeypatch.setattr(psf_weights, "fit", lambda *_: plain)
    temperature, found = calibrate(examples.take(side > 64), examples.take(side < 64))
    assert temperature == pytest.approx(1, abs=0.1)
    assert found[0] == pytest.approx(0.5, abs=0.08)
    assert found[-1] == 1


def test_the_same_examples_fit_the_same_and_files_keep_it(tmp_path, monkeypatch):
    monkeypatch.setattr(psf_weights, "BATCH", 4)
    monkeypatch.setattr(psf_weights, "EPOCHS", 2)
    rng = np.random.default_rng(1)
    mtf = np.array([truth.mtf for truth in TRUTHS[:-1]] + [math.nan])
    n = len(mtf)
    examples = Examples(rng.standard_normal((n, COUNT)), mtf, np.zeros(n), np.full(n, 9.0), np.full(n, "a"))
    first, second = fit(examples, 0), fit(examples, 0)
    np.testing.assert_array_equal(first.odds(examples.features), second.odds(examples.features))
    assert np.isfinite(first.odds(examples.features)).all()
    kept = replace(first, weighting=np.array([0.25, 0.5, 0.75, 1.0]))
    save(kept, tmp_path / "w.npz")
    monkeypatch.setattr(psf_posterior, "files", lambda _: tmp_path)
    monkeypatch.setattr(psf_posterior, "WEIGHTS", "w.npz")
    loaded = psf_posterior.load_posterior.__wrapped__()
    np.testing.assert_allclose(loaded.odds(examples.features), kept.odds(examples.features), atol=0.01)
    np.testing.assert_array_equal(loaded.weighting, kept.weighting)
