"""Eq. 9 against dense linear algebra, and what it promises."""

from __future__ import annotations

import pytest
import torch

from ursat.fir import decimate2, psf_taps
from ursat.models.paper.projection import MOST, Projection, literal_projection
from ursat.models.sensor import SensorOperator
from ursat.models.wavelet import HaarBands, block_mean, idwt2, replicate

SIDE = 11


def images(count: int, size: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(size)
    return [torch.randn(1, size, size, dtype=torch.float64, generator=generator) for _ in range(count)]


def dense(mtf: float, seen: torch.Tensor) -> torch.Tensor:
    """B = H after IDWT_A as a matrix over the seen pixels: every column an image of one pixel, sent through H."""
    columns = []
    places = seen.nonzero().tolist()
    for row, col in places:
        a = torch.zeros(1, *seen.shape, dtype=torch.float64)
        a[0, row, col] = 1
        nothing = torch.zeros_like(a)
        fine = idwt2(HaarBands(a, nothing, nothing, nothing))
        columns.append(decimate2(fine, psf_taps(mtf))[0][seen])
    return torch.stack(columns, dim=1)


@pytest.mark.parametrize("kappa", [1.0, 0.5])
@pytest.mark.parametrize("ratio", [0.0, 0.01, 0.3])
@pytest.mark.parametrize("mtf", [0.64, 0.35, 0.2])
def test_it_is_the_dense_solution(mtf: float, ratio: float, kappa: float) -> None:
    operator = SensorOperator(psf_taps(mtf))
    border = operator.reach + 1
    a, y = images(2, SIDE + 2 * border)
    seen = torch.zeros(a.shape[1:], dtype=torch.bool)
    seen[border:-border, border:-border] = True
    seen[border + 4, border + 2 : border + 6] = False  # a hole
    observed = seen[None].double()
    # No renormalisation at the borders: B is then symmetric, and a plain matrix
    found = Projection(operator, [ratio], kappa).apply(a, y, observed, torch.ones_like(a))[0]
    b = dense(mtf, seen)
    inner = torch.linalg.solve(b @ b.T + ratio * torch.eye(len(b), dtype=b.dtype), y[0][seen] - b @ a[0][seen])
    expected = a[0][seen] + kappa * b.T @ inner
    assert float((expected - a[0][seen]).abs().max()) > 1
    torch.testing.assert_close(found[seen], expected, rtol=0, atol=4e-3)
    assert torch.equal(found[~seen], a[0][~seen])


def test_without_noise_the_measurement_is_reproduced() -> None:
    operator = SensorOperator(psf_taps(0.3))
    truth, a, v, h, d = images(5, 40)
    y = decimate2(replicate(truth), operator.taps)
    observed = torch.ones_like(y)
    mass = operator.mass(observed)
    rest = y - operator.observe(idwt2(HaarBands(torch.zeros_like(a), v, h, d)), observed, mass)
    made = Projection(operator, [0.0]).apply(a, rest, observed, mass)
    left = (y - decimate2(idwt2(HaarBands(made, v, h, d)), operator.taps))[..., 8:-8, 8:-8]
    assert float(left.abs().max()) < 2e-3 * float((y - decimate2(replicate(a), operator.taps)).abs().max())


def test_a_box_hands_a_over() -> None:
    """With a pixel-wide box, B is the identity: A is the measurement, or the Wiener mean of both."""
    a, y = images(2, 9)
    ones = torch.ones_like(a)
    operator = SensorOperator((0.5, 0.5))
    torch.testing.assert_close(Projection(operator, [0.0]).apply(a, y, ones, ones), y)
    torch.testing.assert_close(Projection(operator, [0.25]).apply(a, y, ones, ones), a + (y - a) / 1.25)


def test_bands_have_their_own_ratios() -> None:
    operator = SensorOperator(psf_taps(0.3))
    a, y = (torch.cat([image, image]) for image in images(2, 30))
    ones = torch.ones_like(a)
    both = Projection(operator, [0.0, 0.5]).apply(a, y, ones, ones)
    for band, ratio in enumerate((0.0, 0.5)):
        alone = Projection(operator, [ratio]).apply(a[:1], y[:1], ones[:1], ones[:1])
        torch.testing.assert_close(both[band : band + 1], alone)


def test_reach() -> None:
    projection = Projection(SensorOperator(psf_taps(0.3)), [0.0])
    assert projection.reach <= (MOST + 1) * projection.operator.reach
    size = 2 * projection.reach + 9
    a, y = images(2, size)
    ones = torch.ones_like(a)
    moved = y.clone()
    moved[..., : size // 2 - projection.reach] += 1
    here, there = (projection.apply(a, each, ones, ones)[..., size // 2] for each in (y, moved))
    assert torch.equal(here, there)
    moved[..., size // 2 - 1] += 1
    assert not torch.equal(here, projection.apply(a, moved, ones, ones)[..., size // 2])


def test_to_the_letter() -> None:
    """I - P and P: the low-pass is the condition's, the rest the iterate's; twice changes nothing."""
    a, condition = images(2, 12)
    made = literal_projection(a, condition)
    torch.testing.assert_close(block_mean(made), block_mean(condition))
    torch.testing.assert_close(made - replicate(block_mean(made)), a - replicate(block_mean(a)))
    torch.testing.assert_close(literal_projection(made, condition), made)
