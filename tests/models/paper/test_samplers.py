"""The reverse diffusion against the textbook, an independent library, and an oracle that knows the truth."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from ursat.models.paper.samplers import SAMPLERS, Sampler, reverse
from ursat.models.paper.schedule import CLEAN, linear_schedule, times

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SCHEDULE = linear_schedule()
SHAPE = (1, 3, 6, 5)


def field(number: int) -> torch.Tensor:
    return torch.randn(SHAPE, dtype=torch.float64, generator=torch.Generator().manual_seed(number))


def network(a_t: torch.Tensor, t: int) -> torch.Tensor:
    """Some smooth function of both: what the samplers do must not depend on its being a good one."""
    return torch.tanh(0.7 * a_t + 0.2 * a_t.roll(1, -1)) * (0.3 + t / 1400)


def run(
    sampler: Sampler, chain: Sequence[int], predict: Callable[..., torch.Tensor] = network, **how: Any
) -> torch.Tensor:
    return reverse(sampler, SCHEDULE, chain, field(99), predict, lambda k: field(100 + k), **how)


def test_ddpm_is_the_posterior_of_the_textbook() -> None:
    """Ho et al. 2020, Eq. 6, 7 and 11, written with beta and alpha, step by step through all times."""
    beta = np.linspace(1e-4, 0.02, 1000)
    alpha = 1 - beta
    kept = np.cumprod(alpha)
    a_t = field(99)
    for number, t in enumerate(range(999, -1, -1)):
        before = kept[t - 1] if t > 0 else 1.0
        mean = (a_t - beta[t] / (1 - kept[t]) ** 0.5 * network(a_t, t)) / alpha[t] ** 0.5
        variance = beta[t] * (1 - before) / (1 - kept[t])
        a_t = mean + variance**0.5 * field(100 + number)
    torch.testing.assert_close(run("ddpm", range(999, -1, -1)), a_t)


def library(name: str, chain: Sequence[int], **options: Any) -> torch.Tensor:
    schedulers = pytest.importorskip("diffusers.schedulers", reason="pip install diffusers: the independent schedulers")
    scheduler = getattr(schedulers, name)(num_train_timesteps=1000, beta_schedule="linear", **options)
    scheduler.set_timesteps(len(chain))
    # Its own spacing is not ours; the times are only read from here
    scheduler.timesteps = torch.tensor(chain)
    return scheduler


def test_ddpm_equals_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = list(range(950, -1, -50))
    scheduler: Any = library("DDPMScheduler", chain, variance_type="fixed_small", clip_sample=False)
    fields = iter([field(100 + k) for k in range(len(chain))])
    monkeypatch.setattr("diffusers.schedulers.scheduling_ddpm.randn_tensor", lambda *_, **__: next(fields))
    a_t = field(99)
    for t in chain:
        a_t = scheduler.step(network(a_t, t), t, a_t).prev_sample
    torch.testing.assert_close(run("ddpm", chain), a_t, rtol=1e-4, atol=1e-5)


def test_ddim_equals_the_library() -> None:
    chain = list(range(950, -1, -50))
    scheduler: Any = library("DDIMScheduler", chain, clip_sample=False, set_alpha_to_one=True)
    a_t = field(99)
    for t in chain:
        a_t = scheduler.step(network(a_t, t), t, a_t, eta=0.0).prev_sample
    torch.testing.assert_close(run("ddim", chain), a_t, rtol=1e-5, atol=1e-6)


def test_dpm_solver_equals_the_library() -> None:
    schedulers = pytest.importorskip("diffusers.schedulers", reason="pip install diffusers: the independent schedulers")
    chain = [999, 899, 799, 650, 500, 380, 199, 99, 20]
    scheduler = schedulers.DPMSolverMultistepScheduler(
        num_train_timesteps=1000, beta_schedule="linear", solver_order=2, final_sigmas_type="zero"
    )
    scheduler.set_timesteps(timesteps=chain)
    a_t = field(99)
    for t in scheduler.timesteps:
        a_t = scheduler.step(network(a_t, int(t)), t, a_t).prev_sample
    torch.testing.assert_close(run("dpm++", chain), a_t, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize(("count", "start"), [(1, 1.0), (7, 1.0), (20, 0.4)])
def test_an_oracle_gets_the_truth(sampler: Sampler, count: int, start: float) -> None:
    truth = field(1)

    def oracle(a_t: torch.Tensor, t: int) -> torch.Tensor:
        return SCHEDULE.noise(a_t, truth, t)

    torch.testing.assert_close(run(sampler, times(count, start), oracle), truth)


def test_samples_of_a_gaussian_have_its_variance() -> None:
    """With the best predictor for data of standard deviation s, the ancestral chain must end in that deviation."""
    s = 0.5
    many = torch.randn(200_000, dtype=torch.float64, generator=torch.Generator().manual_seed(5))

    def best(a_t: torch.Tensor, t: int) -> torch.Tensor:
        return a_t * SCHEDULE.sigma(t) / (SCHEDULE.sigma(t) ** 2 + (s * SCHEDULE.signal(t)) ** 2)

    draws = torch.Generator().manual_seed(6)
    made = reverse(
        "ddpm", SCHEDULE, times(200), many, best,
        lambda _: torch.randn(many.shape, dtype=many.dtype, generator=draws),
    )  # fmt: skip
    assert abs(float(made.std()) - s) < 0.02


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_correction_binds_every_clean_estimate(sampler: Sampler) -> None:
    """Clean estimates that always have mean 0 leave an image of mean 0, and the noise is taken again from them."""
    seen: list[int] = []

    def correct(clean: torch.Tensor) -> torch.Tensor:
        seen.append(1)
        return clean - clean.mean()

    chain = times(6, 0.5)
    made = run(sampler, chain, correct=correct)
    assert len(seen) == 6
    assert abs(float(made.mean())) < 1e-12
    assert abs(float(run(sampler, chain).mean())) > 1e-3


def test_amending_sees_every_iterate() -> None:
    chain = times(5)
    seen: list[int] = []

    def amend(a_s: torch.Tensor, s: int) -> torch.Tensor:
        seen.append(s)
        return a_s * 0 if s == CLEAN else a_s

    assert float(run("ddim", chain, amend=amend).abs().max()) == 0
    assert seen == [s for _, s in pairwise([*chain, CLEAN])]


@pytest.mark.parametrize(("sampler", "chain"), [("euler", [5]), ("ddim", []), ("ddim", [1000]), ("ddim", [3, 3])])
def test_no_such_chain(sampler: Any, chain: list[int]) -> None:
    with pytest.raises(ValueError, match=r"no sampler|do not fall"):
        run(sampler, chain)
