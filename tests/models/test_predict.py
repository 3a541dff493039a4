"""The prediction without a reference, and the range of values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ursat.models.predict import REACH, in_range, refine, shrink_to_range
from ursat.models.wavelet import block_mean, dwt2

IMAGES = arrays(np.float64, (2, 7, 6), elements=st.floats(-1e4, 1e4, width=32))


@settings(max_examples=50, deadline=None)
@given(IMAGES)
def test_refine_keeps_every_block_mean(image: np.ndarray) -> None:
    x = torch.from_numpy(image)
    torch.testing.assert_close(block_mean(refine(x)), x, atol=1e-9, rtol=1e-12)


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4])
def test_refine_reproduces_polynomials_from_their_pixel_means(degree: int) -> None:
    def means(edges: np.ndarray) -> np.ndarray:
        primitive = edges ** (degree + 1) / (degree + 1)
        return np.diff(primitive) / np.diff(edges)

    coarse = means(np.linspace(-1, 1, 13))
    fine = means(np.linspace(-1, 1, 25))
    x = torch.from_numpy(np.outer(coarse, coarse))[None]
    inner = slice(2 * REACH, -2 * REACH)
    np.testing.assert_allclose(refine(x)[0].numpy()[inner, inner], np.outer(fine, fine)[inner, inner], atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(arrays(np.float32, (1, 6, 8), elements=st.floats(-50, 150, width=32)))
def test_shrinking_keeps_means_that_are_in_range_and_touches_nothing_else(image: np.ndarray) -> None:
    x = torch.from_numpy(image)
    lowest, highest = torch.zeros(1, 1, 1), torch.full((1, 1, 1), 100.0)
    out = shrink_to_range(x, lowest, highest)
    assert in_range(out, lowest, highest)
    torch.testing.assert_close(block_mean(out), block_mean(x).clamp(0, 100), atol=2e-4, rtol=1e-5)
    fine = block_mean(((x >= 0) & (x <= 100)).float()) == 1
    for before, after in zip(dwt2(x), dwt2(out), strict=True):
        assert torch.equal(before[fine], after[fine])


def test_an_open_range_changes_nothing() -> None:
    x = torch.randn(2, 4, 4) * 1e6
    open_end = torch.full((2, 1, 1), float("inf"))
    assert torch.equal(shrink_to_range(x, -open_end, open_end), x)
