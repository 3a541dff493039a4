"""What stands in a reference's place: Reuse's own pixels, and Progressive's image of the two outputs before."""

from __future__ import annotations

import pytest
import torch

from ursat.models.paper.pyramid import pseudo_reference, stand_in
from ursat.models.wavelet import block_mean, dwt2, replicate


def output(size: int = 32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(4)
    return torch.randn(2, 3, size, size, generator=generator).cumsum(-1).cumsum(-2) + 300


def test_the_pseudo_reference_is_the_output_before_and_carries_on_what_that_added() -> None:
    x = output()
    made, added = dwt2(pseudo_reference(x)), dwt2(x)
    torch.testing.assert_close(made.a, x, rtol=1e-5, atol=1e-3)
    for mine, parent in zip(made[1:], added[1:], strict=True):
        torch.testing.assert_close(block_mean(mine), parent, rtol=1e-4, atol=1e-3)
        assert float(mine.std()) > 0.5 * float(parent.std()) > 0


def test_what_the_last_step_did_not_add_is_not_made_up() -> None:
    flat = replicate(output(16))
    torch.testing.assert_close(pseudo_reference(flat), replicate(flat), rtol=1e-6, atol=1e-4)


def test_both_outputs_before_have_a_say() -> None:
    x = output()
    added = x - replicate(block_mean(x))
    news = pseudo_reference(x) - replicate(x)
    torch.testing.assert_close(pseudo_reference(x + added) - replicate(x + added), 2 * news, rtol=1e-3, atol=1e-2)
    level = pseudo_reference(x + replicate(torch.full((2, 3, 16, 16), 50.0)))
    torch.testing.assert_close(level, pseudo_reference(x) + 50, rtol=1e-5, atol=1e-2)


def test_before_the_first_doubling_there_is_no_output() -> None:
    x = output()
    assert torch.equal(stand_in(x, 1, progressive=True), replicate(x))
    assert torch.equal(stand_in(x, 2, progressive=True), pseudo_reference(x))
    assert torch.equal(stand_in(x, 3, progressive=False), replicate(x))


def test_cells_without_a_parent_are_refused() -> None:
    with pytest.raises(ValueError, match="even sides"):
        pseudo_reference(output(31))
