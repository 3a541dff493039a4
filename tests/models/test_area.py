"""Area resampling: exact means, any window."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ursat.models.area import area_resample


@pytest.mark.parametrize("factor", [4 / 3, 8 / 7.5, 16 / 10, 128 / 100, 2.0])
def test_total_is_kept(factor: float) -> None:
    n = round(factor * 75)
    x = torch.rand(2, n, n, dtype=torch.float64)
    out = area_resample(x, (0, 0), (0, 0), (75, 75), factor)
    assert float(out.mean()) == pytest.approx(float(x.mean()), rel=1e-12)


def test_against_a_dense_matrix() -> None:
    x = torch.rand(1, 16, 16, dtype=torch.float64)
    weights = np.zeros((12, 16))
    for j in range(12):
        for i in range(16):
            weights[j, i] = max(0, min((j + 1) * 4 / 3, i + 1) - max(j * 4 / 3, i)) / (4 / 3)
    expected = weights @ x[0].numpy() @ weights.T
    np.testing.assert_allclose(area_resample(x, (0, 0), (0, 0), (12, 12), 4 / 3)[0].numpy(), expected, atol=1e-12)


@given(st.integers(0, 30), st.integers(1, 20), st.sampled_from([2.5, 3.0, 7.5, 10.0, 100.0]))
def test_a_window_is_a_cut_of_the_whole(start: int, size: int, scale: float) -> None:
    depth = int(np.ceil(np.log2(scale)))
    factor = 2**depth / scale
    source = torch.rand(1, int(60 * factor) + 2, int(60 * factor) + 2)
    whole = area_resample(source, (0, 0), (0, 0), (55, 55), factor)
    lo = int(start * factor)
    hi = int(np.ceil((start + size) * factor - 1e-9))
    part = area_resample(source[:, lo:hi, lo:hi], (lo, lo), (start, start), (size, size), factor)
    assert torch.equal(part, whole[:, start : start + size, start : start + size])
