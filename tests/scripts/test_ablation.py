"""What each ablation changes, and that it changes nothing else."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tiny_network import save_tiny

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import ablation
import ablation_inference as inference
import ablation_training as training

from ursat.benchmark.observation import make_observation
from ursat.benchmark.places import PlaceImage
from ursat.models.core.config import BANDS, STATE, CoreConfig
from ursat.models.core.context import Context
from ursat.models.core.denoiser import INPUTS, OUTPUTS
from ursat.models.core.flow import sample
from ursat.models.stage import LevelInputs
from ursat.models.wavelet import replicate
from ursat.training.batches import LevelBatch
from ursat.training.checkpoint import new_network
from ursat.training.objective import see
from ursat.training.plan import TrainPlan, plan_step

BLUR = (0.03, 0.12, 0.35, 0.35, 0.12, 0.03)


@pytest.fixture
def image():
    rng = np.random.default_rng(0)
    steps = np.cumsum(np.cumsum(rng.normal(size=(3, 64, 72)), axis=1), axis=2)
    pixels = 120 + 30 * (steps - steps.mean((1, 2), keepdims=True)) / steps.std((1, 2), keepdims=True)
    return PlaceImage("made/0", "made", 0.5, np.clip(pixels, 0, 255).astype(np.uint8))


def test_numbers_and_ranges_of_the_command_line():
    assert ablation.numbers("4,8") == (4, 8)
    assert ablation.ranges("0:3,7:9") == (0, 1, 2, 7, 8)


def test_only_some_bands_of_a_sample_move():
    noise = torch.randn(1, STATE, 6, 6, generator=torch.Generator().manual_seed(0))

    def velocity(u, t):
        return u * t

    whole, part = sample(noise, 2, velocity), inference.only((0, 2))(noise, 2, velocity)
    for band in range(4):
        rows = slice(band * BANDS, (band + 1) * BANDS)
        assert torch.equal(part[:, rows], whole[:, rows] if band in {0, 2} else torch.zeros_like(whole[:, rows]))


@pytest.mark.parametrize(("taps", "left"), [((0.5, 0.5), (0.0, 1e-5)), (BLUR, (0.05, 0.9))])
def test_interpolating_closes_a_box_and_leaves_a_part_behind_a_blur(image, taps, left):
    observation = make_observation(image, 4, "bicubic", "noref")
    with inference.planned(observation, 0) as case:
        sensor = replace(case.settings.sensor, taps=taps)
        stage = inference.Interpolating(replace(case.settings, closure="off", sensor=sensor))
    y = torch.from_numpy(observation.lr.astype(np.float32))
    inputs = LevelInputs(1, y, None, None, None, (0, 0), 1.0)
    off = np.random.default_rng(1).normal(0, 200, y.shape).astype(np.float32)
    start = stage.start(inputs) + replicate(torch.from_numpy(off))  # an estimate that needs correcting everywhere
    before, after = (
        float((y - inference.observe(stage.operator, x, torch.ones_like(y))).square().mean().sqrt())
        for x in (start, stage.close(start, inputs))
    )
    assert left[0] <= after / before <= left[1]
    assert stage.close_halo(1) >= stage.operator.reach + 2


def test_the_residual_counts_noise_that_was_not_reproduced(image):
    observation = make_observation(image, 4, "sensor", "noref")
    with inference.planned(observation, 0) as case:
        flat = np.zeros(observation.gt.shape, np.float32)
        expected = np.mean(
            np.sqrt((observation.lr.astype(float) ** 2).mean((1, 2))) / np.maximum(case.settings.sensor.noise, 1)
        )
        assert case.residual(flat) == pytest.approx(expected)


def asked(path, **more):
    shape = {"scales": (4,), "tracks": ("noref",), "degradation": "sensor", "limit": 1, "crop": 64, "seed": 1}
    return Namespace(data=path, weights=save_tiny(path / "w.safetensors"), **(shape | {"steps": 1} | more))


def cells(table):
    return {
        line.split(" | ")[1]: [float(v) for v in line.strip("| ").split(" | ")[2:]] for line in table.split("\n")[2:]
    }


def test_diffuse_moves_what_it_names(image, tmp_path, monkeypatch):
    monkeypatch.setattr(inference, "load_places", lambda _data, limit: (image,) * limit)
    rows = cells(inference.diffuse_table(asked(tmp_path, closure="off")))
    assert list(rows) == ["none (mean)", *inference.DIFFUSED]
    assert rows["none (mean)"][0] == 0
    assert rows["none (mean)"][2] == 1
    assert len({tuple(row) for row in rows.values()}) == 4


def test_projection_leaves_least_where_it_is_exact(image, tmp_path, monkeypatch):
    monkeypatch.setattr(inference, "load_places", lambda _data, limit: (image,) * limit)
    rows = cells(inference.projection_table(asked(tmp_path)))
    for residual in (1, 3):
        left = {name: row[residual] for name, row in rows.items()}
        assert left["exact"] < left["ILVR"] < left["off"]
        assert left["auto"] < left["off"]


def level_batch():
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(1000, 50, (1, 3, 16, 16)).astype(np.float32))
    context = Context(1, 5.0, (0.5, 0.5), 0.1, None, 0.0)
    blank = torch.zeros(1, 3, 32, 32)
    return LevelBatch(1, 16, x, replicate(x) + 1, blank, blank[..., ::2, ::2], torch.ones(1, 3), [context], 0), x


def test_replication_replaces_the_start_alone():
    level, x = level_batch()
    seen, usual = training.see_replicated(level, x), see(level, x)
    assert torch.equal(seen.start, replicate(x))
    assert not torch.equal(usual.start, seen.start)
    assert torch.equal(usual.unknown, seen.unknown)
    assert torch.equal(usual.context, seen.context)


def test_without_dropout_every_step_is_guided_and_otherwise_the_same():
    plan = TrainPlan(steps=100)
    for seed in range(30):
        usual, guided = (step(plan, np.random.default_rng(seed), 4, 0.5) for step in (plan_step, training.plan_guided))
        assert guided.guided
        assert not guided.taught
        assert replace(guided, guided=usual.guided, taught=usual.taught) == usual


def test_flops_of_a_network_counted_by_hand():
    net = new_network(CoreConfig("one", (4,), (1,), 8))
    by_hand = 2 * 9 * (INPUTS * 4 + 2 * 4 * 4 + 4 * STATE)  # stem, a block's two convolutions, the mean's head
    assert training.flops_per_cell(net) == pytest.approx(by_hand, rel=0.01)
    assert by_hand < 2 * 9 * (INPUTS * 4 + 2 * 4 * 4 + 4 * OUTPUTS)
