"""Training on another device than the CPU: nothing is left behind, and a run can go on where another device stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from made_tiles import TINY, exact_scene, options

from paper_network import CONFIG
from pretend_device import DEVICE, pretended
from ursat.models.core.weights import read_info
from ursat.models.paper.weights import read_paper
from ursat.training.learner import Learner
from ursat.training.recipes import recipe_of

SCENES = [exact_scene(2)]
# `pretend_device` borrows the name of torch's meta device, whose tensors could not be copied to
pytestmark = pytest.mark.filterwarnings("ignore:.*copying from a non-meta parameter:UserWarning")


@pytest.fixture(scope="module", params=[TINY, CONFIG], ids=["core", "paper"])
def asked(request):
    here = Path()
    side = 64 if request.param is CONFIG else 32
    return replace(options((here, here), here, steps=9), preset=request.param, side=side)


def learner_on(device, asked):
    return Learner(recipe_of(asked, SCENES, device), device)


def steps(learner, first, last):
    """Loss and gradient's norm of every step."""
    found = []
    for step in range(first, last):
        drawn = learner.recipe.draw(step, 0.9, 0)
        loss = learner.recipe.loss(learner.net, drawn, learner.device, 0.9)
        found.append((float(loss.total.detach()), learner.update(loss.total * loss.weight, 1e-3)))
    return found


def test_steps_gains_and_weights(asked, tmp_path):
    cpu = learner_on(torch.device("cpu"), asked)
    expected = steps(cpu, 0, 2)
    expected_gains = cpu.recipe.validation(SCENES, cpu.device).gains(cpu.net)
    with pretended():
        there = learner_on(DEVICE, asked)
        assert steps(there, 0, 2) == [pytest.approx(pair, rel=1e-4) for pair in expected]
        gains = there.recipe.validation(SCENES, DEVICE).gains(there.net)
        there.recipe.save(tmp_path / "w.safetensors", there.ema.values, {"steps": 2})
    assert gains == pytest.approx(expected_gains, abs=1e-2)
    read = read_paper if asked.preset is CONFIG else read_info
    assert read(tmp_path / "w.safetensors").steps == 2


def test_a_run_goes_on_elsewhere(asked):
    cpu = learner_on(torch.device("cpu"), asked)
    steps(cpu, 0, 2)
    saved = cpu.checkpoint()
    with pretended():
        there = learner_on(DEVICE, asked)
        there.go_on(saved)
        found = steps(there, 2, 3)
    assert there.step == 3
    assert found == [pytest.approx(pair, rel=1e-4) for pair in steps(cpu, 2, 3)]
