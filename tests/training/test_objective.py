"""What the loss says of networks whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from made_tiles import TINY, options
from torch import nn

from ursat.models.core.config import STATE
from ursat.models.core.denoiser import MEAN, OUTPUTS, Denoiser
from ursat.models.core.state import from_state
from ursat.training.batches import draw_batch
from ursat.training.objective import Flow, chain, loss, see
from ursat.training.pack import load_pack
from ursat.training.validate import Validation


class Constant(nn.Module):
    """Answers every cell with one number."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, features, context, t):
        answer = features.new_zeros((len(features), OUTPUTS, *features.shape[-2:]))
        return torch.cat([self.value + answer[:, MEAN], answer[:, STATE:]], 1)


class Spread(nn.Module):
    """Knows the classical start to be right on average, and says by how much of the activity it is off; no flow."""

    def __init__(self, log_spread: float) -> None:
        super().__init__()
        self.log_spread = log_spread

    def forward(self, features, context, t):
        answer = features.new_zeros((len(features), OUTPUTS, *features.shape[-2:]))
        answer[:, STATE : 2 * STATE] = self.log_spread
        return answer


@pytest.fixture(scope="module")
def scenes(made):
    return load_pack(made[1], 6)


def drawn(scenes, last, means=True):
    batch = draw_batch(
        scenes, np.random.default_rng(0), size=4, side=32, first=1 if means else last, last=last, means=means
    )
    noise = torch.from_numpy(np.random.default_rng(1).standard_normal((4, STATE, 32, 32), dtype=np.float32))
    return batch, Flow(torch.tensor([0.1, 0.2, 0.5, 0.9]), noise)


@pytest.mark.parametrize("last", [1, 2])
@pytest.mark.parametrize("means", [True, False])
def test_a_network_that_corrects_nothing_has_the_error_of_the_start(scenes, last, means):
    batch, flow = drawn(scenes, last, means=means)
    found = loss(Denoiser(TINY), batch, None if means else flow)
    assert torch.allclose(found.mean, torch.ones(4), atol=1e-6)
    assert bool(found.total.isfinite())
    assert (found.flow is None) is means


def test_a_spread_of_the_right_size_is_the_likeliest_and_makes_the_flow_a_unit_circle(scenes):
    batch, flow = drawn(scenes, 1, means=False)
    seen = see(batch.levels[-1], batch.levels[-1].x)
    white = torch.from_numpy(np.random.default_rng(2).standard_normal(flow.noise.shape, dtype=np.float32))
    batch.truth = from_state(0.5 * seen.activity * white, seen.start, seen.unknown, mean_known=False)

    def found(factor, asked=flow):
        return loss(Spread(math.log(0.5 * factor)), batch, asked)

    likely = [float(found(factor, None).total) for factor in (0.8, 1, 1.25)]
    assert likely[1] == min(likely)
    assert likely[1] < min(likely[0], likely[2]) - 0.001
    # Nothing learned: the velocity's own mean square, 1 for a residual of unit variance, which every patch is given
    for factor in (0.5, 1, 2):
        assert float(found(factor).flow) == pytest.approx(1, abs=0.03)


def test_the_mean_is_not_told_of_the_spread(scenes):
    batch, flow = drawn(scenes, 1, means=False)
    gradients = []
    for asked in (None, flow):
        net = Constant(0.1)
        loss(net, batch, asked)[0].backward()
        gradients.append(float(net.value.grad))
    assert gradients[0] == pytest.approx(gradients[1])


def test_every_weight_learns(scenes):
    net = Denoiser(TINY)
    with torch.no_grad():
        net.head.weight.normal_(0, 0.1)
        net.spread.second.weight.normal_(0, 0.1)
        for block in [*net.down_blocks[0], *net.up_blocks[0]]:
            block.film.weight.normal_(0, 0.1)
    batch, flow = drawn(scenes, 2, means=False)
    loss(net, batch, flow)[0].backward()
    assert [name for name, p in net.named_parameters() if p.grad is None or not bool(p.grad.isfinite().all())] == []
    assert [name for name, p in net.named_parameters() if not bool(p.grad.any())] == []


def test_the_chain_runs_without_gradients_on_the_networks_own_output(scenes):
    batch, _ = drawn(scenes, 2)
    untouched, moved = chain(Constant(0.0), batch), chain(Constant(1.0), batch)
    assert not moved.requires_grad
    seen = see(batch.levels[0], batch.levels[0].x)
    crop = batch.levels[0].crop
    # A state of ones raises block means by the expected size of the detail, and adds equal v, h, d
    rise = torch.nn.functional.avg_pool2d(moved - untouched, 2)
    unknown = seen.unknown.expand(*seen.unknown.shape[:2], *batch.levels[0].x.shape[-2:])
    assert torch.allclose(rise, unknown[..., crop // 2 : -crop // 2, crop // 2 : -crop // 2], rtol=1e-3, atol=0.1)


def test_a_teacher_pulls_the_mean(scenes):
    batch, _ = drawn(scenes, 1)
    teacher = Constant(0.3).requires_grad_(requires_grad=False)
    alone, taught = Constant(0.0), Constant(0.0)
    loss(alone, batch)[0].backward()
    loss(taught, batch, teacher=teacher)[0].backward()
    assert float(taught.value.grad) < float(alone.value.grad)
    agreed, taught = (loss(Constant(0.3), batch, teacher=each)[0] for each in (None, teacher))
    assert float(agreed.detach()) == pytest.approx(float(taught.detach()))


def test_an_experts_answer_takes_the_truths_place_by_its_weight(scenes):
    batch, _ = drawn(scenes, 1)
    batch.expert = batch.truth + 100

    def gradient(weight):
        net = Constant(0.1)
        loss(net, batch, expert_weight=weight)[0].backward()
        return float(net.value.grad)

    plain, half, whole = gradient(0.0), gradient(0.5), gradient(1.0)
    assert half == pytest.approx((plain + whole) / 2, rel=1e-4)
    assert whole != pytest.approx(plain, rel=1e-2)
    batch.truth = batch.truth + 300
    assert gradient(1.0) == pytest.approx(whole)
    assert gradient(0.0) != pytest.approx(plain, rel=1e-2)


def test_a_sample_without_an_answer_keeps_the_truth(scenes):
    batch, _ = drawn(scenes, 1)
    batch.expert = torch.full_like(batch.truth, float("nan"))
    plain, asked = (loss(Constant(0.1), batch, expert_weight=w)[0] for w in (0.0, 1.0))
    assert torch.equal(plain, asked)
    batch.expert[0] = batch.truth[0] + 100
    answered = loss(Constant(0.1), batch, expert_weight=1.0)[0]
    assert not torch.equal(answered, plain)


def test_validation_measures_against_the_classical_chain(scenes):
    check = Validation(scenes[:3], 32, torch.device("cpu"))
    nothing, harm = check.gains(Denoiser(TINY)), check.gains(Constant(5.0))
    assert "L1/noref" in nothing
    assert set(nothing.values()) == {0.0}
    assert max(harm.values()) < -1


def test_options_name_the_sides_that_a_chain_can_have(made, tmp_path):
    for preset, side in (("core-xs", 48), ("core-s", 64)):
        run = options(made, tmp_path, preset=preset, side=None)
        assert run.plan.side == side
        sides = [side]
        for _ in range(3):
            sides.append(sides[-1] // 2 + 16)
        assert [s % run.config.align for s in sides] == [0] * 4
