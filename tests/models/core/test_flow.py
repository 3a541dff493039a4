"""Samples of a flow whose velocity is known."""

from __future__ import annotations

import math

import pytest
import torch

from ursat.models.core.flow import SHARED, centre, interpolate, sample, schedule, shared_noise


def gaussian(s: float):
    """The exact velocity where the residual is N(0, s**2): E[cos e - sin r | u], both of which are slopes of u."""

    def velocity(u: torch.Tensor, t: float) -> torch.Tensor:
        angle = t * math.pi / 2
        cos, sin = math.cos(angle), math.sin(angle)
        return u * (cos * sin * (1 - s * s) / (cos * cos * s * s + sin * sin))

    return velocity


def white(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_a_schedule_falls_from_below_one_and_stays_above_zero(steps: int) -> None:
    levels = schedule(steps)
    assert len(levels) == steps
    assert levels == sorted(levels, reverse=True)
    assert 0 < levels[-1] <= levels[0] < 1


def test_a_sample_takes_at_least_one_step() -> None:
    with pytest.raises(ValueError, match="at least one"):
        schedule(0)


@pytest.mark.parametrize("steps", [1, 2, 3, 8])
def test_a_flow_that_has_learned_nothing_gives_the_noise_back(steps: int) -> None:
    noise = white(1, 4, 16, 16)
    assert torch.equal(sample(noise, steps, lambda u, _: torch.zeros_like(u)), noise)


@pytest.mark.parametrize("s", [0.5, 0.8, 1.25])
def test_many_steps_end_at_the_posteriors_own_width(s: float) -> None:
    noise = white(1, 1, 8, 8)
    drawn = sample(noise, 200, gaussian(s))
    start = schedule(200)[0] * math.pi / 2
    # The flow of a Gaussian scales u by its standard deviation, from where the noise stood in for u
    expected = s / math.sqrt((s * math.cos(start)) ** 2 + math.sin(start) ** 2)
    torch.testing.assert_close(drawn, noise * expected, rtol=0.02, atol=1e-3)


def test_a_sample_asks_once_a_step_at_the_schedules_levels() -> None:
    asked: list[float] = []

    def velocity(u: torch.Tensor, t: float) -> torch.Tensor:
        asked.append(t)
        return torch.zeros_like(u)

    sample(white(1, 1, 2, 2), 3, velocity)
    assert asked == schedule(3)


def test_a_window_that_shrinks_with_every_evaluation_keeps_its_middle() -> None:
    noise = white(1, 2, 13, 11)
    whole = sample(noise, 2, lambda u, _: u / 2)
    cut = sample(noise, 2, lambda u, _: u[..., 1:-1, 2:-2] / 2)
    assert torch.equal(cut, centre(whole, cut))
    assert cut.shape == (1, 2, 9, 3)


def test_the_path_runs_on_a_circle_and_its_velocity_is_its_derivative() -> None:
    residual, noise = white(2, 3, 4, 4).double(), white(2, 3, 4, 4, seed=1).double()
    t = torch.tensor([0.3, 1.0], dtype=torch.float64)
    u, velocity = interpolate(residual, noise, t)
    torch.testing.assert_close(u**2 + velocity**2, residual**2 + noise**2)
    torch.testing.assert_close(u[1], noise[1])
    nudge = 1e-6
    later, _ = interpolate(residual, noise, t + nudge * 2 / math.pi)
    torch.testing.assert_close((later - u) / nudge, velocity, rtol=0, atol=1e-4)


def test_bands_share_most_of_the_noise() -> None:
    noise = shared_noise(white(4, 200, 200))
    assert noise.shape == (3, 200, 200)
    correlation = torch.corrcoef(noise.flatten(1))
    assert torch.allclose(noise.std((1, 2)), torch.ones(3), atol=0.02)
    assert torch.allclose(correlation[0, 1:], torch.full((2,), SHARED), atol=0.01)
