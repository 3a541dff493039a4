"""F against dense linear algebra, and the correction that makes F reproduce the observation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ursat.fir import BOX_TAPS, decimate2, expand2, psf_taps
from ursat.models.sensor import TOLERANCE, SensorOperator
from ursat.models.wavelet import replicate

MTFS = [0.64, 0.35, 0.25]


def dense(operator: SensorOperator, observed: np.ndarray) -> np.ndarray:
    """x -> F(m x) / F(m) as a matrix, from the definition: sums over half-grid pixels, nothing outside the array."""
    h, w = observed.shape
    n = len(operator.taps) // 2

    def one_axis(size: int) -> np.ndarray:
        matrix = np.zeros((size, 2 * size))
        for i in range(size):
            for k, tap in enumerate(operator.taps):
                j = 2 * i - (n - 1) + k
                if 0 <= j < 2 * size:
                    matrix[i, j] += tap
        return matrix

    full = np.kron(one_axis(h), one_axis(w)) * np.kron(observed, np.ones((2, 2))).ravel()
    rows = full[observed.ravel() > 0]
    return rows / rows.sum(axis=1, keepdims=True)


def holes(shape: tuple[int, int], share: float, seed: int) -> np.ndarray:
    """1 inside, 0 on a frame as wide as F reaches (outside a scene nothing is observed) and on random pixels."""
    observed = (np.random.default_rng(seed).random(shape) >= share).astype(float)
    observed[:4], observed[-4:], observed[:, :4], observed[:, -4:] = 0, 0, 0, 0
    return observed


@pytest.mark.parametrize("mtf", MTFS)
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_observe_is_the_renormalised_filter(mtf: float, share: float) -> None:
    operator = SensorOperator(psf_taps(mtf))
    observed = holes((16, 18), share, 3)
    x = np.random.default_rng(4).normal(size=(32, 36))
    o = torch.from_numpy(observed)[None]
    seen = operator.observe(torch.from_numpy(x)[None], o, operator.mass(o))[0].numpy()
    np.testing.assert_allclose(seen[observed > 0], dense(operator, observed) @ x.ravel(), atol=1e-12)
    assert (seen[observed == 0] == 0).all()


@pytest.mark.parametrize("mtf", MTFS)
def test_expand_is_the_adjoint_of_decimate(mtf: float) -> None:
    taps = psf_taps(mtf)
    rng = np.random.default_rng(5)
    y, x = np.zeros((20, 22)), np.zeros((40, 44))
    y[5:-5, 5:-5], x[10:-10, 10:-10] = rng.normal(size=(10, 12)), rng.normal(size=(20, 24))
    assert np.sum(decimate2(x, taps) * y) == pytest.approx(np.sum(x * expand2(y, taps)), rel=1e-12)


@pytest.mark.parametrize("mtf", MTFS)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.6])
def test_solve_equals_least_squares(mtf: float, share: float) -> None:
    operator = SensorOperator(psf_taps(mtf))
    observed = holes((18, 18), share, 7)
    residual = np.random.default_rng(8).normal(size=(18, 18)) * observed
    o = torch.from_numpy(observed)[None]
    mass = operator.mass(o)
    t = operator.solve(torch.from_numpy(residual)[None], o, mass, 60)
    inside = np.flatnonzero(observed.ravel())
    to_half = np.zeros((36 * 36, inside.size))
    for column, pixel in enumerate(inside):
        row, col = divmod(pixel, 18)
        for i in (0, 1):
            for j in (0, 1):
                to_half[(2 * row + i) * 36 + 2 * col + j, column] = 1
    wanted = np.linalg.lstsq(dense(operator, observed) @ to_half, residual.ravel()[inside], rcond=None)[0]
    np.testing.assert_allclose(t[0].numpy().ravel()[inside], wanted, atol=2e-6 * np.abs(wanted).max())


@pytest.mark.parametrize("mtf", MTFS)
def test_declared_steps_reach_the_declared_tolerance(mtf: float) -> None:
    operator = SensorOperator(psf_taps(mtf))
    observed = torch.from_numpy(holes((40, 40), 0.2, 9))[None]
    mass = operator.mass(observed)
    y = torch.from_numpy(np.random.default_rng(10).normal(size=(40, 40)))[None] * observed
    t = operator.solve(y, observed, mass, operator.steps)
    left = (y - operator.observe(replicate(t), observed, mass)) * observed
    assert left.square().mean().sqrt() < 2 * TOLERANCE * y.square().mean().sqrt()


def test_box_closes_in_one_step() -> None:
    operator = SensorOperator(BOX_TAPS)
    assert (operator.steps, operator.reach, operator.bounds) == (1, 0, (1.0, 1.0))
    y = torch.randn(2, 5, 6, dtype=torch.float64)
    one = torch.ones_like(y)
    assert torch.equal(operator.solve(y, one, operator.mass(one), 1), y)


def test_mass_is_exactly_one_away_from_holes() -> None:
    operator = SensorOperator(psf_taps(0.25))
    observed = torch.ones(1, 30, 30)
    observed[0, 4, 4] = 0
    mass = operator.mass(observed)
    assert (mass[0, 12:, 12:] == 1).all()
    assert mass[0, 4, 5] < 0.95
