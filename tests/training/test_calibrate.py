"""The gain of samples, where it is known."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from made_tiles import TINY
from torch import nn

from tiny_network import save_tiny, tiny_net
from ursat.benchmark.baselines import box_mean
from ursat.benchmark.metrics import gradient
from ursat.errors import InputError
from ursat.models.core.config import STATE
from ursat.models.core.context import Context, detail_scale
from ursat.models.core.denoiser import INPUTS, OUTPUTS, Denoiser
from ursat.models.core.state import activity
from ursat.training.calibrate import GAINS, Sharpness, average_gradient, calibrate, main, sharpness
from ursat.training.pack import load_pack
from ursat.training.scenes import TrainingScene, View

SIGNAL = 500.0
_FLOOR = Context(1, 5.0, (0.25,) * 4, 0.1, None, 0.0).noise_floor  # of the white scenes


class Exact(nn.Module):
    """Perfect for states that are N(0, s**2), whatever else is seen: such a residual has no velocity."""

    def __init__(self, s):
        super().__init__()
        self.s = s

    def forward(self, features, context, t):
        answer = features.new_zeros((len(features), OUTPUTS, *features.shape[-2:]))
        answer[:, STATE : 2 * STATE] = torch.log(self.s / activity(features[:, : INPUTS - STATE], _FLOOR))
        return answer


def white_scene(s):
    """One level whose v, h, d are N(0, s**2) and da is 0: white noise on flat ground less the means of its blocks.

    A Haar band is the mean of four pixels.
    """
    noise = np.random.default_rng(0).standard_normal((3, 256, 256)) * 2 * s * detail_scale(SIGNAL, 1)
    noise -= box_mean(noise, 2).repeat(2, axis=-2).repeat(2, axis=-1)
    flat = np.full((3, 256, 256), 8000, np.int16)
    view = View(flat, (0.25,) * 4, (SIGNAL,) * 3, 0.1)
    truth = np.asarray(np.rint(flat + noise), np.int16)
    return TrainingScene("white", truth, flat[:, :128, :128], 5.0, 1, (view,))


@pytest.fixture(scope="module")
def scenes(made):
    return load_pack(made[1], 6)


@pytest.mark.parametrize("steps", [1, 3])
def test_a_gaussian_state_of_unit_variance_needs_no_gain(steps):
    (gain,) = calibrate(Exact(0.4), [white_scene(0.4)], 0, steps, patches=16)
    assert gain == pytest.approx(1, rel=0.02)  # of one draw


def test_what_the_network_believes_of_the_variance_is_corrected():
    believed, true, steps = 0.4, 0.2, 2
    (gain,) = calibrate(Exact(believed), [white_scene(true)], 0, steps, patches=16)
    assert gain == pytest.approx(true / believed, rel=0.02)  # of one draw


def test_a_network_that_doubts_half_as_much_gets_twice_the_gain(scenes):
    net = Denoiser(TINY).eval()
    net.spread.film.bias.data[-STATE:] = math.log(1.5)
    gains = calibrate(net, scenes, 0, 2, patches=4)
    net.spread.film.bias.data[-STATE:] = -math.log(1.5)
    # between the gains that are tried, the gradient is taken for straight
    assert calibrate(net, scenes, 0, 2, patches=4) == pytest.approx([2.25 * gain for gain in gains], rel=0.03)


def test_levels_and_tracks(scenes):
    found = sharpness(tiny_net(), scenes, 0, 1, patches=4)
    assert list(found[0]) == ["noref", "ref"]
    for tracks in found:
        for each in tracks.values():
            assert each.ratio.shape == (4, len(GAINS))
            usable = each.ratio[np.isfinite(each.ratio[:, 0])]
            assert len(usable) >= 1
            assert bool((usable[:, -1] > usable[:, 0]).all())


def test_the_gain_is_that_of_the_median_patch():
    gains = np.array(GAINS)
    lines = np.stack([0.5 + gains * slope for slope in (0.01, 0.2, 0.25, 0.3, 9)])
    assert Sharpness(lines).gain() == pytest.approx(2)
    assert Sharpness(np.stack([1 + gains, *lines[:2] * np.nan])).gain() == 0  # flat truth says nothing
    assert Sharpness(lines[:1]).gain() == GAINS[-1]
    assert Sharpness(lines * np.nan).gain() == 1


def test_the_average_gradient_is_the_benchmarks_own():
    images = np.random.default_rng(3).integers(0, 10000, (2, 3, 80, 96))
    found = average_gradient(torch.from_numpy(images))
    inner = images[..., 32:-32, 32:-32].astype(np.uint16)
    assert found * (1 / 40) == pytest.approx([gradient.average_gradient(image) for image in inner])


def test_no_scenes():
    with pytest.raises(InputError, match="no scenes"):
        calibrate(tiny_net(), [], 0, 1)


def test_the_command_prints_json_and_repeats_itself(made, tmp_path, capsys):
    asked = [str(save_tiny(tmp_path / "w.safetensors")), "--pack", str(made[1]), "--patches", "2", "--steps", "1"]
    torch.manual_seed(1)
    assert main(asked) == 0
    first = capsys.readouterr().out
    torch.manual_seed(2)
    assert main(asked) == 0
    assert capsys.readouterr().out == first
    answer = json.loads(first)
    assert len(answer["calibration"]) == 3
    assert all(0 <= gain <= GAINS[-1] for gain in answer["calibration"])
    assert {"L1 noref", "L1 ref"} < set(answer["detail"])
