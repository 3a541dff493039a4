"""Filling holes: local, and without a trace of the nodata value (promise 6)."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from ursat.models.fill import fill_gaps


def _scene() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    values = torch.rand(2, 48, 48, generator=generator)
    valid = torch.ones_like(values, dtype=torch.bool)
    valid[0, 10:30, 12:25] = False
    valid[1, :, 40:] = False
    return values, valid


def test_valid_pixels_stay_and_the_hidden_value_never_shows() -> None:
    values, valid = _scene()
    poisoned = torch.where(valid, values, torch.full_like(values, -9999.0))
    filled = fill_gaps(values, valid, 12)
    assert torch.equal(filled, fill_gaps(poisoned, valid, 12))
    assert torch.equal(filled[valid], values[valid])
    assert float(filled.min()) >= 0
    assert float(filled.max()) <= 1


@given(st.integers(8, 20), st.integers(8, 20), st.integers(4, 12), st.integers(1, 4))
def test_a_window_with_halo_gives_the_same(row: int, col: int, size: int, rings: int) -> None:
    values, valid = _scene()
    whole = fill_gaps(values, valid, rings)
    halo = 2 * rings
    rows, cols = slice(row - halo, row + size + halo), slice(col - halo, col + size + halo)
    part = fill_gaps(values[:, rows, cols], valid[:, rows, cols], rings)
    assert torch.equal(part[:, halo:-halo, halo:-halo], whole[:, row : row + size, col : col + size])


def test_a_constant_stays_constant() -> None:
    _, valid = _scene()
    filled = fill_gaps(torch.full((2, 48, 48), 3.0), valid, 48)
    assert torch.allclose(filled, torch.full((2, 48, 48), 3.0), rtol=1e-6)
