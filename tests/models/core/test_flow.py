"""Samples of a flow whose answer is known."""

from __future__ import annotations

import pytest
import torch

from ursat.models.core.flow import T_START, centre, interpolate, reached, sample, schedule


def gaussian(mean: torch.Tensor, s: float):
    """The exact denoiser of N(mean, s**2)."""

    def denoise(z: torch.Tensor, t: float) -> torch.Tensor:
        slope = (1 - t) * s * s / (((1 - t) * s) ** 2 + t * t)
        return mean + slope * (z - (1 - t) * mean)

    return denoise


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_a_schedule_falls_from_its_start_and_stays_above_zero(steps: int) -> None:
    levels = schedule(steps)
    assert len(levels) == steps
    assert levels[0] == pytest.approx(T_START) if steps > 1 else levels[0] < T_START
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] > 0


def test_a_sample_takes_at_least_one_step() -> None:
    with pytest.raises(ValueError, match="at least one"):
        schedule(0)


@pytest.mark.parametrize("steps", [1, 2, 3, 8])
def test_a_sample_scatters_as_a_unit_posterior_does(steps: int) -> None:
    generator = torch.Generator().manual_seed(0)
    mean, noise = torch.full((1, 4, 64, 64), 3.0), torch.randn((1, 4, 64, 64), generator=generator)
    drawn = sample(mean, noise, steps, gaussian(mean, 1.0))
    assert torch.allclose(drawn - mean, noise, atol=1e-4)


@pytest.mark.parametrize(("steps", "within"), [(1, 3.0), (2, 1.3), (3, 1.12), (6, 1.15)])
def test_the_share_that_steps_reach_hardly_depends_on_the_posteriors_width(steps: int, within: float) -> None:
    mean, noise = torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1)
    shares = [float(sample(mean, noise, steps, gaussian(mean, s))) / s for s in (0.1, 0.2, 0.35, 0.6, 1.0)]
    assert max(shares) / min(shares) < within


def test_more_steps_reach_more() -> None:
    assert 0.4 < reached(2) < reached(3) < reached(16) < 0.95


def test_a_sample_asks_once_a_step_and_ends_at_an_answer() -> None:
    asked: list[float] = []

    def denoise(z: torch.Tensor, t: float) -> torch.Tensor:
        asked.append(t)
        return torch.full_like(z, t)

    drawn = sample(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2), 3, denoise)
    assert asked == schedule(3)
    assert torch.allclose(drawn, torch.full((1, 1, 2, 2), asked[-1] / reached(3)))


def test_a_window_that_shrinks_with_every_evaluation_keeps_its_middle() -> None:
    generator = torch.Generator().manual_seed(1)
    mean, noise = (torch.randn(1, 2, 13, 11, generator=generator) for _ in range(2))
    whole = sample(mean, noise, 2, lambda z, _: z / 2)
    cut = sample(mean, noise, 2, lambda z, _: z[..., 1:-1, 2:-2] / 2)
    assert torch.equal(cut, centre(whole, cut))
    assert cut.shape == (1, 2, 9, 3)


def test_pure_noise_says_nothing() -> None:
    z0, noise = torch.ones(2, 1, 2, 2), torch.full((2, 1, 2, 2), 5.0)
    z = interpolate(z0, noise, torch.tensor([1.0, 0.5]))
    assert torch.equal(z[0], torch.zeros(1, 2, 2))
    assert torch.equal(z[1], torch.full((1, 2, 2), 3.0))
