"""The Haar transform against PyWavelets, and its naming."""

from __future__ import annotations

import numpy as np
import pytest
import pywt
import torch
from hypothesis import given
from hypothesis import strategies as st

from ursat.models.wavelet import block_mean, dwt2, idwt2, replicate


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**31))
def test_agrees_with_pywavelets_and_inverts(h: int, w: int, seed: int) -> None:
    x = torch.from_numpy(np.random.default_rng(seed).normal(size=(3, 2 * h, 2 * w)))
    bands = dwt2(x)
    a, (hor, ver, dia) = pywt.dwt2(x.numpy(), "haar")
    for ours, theirs in zip(bands, (a, ver, hor, dia), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs / 2, atol=1e-12)
    np.testing.assert_allclose(idwt2(bands).numpy(), x.numpy(), atol=1e-12)


def test_a_vertical_edge_is_v_alone() -> None:
    image = torch.zeros(1, 4, 4)
    image[..., 1:] = 1.0  # the edge lies inside the first pair of columns
    bands = dwt2(image)
    assert bands.v.abs().max() == 0.5
    assert bands.v[0, 0, 0] == -0.5  # left minus right, halved
    assert bands.h.abs().max() == 0
    assert bands.d.abs().max() == 0


def test_a_is_the_block_mean() -> None:
    x = torch.arange(64, dtype=torch.float64).reshape(1, 8, 8)
    assert torch.equal(dwt2(x).a, block_mean(x))
    assert torch.equal(block_mean(x, 8), x.mean(dim=(-1, -2), keepdim=True))
    assert torch.equal(block_mean(replicate(x, 4), 4), x)


def test_odd_sides_are_refused() -> None:
    with pytest.raises(ValueError, match="even"):
        dwt2(torch.zeros(1, 3, 4))
