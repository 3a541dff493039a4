"""What the network is told of a level."""

from __future__ import annotations

from ursat.fir import psf_taps
from ursat.models.core.context import Context

FIRST, QUARTER, NYQUIST, NOISE, GUIDED = 0, 4, 5, 6, 7


def told(level: int, mtf: float, noise: float, rho: float | None) -> tuple[float, ...]:
    return Context(level, 10.0, psf_taps(mtf), noise, rho, 0.0).vector()


def test_the_first_level_knows_the_sensor() -> None:
    sharp, blurred = told(1, 0.5, 0.001, None), told(1, 0.2, 0.5, None)
    assert sharp[FIRST] == blurred[FIRST] == 1
    assert sharp[GUIDED] == 0
    assert all(sharp[k] != blurred[k] for k in (QUARTER, NYQUIST, NOISE))


def test_later_levels_know_the_sensor_where_a_reference_brings_its_blur_and_noise() -> None:
    """What is left of both in a sharpened reference decides how far it may be followed (docs/decisions.md, 20)."""
    sharp, blurred = told(2, 0.5, 0.001, -0.5), told(2, 0.2, 0.5, -0.5)
    assert sharp[FIRST] == 0
    assert sharp[GUIDED] == 1
    assert all(sharp[k] != blurred[k] for k in (QUARTER, NYQUIST, NOISE))
    assert told(2, 0.5, 0.001, None) == told(2, 0.2, 0.5, None)
