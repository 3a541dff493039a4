"""The strength of samples, found by running the tool on images whose truth is known."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from tiny_network import CONFIG, META
from ursat.benchmark.places import PlaceImage
from ursat.errors import InputError
from ursat.models.core.config import STATE
from ursat.models.core.denoiser import Denoiser
from ursat.models.core.weights import save_weights
from ursat.models.gains import Calibration
from ursat.training import calibrate as module
from ursat.training.calibrate import LEAST, MOST, TRIED, UNTOLD, Sampled, calibrate, kinds, main, reference_ratio


def image(seed, side=64):
    """Texture on every scale, (3, side, side) uint8."""
    rng = np.random.default_rng(seed)
    ground = sum(
        np.kron(rng.standard_normal((3, side // n, side // n)), np.ones((n, n))) * n**0.7 for n in (1, 2, 4, 8)
    )
    return PlaceImage(f"made/{seed}", f"place {seed}", 1.0, np.clip(120 + 12 * ground, 0, 255).astype(np.uint8))


def weights(path, told=1.0, **meta):
    """The classical answer as the mean, and a departure of ``told`` times the activity around."""
    net = Denoiser(CONFIG).eval()
    net.spread.film.bias.data[-STATE:] = math.log(told)
    save_weights(path, net.state_dict(), {**META, **meta})
    return path


@pytest.mark.parametrize("true", [0.9, 1.2])
def test_the_gain_whose_gradient_is_the_truths(true):
    mean, slope = 0.5, math.sqrt(1 - 0.25) / true
    rows = [[math.hypot(mean, slope * gain) for gain in TRIED]]
    assert Sampled(np.array(rows * 12)).gain() == pytest.approx(true)


def test_extremes_and_flat_images_do_not_decide():
    row = [0.9, 1.2]
    usual = Sampled(np.array([row] * 18)).gain()
    assert Sampled(np.array([*[row] * 18, [9.0, 30.0], [0.01, 0.02]])).gain() == pytest.approx(usual)
    assert Sampled(np.array([*[row] * 18, [np.nan, np.nan]])).gain() == pytest.approx(usual)
    assert Sampled(np.full((3, 2), np.nan)).gain() == 1
    assert Sampled(np.full((3, 2), 0.7)).gain() == 1  # nothing departs


def test_no_gain_beyond_what_is_believed():
    assert Sampled(np.array([[1.5, 2.0]] * 3)).gain() == LEAST
    assert Sampled(np.array([[0.3, 0.35]] * 3)).gain() == MOST


@pytest.mark.parametrize("level", range(1, 7))
def test_references_end_where_they_should(level):
    for kind in kinds(level)[1:]:
        ratio = reference_ratio(level, kind)
        assert 1 <= ratio <= 2**level
        ends = math.ceil(math.log2(ratio))
        assert ends == level if kind == "reached" else ends < level
    assert reference_ratio(level, "none") is None


def test_samples_are_as_sharp_as_the_truth_with_the_gain_found(tmp_path):
    images, path = [image(n) for n in range(4)], weights(tmp_path / "w.safetensors", 0.5)
    found = calibrate(path, images, levels=1, steps=1)
    assert [mtf for mtf, _ in found.points] == [0.25, 0.5]
    gains = found.points[0][1]
    assert gains.none[1:] == gains.reached[1:] == (UNTOLD,)
    assert gains.past == gains.reached
    assert LEAST < gains.none[0] < MOST
    again = weights(tmp_path / "again.safetensors", 0.5, calibration=found.to_json())
    (ratios,) = module.measure([again], images[::2], 1, "sensor", "none", 0, 1).ratio.T
    assert np.mean(ratios) == pytest.approx(1, abs=0.05)  # between the gains tried, and at MTF as it was guessed
    stronger = calibrate(weights(tmp_path / "s.safetensors", 0.6), images, levels=1, steps=1)
    assert stronger.points[0][1].none[0] == pytest.approx(gains.none[0] / 1.2, rel=0.05)


def test_levels_without_images_are_left_out(tmp_path):
    path = weights(tmp_path / "w.safetensors")
    found = calibrate(path, [image(0, 48)], levels=6, steps=1)
    assert len(found.points[0][1].none) == 2 + 1  # 48 px hold 12 input pixels at x4


def test_no_images(tmp_path):
    with pytest.raises(InputError, match="no images"):
        calibrate(weights(tmp_path / "w.safetensors"), [], steps=1)


def test_the_command_prints_what_a_header_takes(tmp_path, capsys, monkeypatch):
    asked = {}

    def load(data, *, limit, split):
        asked.update(data=data, limit=limit, split=split)
        return (image(1), image(2))

    monkeypatch.setattr(module, "load_places", load)
    path = weights(tmp_path / "w.safetensors")
    assert main([str(path), "--data", str(tmp_path), "--images", "2", "--levels", "1", "--steps", "1"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert asked == {"data": tmp_path, "limit": 2, "split": "train"}  # never ground that decides what ships
    assert answer["images"] == 2
    assert len(Calibration.parse(answer["calibration"]).points[1][1].none) == 2
