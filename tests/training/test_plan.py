"""The schedule, the share of each level, the average of the weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from ursat.models.core.flow import SHARED
from ursat.training.ema import Ema
from ursat.training.plan import TrainPlan, draw_noise, learning_rate, plan_step

PLAN = TrainPlan(steps=1000, batch=4, lr=2e-3, warmup=10)


def test_the_learning_rate_warms_up_and_falls_to_two_percent():
    assert learning_rate(PLAN, 0.0, 0) == pytest.approx(2e-4)
    assert learning_rate(PLAN, 0.0, 9) == pytest.approx(2e-3)
    assert learning_rate(PLAN, 0.5, 500) == pytest.approx(2e-3 * 0.51)
    assert learning_rate(PLAN, 1.0, 1000) == pytest.approx(4e-5)
    later = [learning_rate(PLAN, step / 1000, step) for step in range(10, 1001)]
    assert later == sorted(later, reverse=True)


def drawn(deepest, done):
    return [plan_step(PLAN, np.random.default_rng([0, step]), deepest, done) for step in range(1500)]


def test_no_step_goes_deeper_than_the_scenes():
    assert {step.last for step in drawn(2, 1.0)} == {1, 2}
    assert {step.last for step in drawn(4, 1.0)} == {1, 2, 3, 4}


def test_the_mean_without_a_reference_comes_first():
    early = drawn(4, 0.29)
    assert all(step.means and step.taught and not step.guided and step.weight == 1 for step in early)
    assert {step.t for step in early} == {None}
    assert {step.last for step in early} == {1, 2}


def test_then_references_deep_levels_and_the_flow_as_well():
    late = drawn(4, 0.31)
    alone = [step for step in late if step.taught]
    others = [step for step in late if not step.taught]
    flow = [step for step in others if not step.means]
    deep = [step for step in others if step.means and step.last > 2]
    guided = [step for step in others if step.means and step.last <= 2]
    shares = [len(part) / len(late) for part in (alone, guided, deep, flow)]
    assert np.allclose(shares, (0.2, 0.48, 0.096, 0.224), atol=0.05)
    assert {step.weight for step in flow} == {0.5}
    assert {step.weight for step in late if step.means} == {1.0}
    assert all(step.guided and step.first == 1 for step in guided)
    assert {step.guided for step in deep} == {step.guided for step in flow} == {True, False}
    assert {(step.first, step.last) for step in deep} == {(1, 3), (2, 3), (1, 4), (2, 4)}
    assert all(step.first == step.last and 0 < min(step.t) <= max(step.t) < 1 for step in flow)
    assert {step.t for step in late if step.means} == {None}


def test_the_flow_s_noise_is_that_of_samples():
    noise = draw_noise(8, 96, np.random.default_rng(0))
    assert noise.shape == (8, 12, 96, 96)
    bands = noise.unflatten(1, (4, 3))
    assert torch.allclose(noise.std((0, 2, 3)), torch.ones(12), atol=0.02)
    assert float((bands[:, 2, 0] * bands[:, 2, 1]).mean()) == pytest.approx(SHARED, abs=0.02)
    assert float((bands[:, 0, 0] * bands[:, 1, 0]).mean()) == pytest.approx(0, abs=0.02)


def test_a_plan_without_references_has_no_guided_step():
    plan = TrainPlan(steps=10, reference_share=0.0)
    assert not any(plan_step(plan, np.random.default_rng(k), 4, 0.9).guided for k in range(200))


def test_chains_begin_at_the_observation_unless_told_otherwise():
    assert {step.first for step in drawn(4, 0.1) if step.last == 2} == {1}
    alone = TrainPlan(steps=10, self_forcing=False)
    assert all((s := plan_step(alone, np.random.default_rng(k), 4, 0.1)).first == s.last for k in range(50))


def test_ema_by_hand():
    net = nn.Linear(1, 1, bias=False)
    values = [1.0, 2.0, 4.0]
    net.weight.data.fill_(0.0)
    ema, expected = Ema(net, 0.25), 0.0
    for count, value in enumerate(values, start=1):
        net.weight.data.fill_(value)
        ema.update(net)
        decay = min(0.25, (1 + count) / (10 + count))
        expected = decay * expected + (1 - decay) * value
    assert float(ema.values["weight"]) == pytest.approx(expected)
    assert not torch.equal(ema.values["weight"], net.weight)
