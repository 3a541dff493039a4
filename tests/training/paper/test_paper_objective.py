"""What the loss of Eq. 21 says of networks whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_tiles import exact_scene
from torch import nn

from ursat.models.paper.config import PRESETS, PaperConfig, PaperLiteral
from ursat.models.paper.network import PaperNetwork
from ursat.training.batches import draw_batch
from ursat.training.paper.objective import SCHEDULE, Draw, loss, run_level, run_once, runner, see
from ursat.training.paper.plan import LossWeights, PaperPlan, draw_chain
from ursat.training.paper.recipe import Drawn, PaperRecipe
from ursat.training.validate import Validation

TINY = PaperConfig("paper-tiny", (8, 8), 1, 0, 8, 8, 1, 8, 2)


class Oracle(nn.Module):
    """Knows the truth of one batch."""

    def __init__(self, batch, draw):
        super().__init__()
        last = batch.levels[-1]
        self.bands = see(last, last.x).norm.bands(batch.truth)
        self.draw = draw

    def forward(self, seen, context, a_t=None, t=None, *, alone=False):
        if a_t is None:
            return None, self.bands[1]
        signal, sigma = SCHEDULE.levels(t)
        return (a_t - signal * self.bands[0]) / sigma, self.bands[1]


@pytest.fixture(scope="module")
def scenes():
    return [exact_scene(3), exact_scene(3, guided=False)]


def drawn(scenes, first=1, last=1, mean=(False, False, True, False), guided=0.5):
    rng = np.random.default_rng(0)
    batch = draw_batch(scenes, rng, size=4, side=32, first=first, last=last, means=True, reference_share=guided)
    noise = torch.from_numpy(rng.standard_normal((4, 3, 32, 32), dtype=np.float32))
    t = torch.where(torch.tensor(mean), 999, torch.tensor([10, 300, 0, 800]))
    return batch, Draw(t, noise, torch.tensor(mean))


def test_who_knows_the_truth_has_no_loss_but_the_truths_own_variation(scenes):
    batch, draw = drawn(scenes)
    found = loss(Oracle(batch, draw), batch, draw, LossWeights(lambda2=0.0))
    assert float(found.total) == pytest.approx(0, abs=1e-3)
    rough = loss(Oracle(batch, draw), batch, draw, LossWeights())
    assert float(rough.real) > 0.01
    assert float(rough.diff) == pytest.approx(0, abs=1e-6)


def test_an_untrained_network_answers_with_the_classical_enlargement(scenes):
    torch.manual_seed(0)
    net = PaperNetwork(TINY)
    batch, _ = drawn(scenes)
    level = batch.levels[0]
    assert torch.allclose(run_level(net, level, level.x), level.enlarged(level.x), atol=0.2)
    check = Validation(scenes, 32, torch.device("cpu"), run_level)
    assert max(abs(gain) for gain in check.gains(net).values()) < 0.01


def test_after_the_first_level_a_is_given_and_only_the_cshr_learns(scenes):
    torch.manual_seed(0)
    net = PaperNetwork(TINY)
    batch, draw = drawn(scenes, 2, 2)
    found = loss(net, batch, draw, LossWeights())
    assert found.diff is None
    found.total.backward()
    taught = {name.split(".")[0] for name, p in net.named_parameters() if p.grad is not None and bool(p.grad.any())}
    assert taught == {"cshr"}
    # Haar's A of the answer is the level's input
    from ursat.models.wavelet import block_mean

    x = batch.levels[0].x
    assert torch.allclose(block_mean(run_level(net, batch.levels[0], x)), x, rtol=1e-4, atol=0.1)


@pytest.mark.parametrize("config", [TINY, replace(TINY, progressive=True, literal=PaperLiteral(softmax=True))])
def test_every_weight_learns(scenes, config):
    torch.manual_seed(0)
    net = PaperNetwork(config)
    with torch.no_grad():
        for parameter in net.parameters():
            if not parameter.any():
                parameter.normal_(0, 0.1)
    batch, draw = drawn(scenes)
    loss(net, batch, draw, LossWeights()).total.backward()
    assert [name for name, p in net.named_parameters() if p.grad is None or not bool(p.grad.isfinite().all())] == []
    assert [name for name, p in net.named_parameters() if not bool(p.grad.any())] == []


def test_left_out_tokens_teach_the_encoder_nothing(scenes):
    torch.manual_seed(0)
    net = PaperNetwork(TINY)
    batch, draw = drawn(scenes)
    loss(net, batch, draw._replace(alone=True), LossWeights()).total.backward()
    assert all(p.grad is None for p in net.csp.parameters())
    assert any(p.grad is not None for p in net.unet.parameters())


def test_in_one_step_the_levels_before_are_classical_and_a_is_not_given(scenes):
    from ursat.training.objective import chain

    torch.manual_seed(0)
    net = PaperNetwork(TINY)
    batch, draw = drawn(scenes, 1, 3)
    x = chain(net, batch, run_once)
    by_hand = batch.levels[0].x
    for level in batch.levels[:-1]:
        by_hand = level.enlarged(by_hand)[..., level.crop : -level.crop, level.crop : -level.crop]
    assert torch.equal(x, by_hand)
    assert loss(net, batch, draw, LossWeights(), one_step=True).diff is not None
    assert run_once(net, batch.levels[-1], x).shape == batch.truth.shape


def test_a_progressive_pyramid_is_trained_as_it_runs(scenes):
    torch.manual_seed(0)
    config = replace(TINY, progressive=True)
    net = PaperNetwork(config)
    with torch.no_grad():
        for parameter in net.parameters():
            if not parameter.any():
                parameter.normal_(0, 0.1)
    batch, draw = drawn(scenes, 1, 2, guided=0.0)
    reuse, progressive = (
        loss(net, batch, draw, LossWeights(), progressive=kind).total.detach() for kind in (False, True)
    )  # fmt: skip
    assert abs(float(reuse) - float(progressive)) > 1e-4
    plan = replace(PaperPlan.of(config, "finetune"), side=32)
    step = PaperRecipe(config, plan, scenes).loss(net, Drawn(batch, draw), torch.device("cpu"), 0.0)
    assert float(step.total) == pytest.approx(float(progressive), rel=1e-5)
    answers = [run(net, batch.levels[1], batch.levels[0].enlarged(batch.levels[0].x)[..., 16:-16, 16:-16])
               for run in (runner(one_step=False, progressive=kind) for kind in (False, True))]  # fmt: skip
    assert float((answers[0] - answers[1]).abs().max()) > 0.1


def test_relative_losses_weigh_a_patch_by_what_the_classical_answer_leaves(scenes):
    torch.manual_seed(0)
    net = PaperNetwork(TINY)
    batch, draw = drawn(scenes, mean=(True,) * 4)
    strengths = torch.tensor([5.0, 20.0, 80.0, 300.0])[:, None, None, None]
    batch.truth = batch.truth + strengths * torch.randn(batch.truth.shape)
    plain, relative = (loss(net, batch, draw, LossWeights(lambda1=0, lambda2=0, floor=f)) for f in (None, 0.0))
    # An untrained network is the classical answer: a ratio of 1 for every patch, whatever its own error
    assert float(relative.consistent) == pytest.approx(0.5, abs=0.01)
    assert abs(float(plain.consistent) - 0.5) > 0.02


def test_asked_for_means_alone_nothing_is_diffused(scenes):
    batch, draw = drawn(scenes, mean=(True,) * 4)
    found = loss(PaperNetwork(TINY), batch, draw, LossWeights())
    assert float(found.diff) == 0
    other = draw._replace(noise=draw.noise + 1)
    torch.manual_seed(0)
    net = PaperNetwork(TINY)
    totals = [loss(net, batch, each, LossWeights()).total for each in (draw, other)]
    assert torch.equal(*totals)


def test_the_plan_is_the_papers():
    plan = PaperPlan.of(PRESETS["paper"], "pretrain")
    assert (plan.lr, plan.batch, plan.side, plan.steps) == (1e-4, 8, 64, 10_000)
    assert plan.learning_rate(4999) == pytest.approx(1e-4)
    assert plan.learning_rate(5000) == pytest.approx(0.8e-4)
    assert plan.learning_rate(9999) == pytest.approx(0.8e-4)
    assert (plan.weights.lambda1, plan.weights.lambda2, plan.weights.consistent) == (0.1, 0.01, 1.0)
    literal = replace(PRESETS["paper"], literal=PaperLiteral(lambda2=True, plain=True))
    printed = PaperPlan.of(literal, "pretrain").weights
    assert (printed.lambda1, printed.lambda2, printed.floor) == (0.1, 2.0, None)


def test_fine_tuning_is_a_self_cascade_of_two_doublings():
    def chains(stage, deepest):
        plan = PaperPlan.of(TINY, stage)
        return [draw_chain(plan, np.random.default_rng(k), deepest) for k in range(400)]

    assert set(chains("pretrain", 4)) == {(1, 1), (2, 2), (3, 3)}
    fine = chains("finetune", 4)
    assert set(fine) == {(1, 2), (1, 1), (2, 3)}
    assert fine.count((1, 2)) > 150
    assert set(chains("finetune", 1)) == {(1, 1)}


def test_steps_are_a_function_of_their_number_and_a_share_goes_without_reference(scenes):
    recipe = PaperRecipe(TINY, replace(PaperPlan.of(TINY, "pretrain"), batch=4), scenes)
    one, again, other = recipe.draw(3, 0, 0), recipe.draw(3, 0.5, 0), recipe.draw(3, 0, 1)
    assert torch.equal(one.batch.truth, again.batch.truth)
    assert torch.equal(one.draw.noise, again.draw.noise)
    assert not torch.equal(one.batch.truth, other.batch.truth)
    assert one.batch.levels[-1].level == other.batch.levels[-1].level
    told = [c.rho is not None for k in range(60) for c in recipe.draw(k, 0, 0).batch.levels[-1].contexts]
    assert 0.2 < np.mean(told) < 0.6
    assert any(recipe.draw(k, 0, 0).draw.alone for k in range(60))
