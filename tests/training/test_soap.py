"""The optimiser where it shall help, and what a checkpoint needs of it."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.optim import Adam

from ursat.training.soap import Soap

STEPS = 300


def turned(size, seed, spread):
    """A symmetric matrix whose eigenvalues fall by ``spread``, none of its eigenvectors along an axis."""
    generator = torch.Generator().manual_seed(seed)
    basis = torch.linalg.qr(torch.randn(size, size, generator=generator))[0]
    return basis @ torch.diag(torch.logspace(0, -spread, size)) @ basis.T


def descend(optimiser, weight, steps=STEPS):
    """Steps down mean((A W B - T)^2) with a learning rate that falls to zero; the last loss, of mean(T^2)."""
    a, b = turned(8, 0, 2), turned(18, 1, 2)
    wanted = a @ torch.randn(8, 18, generator=torch.Generator().manual_seed(5)) @ b
    rate = optimiser.param_groups[0]["lr"]
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = rate * (1 - step / steps)
        optimiser.zero_grad()
        loss = ((a @ weight.reshape(8, 18) @ b - wanted) ** 2).mean()
        loss.backward()
        optimiser.step()
    return float(loss.detach() / (wanted**2).mean())


def kernel():
    return nn.Parameter(torch.zeros(8, 2, 3, 3))


def test_a_badly_conditioned_quadratic_is_solved_further_than_by_adam_at_any_rate():
    weight = kernel()
    soap = descend(Soap([weight], lr=0.06), weight)
    adam = []
    for lr in (0.03, 0.1, 0.3, 0.6):
        weight = kernel()
        adam.append(descend(Adam([weight], lr=lr, betas=(0.9, 0.95)), weight))
    assert soap < min(adam) / 8


def test_the_first_gradient_only_sets_up_the_basis():
    weight = kernel()
    soap = Soap([weight], lr=0.1)
    descend(soap, weight, 1)
    assert not bool(weight.any())
    descend(soap, weight, 1)
    assert bool(weight.any())


def test_a_restored_state_goes_on_bit_for_bit(tmp_path):
    weight = kernel()
    soap = Soap([weight], lr=0.03)
    descend(soap, weight, 25)
    torch.save(soap.state_dict(), tmp_path / "state.pt")
    twin = nn.Parameter(weight.detach().clone())
    restored = Soap([twin], lr=1.0)
    restored.load_state_dict(copy.deepcopy(torch.load(tmp_path / "state.pt", weights_only=True)))
    soap.param_groups[0]["lr"] = restored.param_groups[0]["lr"] = 0.03
    assert descend(soap, weight, 25) == descend(restored, twin, 25)
    assert torch.equal(weight, twin)


def test_a_weight_without_a_gradient_stays_and_a_closure_is_refused():
    weight = kernel()
    soap = Soap([weight])
    soap.step()
    assert not bool(weight.any())
    with pytest.raises(ValueError, match="closure"):
        soap.step(lambda: 0.0)
