"""The noise schedule: the textbook's numbers, and times that fall."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ursat.models.paper.schedule import CLEAN, linear_schedule, times

SCHEDULE = linear_schedule()


def test_alpha_bar_is_the_product_of_one_minus_beta() -> None:
    expected = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
    np.testing.assert_allclose(SCHEDULE.alpha_bar, expected, rtol=1e-12)
    assert SCHEDULE.alpha_bar[-1] < 5e-5 < 0.999 < SCHEDULE.alpha_bar[0]


@pytest.mark.parametrize("t", [0, 400, 999])
def test_noise_and_clean_are_inverses(t: int) -> None:
    clean, noise = torch.randn(2, 2, 3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(t))
    a_t = SCHEDULE.noisy(clean, noise, t)
    torch.testing.assert_close(SCHEDULE.clean(a_t, noise, t), clean)
    torch.testing.assert_close(SCHEDULE.noise(a_t, clean, t), noise)
    signal, sigma = SCHEDULE.levels(torch.tensor([0, t]))
    assert signal.shape == sigma.shape == (2, 1, 1, 1)
    torch.testing.assert_close((signal[1] * clean + sigma[1] * noise), a_t, rtol=1e-6, atol=1e-6)


def test_the_clean_image_has_no_noise() -> None:
    assert (SCHEDULE.signal(CLEAN), SCHEDULE.sigma(CLEAN)) == (1.0, 0.0)
    assert SCHEDULE.half_log_snr(CLEAN) > SCHEDULE.half_log_snr(0) > SCHEDULE.half_log_snr(999)


@pytest.mark.parametrize(
    ("count", "start", "expected"),
    [
        (1, 1.0, (999,)),
        (4, 1.0, (999, 749, 499, 249)),
        (4, 0.4, (399, 299, 199, 99)),
        (1000, 1.0, tuple(range(999, -1, -1))),
        (9, 0.003, (2, 1, 0)),
    ],
)
def test_times_are_evenly_spaced(count: int, start: float, expected: tuple[int, ...]) -> None:
    assert times(count, start) == expected


@pytest.mark.parametrize(("count", "start"), [(0, 1.0), (3, 0.0), (3, 1.1)])
def test_no_such_times(count: int, start: float) -> None:
    with pytest.raises(ValueError, match="no chain"):
        times(count, start)


@pytest.mark.parametrize("given", [(1, 1e-4, 0.02), (10, 0.0, 0.02), (10, 0.03, 0.02), (10, 0.5, 1.0)])
def test_no_such_schedule(given: tuple[int, float, float]) -> None:
    with pytest.raises(ValueError, match="no schedule"):
        linear_schedule(*given)
