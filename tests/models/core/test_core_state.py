"""The state: there and back, what it keeps, and what the features do not depend on."""

from __future__ import annotations

import pytest
import torch

from ursat.models.core.state import activity, features, from_state, to_state, unknown_scale
from ursat.models.wavelet import block_mean


def rand(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


SCALE = torch.tensor([2.0, 3.0, 0.5], dtype=torch.float64)[:, None, None]


@pytest.mark.parametrize("trusted", [False, True])
def test_there_and_back(trusted: bool) -> None:
    image, start = rand(3, 16, 20), rand(3, 16, 20, seed=1)
    unknown = unknown_scale(SCALE, rand(3, 8, 10, seed=2).sigmoid() if trusted else None, 0.3)
    back = from_state(to_state(image, start, unknown), start, unknown, mean_known=False)
    torch.testing.assert_close(back, image, rtol=0, atol=1e-12)


def test_known_means_stay() -> None:
    start = rand(3, 16, 20)
    fine = from_state(rand(12, 8, 10, seed=3), start, SCALE, mean_known=True)
    torch.testing.assert_close(block_mean(fine), block_mean(start), rtol=0, atol=1e-12)
    assert (fine - start).abs().mean() > 0.3


def test_a_trusted_reference_leaves_less_unknown() -> None:
    trust = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)[:, None, None].expand(3, 4, 4)
    expected = (SCALE * torch.tensor([1.0, 0.6, 0.2], dtype=torch.float64)[:, None, None]).expand(3, 4, 4)
    torch.testing.assert_close(unknown_scale(SCALE, trust, 0.2), expected)
    assert unknown_scale(SCALE, None, 0.2) is SCALE


def test_brightness_cancels_and_an_untrusted_reference_is_none() -> None:
    x, start, ref, trust = rand(3, 8, 10), rand(3, 16, 20, seed=1), rand(3, 16, 20, seed=2), rand(3, 8, 10, seed=3)
    trust = trust.sigmoid()
    seen = features(x, start, ref, trust, SCALE)
    assert seen.shape == (28, 8, 10)
    brighter = features(x + 70, start + 70, ref + 70, trust, SCALE)
    torch.testing.assert_close(brighter, seen, rtol=0, atol=1e-10)
    assert torch.equal(features(x, start, ref, trust * 0, SCALE), features(x, start, None, None, SCALE))


def test_activity_is_local_strength_less_what_noise_explains() -> None:
    white = torch.randn(1, 28, 64, 64, generator=torch.Generator().manual_seed(0)) * 0.5
    inner = (..., slice(8, -8), slice(8, -8))
    plain, cleaned = activity(white, 0.0), activity(white, 0.5)
    assert plain.shape == (1, 12, 64, 64)
    assert torch.equal(plain[:, :3], plain[:, 9:])
    assert float(plain[inner].mean()) == pytest.approx(0.5, rel=0.05)
    assert float(cleaned[inner].mean()) < 0.25
    assert bool((cleaned > 0.1).all())  # noise that is as strong as all there is leaves room for some detail
    loud = activity(white * 10, 0.5)
    assert torch.allclose(loud, 10 * plain, rtol=0.03)
