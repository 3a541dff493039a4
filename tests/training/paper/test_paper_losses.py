"""Eq. 19 and 20 against values worked out by hand, and against an independent library."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from ursat.training.paper.losses import consistent, realness, ssim, total_variation


def test_total_variation_by_hand():
    # Differences across: 1, 2, 0, -3; down: 1, 0, -5
    bands = torch.tensor([[[[0.0, 1.0, 3.0], [1.0, 1.0, -2.0]]]])
    across, down = (1 + 4 + 0 + 9) / 4, (1 + 0 + 25) / 3
    assert float(total_variation(bands)) == pytest.approx(across + down)


def test_equation_19_by_hand():
    found, truth = torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)
    found[..., 0, 0] = 2
    # Errors 1 everywhere; two differences of 2 and two of 0 in either direction
    assert float(realness(found, truth, 0.1, 0.01)) == pytest.approx(0.1 * 1 + 0.01 * (4 / 2 + 4 / 2))
    assert float(realness(found, truth, 0.1, 2.0)) == pytest.approx(0.1 + 2 * 4)


def test_structural_similarity_is_that_of_wang_et_al():
    rng = np.random.default_rng(0)
    one = rng.normal(size=(2, 40, 32)).cumsum(axis=-1)
    other = one + rng.normal(size=one.shape)
    found = ssim(torch.from_numpy(one)[:, None], torch.from_numpy(other)[:, None], 7.0)
    for k in range(2):
        _, full = structural_similarity(
            one[k], other[k], data_range=7.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
        )
        assert float(found[k]) == pytest.approx(full[5:-5, 5:-5].mean(), abs=1e-6)


def test_equation_20_by_hand():
    image = torch.randn(2, 3, 16, 16)
    assert torch.allclose(consistent(image, image, 4.0), torch.zeros(2), atol=1e-5)
    # Constants: SSIM is (2 a b + C1) / (a^2 + b^2 + C1), the rest 1
    one, other = torch.full((1, 1, 16, 16), 2.0), torch.full((1, 1, 16, 16), 1.0)
    c1 = (0.01 * 4) ** 2
    assert float(consistent(one, other, 4.0)) == pytest.approx(1 + 1 - (4 + c1) / (5 + c1), rel=1e-4)
    # As printed: the difference, 1, against nothing
    assert float(consistent(one, other, 4.0, literal=True)) == pytest.approx(1 + 1 - c1 / (1 + c1), rel=1e-4)
