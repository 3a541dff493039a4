"""Sensor and reference models from pairs: radiometry undone, the wrong place told from the right one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_pairs import made_pair

from ursat.harmonise.degrade_ref import fill_nearest, prepare
from ursat.harmonise.fit import fit_pair, fit_single
from ursat.harmonise.psf import parse_psf

AUTO = parse_psf("auto")


def fit(pair, pairing=(0, 1), noise=5.0, **more):
    given = {
        "level": 2,
        "ratio": 4.0,
        "psf": AUTO,
        "reference_psf": AUTO,
        "sensor": "unknown",
        "reference_sensor": "unknown",
        "noise": (noise,) * len(pairing),
        "bandpass": ((1.0, 0.0),) * len(pairing),
    }
    return fit_pair([pair], pairing, **(given | more))


def degraded(pair, model, sensor):
    seen = prepare(pair).degraded(model.taps, sensor.taps)
    return np.tensordot(np.array(model.matrix), seen, axes=1) + np.array(model.offsets)[:, None, None]


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (0.8, 30.0), (1.25, -200.0), (1e-4, 0.0)])
def test_a_cast_is_undone(gain, offset):
    pair = made_pair(32, noise=5.0, gain=gain, offset=offset)
    found = fit(pair)
    assert found.reference is not None
    rest = pair.lr - degraded(pair, found.reference, found.sensor)
    assert rest[:, 3:-3, 3:-3].std() < 8
    assert abs(rest[:, 3:-3, 3:-3].mean()) < 2
    assert found.reference.matrix[0][0] * gain == pytest.approx(1, abs=0.05)
    assert found.reference.residual[0] == pytest.approx(5, rel=0.4)


@pytest.mark.parametrize("size", [12, 16, 32])
def test_right_and_wrong_places(size):
    kept = dropped = 0
    for seed in range(4):
        kept += fit(made_pair(size, seed=seed, noise=10.0), noise=10.0).reference is not None
        dropped += fit(made_pair(size, seed=seed, noise=10.0, wrong=True), noise=10.0).reference is None
    assert kept == 4
    assert dropped == 4


def test_a_dropped_reference_says_so_and_leaves_a_sensor():
    found = fit(made_pair(24, wrong=True, noise=5.0))
    assert found.reference is None
    assert "dropped" in found.notes[0]
    assert len(found.sensor.signal) == 2


def test_one_useless_band_loses_its_trust_alone():
    good, bad = made_pair(32, noise=5.0), made_pair(32, noise=5.0, wrong=True)
    mixed = replace(good, ref=np.stack([good.ref[0], bad.ref[1]]))
    found = fit(mixed)
    assert found.reference is not None
    assert found.reference.trust[0] == 1
    assert found.reference.trust[1] == 0
    assert any("band 2" in note for note in found.notes)


def test_clouds_in_the_reference_do_not_move_the_fit():
    pair = made_pair(48, noise=5.0)
    cloudy = pair.ref.copy()
    cloudy[:, 40:120, 30:110] += 3000
    found = fit(replace(pair, ref=cloudy))
    assert found.reference is not None
    assert found.reference.trust == (1.0, 1.0)
    assert found.reference.matrix[0][0] == pytest.approx(1, abs=0.05)
    assert found.reference.residual[0] < 15


def test_invalid_pixels_are_not_looked_at():
    pair = made_pair(48, noise=5.0)
    lr, ref = pair.lr.copy(), pair.ref.copy()
    lr_valid, ref_valid = pair.lr_valid.copy(), pair.ref_valid.copy()
    lr[:, 5:12, 5:20], lr_valid[:, 5:12, 5:20] = 0, False
    ref[:, 100:160, 40:90], ref_valid[:, 100:160, 40:90] = 0, False
    holed = fit(replace(pair, lr=lr, ref=ref, lr_valid=lr_valid, ref_valid=ref_valid))
    whole = fit(pair)
    assert holed.reference.matrix[0][0] == pytest.approx(whole.reference.matrix[0][0], abs=0.02)
    assert holed.sensor.mtf == pytest.approx(whole.sensor.mtf, rel=0.15)


def test_an_unpaired_band_is_a_mixture():
    pair = made_pair(40, noise=3.0, bands=2)
    mixed = replace(pair, lr=np.stack([pair.lr[0], 0.3 * pair.lr[0] + 0.7 * pair.lr[1]]))
    found = fit(mixed, pairing=(0, None), noise=3.0)
    np.testing.assert_allclose(found.reference.matrix[1], (0.3, 0.7), atol=0.05)
    assert found.reference.trust[1] == 1


def test_the_order_of_psf_rules():
    pair = made_pair(24, noise=5.0)
    assert fit(pair, psf=parse_psf("mtf=0.3")).reference.mtf == 0.3
    asked = fit(pair, psf=parse_psf("mtf=0.3"), reference_psf=parse_psf("mtf=0.4"))
    assert (asked.sensor.mtf, asked.reference.mtf) == (0.3, 0.4)
    assert fit(pair, reference_sensor="sentinel-2a").reference.mtf == 0.26
    alike = fit(pair)
    assert alike.reference.mtf == alike.sensor.mtf
    assert fit(pair, psf=parse_psf("box")).sensor.taps == (0.5, 0.5)


def test_bandpass_is_absorbed():
    pair = made_pair(24, noise=5.0)
    plain, passed = fit(pair), fit(pair, bandpass=((0.9, 20.0), (1.1, -5.0)))
    np.testing.assert_allclose(passed.reference.matrix, plain.reference.matrix, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(passed.reference.offsets, plain.reference.offsets, atol=0.5)


def test_single_rules():
    pair = made_pair(32, noise=5.0)
    windows = [(pair.lr, pair.lr_valid)]
    noise = (5.0, 5.0)
    assert fit_single(windows, psf=parse_psf("box"), sensor="landsat-8", noise=noise).name == "box"
    assert fit_single(windows, psf=AUTO, sensor="landsat-8", noise=noise).mtf == 0.31
    blind = fit_single(windows, psf=AUTO, sensor="unknown", noise=noise)
    assert 0.12 <= blind.mtf <= 0.64
    assert blind.name.startswith("estimated from the spectrum (")
    assert blind.noise == noise


def test_signal_follows_the_texture():
    pair = made_pair(64, 0.25)
    windows = [(pair.lr, pair.lr_valid)]
    one = fit_single(windows, psf=parse_psf("mtf=0.25"), sensor="unknown", noise=(1.0, 1.0)).signal
    tenfold = fit_single(
        [(pair.lr * 10, pair.lr_valid)], psf=parse_psf("mtf=0.25"), sensor="unknown", noise=(10.0, 10.0)
    ).signal
    np.testing.assert_allclose(tenfold, np.array(one) * 10, rtol=1e-4)
    flat = [(np.full((2, 16, 16), 9.0, np.float32), np.ones((2, 16, 16), bool))]
    assert all(s > 0 for s in fit_single(flat, psf=AUTO, sensor="unknown", noise=(1.0, 1.0)).signal)


def test_the_fit_is_the_same_twice():
    pair = made_pair(20, noise=5.0)
    assert fit(pair) == fit(pair)


def test_levels_below_one_are_refused():
    with pytest.raises(ValueError, match="level 0"):
        fit(made_pair(16), level=0)


def test_filling_takes_the_nearest():
    values = np.zeros((1, 3, 5), np.float32)
    values[0, :, 0], values[0, :, 4] = 2, 8
    valid = np.zeros((1, 3, 5), bool)
    valid[0, :, 0] = valid[0, :, 4] = True
    filled = fill_nearest(values, valid)
    assert filled[0, 1, 1] == 2
    assert filled[0, 1, 3] == 8
    assert fill_nearest(values, np.zeros_like(valid)).max() == 0
