"""The simulated inputs that the blind blur estimate learns from."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ursat.benchmark.places import PlaceImage
from ursat.training.psf_examples import draw_examples, draw_input


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    rough = rng.standard_normal((2, 3, 96, 96)).cumsum(axis=-1).cumsum(axis=-2)
    bytes_ = np.clip(128 + 60 * rough / rough.std(), 0, 255).astype(np.uint8)
    return [PlaceImage(f"p{i}/t", f"p{i}", 1.0, pixels) for i, pixels in enumerate(bytes_)]


@pytest.mark.parametrize("mtf", [0.2, math.nan])
def test_inputs_lie_on_their_step(images, mtf):
    for seed in range(12):
        values, step = draw_input(images[0].pixels, mtf, np.random.default_rng(seed))
        assert min(values.shape[-2:]) >= 11
        assert 1 <= len(values) <= 3
        if step:
            np.testing.assert_array_equal(values % step, 0)


@pytest.mark.parametrize("mtf", [0.2, math.nan])
def test_small_inputs_are_small(images, mtf):
    shapes = []
    for seed in range(30):
        values, _ = draw_input(images[0].pixels, mtf, np.random.default_rng(seed), few=True)
        shapes += values.shape[-2:]
    assert 8 == min(shapes) < max(shapes) <= 32


@pytest.mark.parametrize("few", [False, True])
def test_the_same_seed_draws_the_same(images, few):
    one, two = (draw_examples(images, 12, seed=1, few=few) for _ in range(2))
    np.testing.assert_array_equal(one.features, two.features)
    assert set(one.place) == {"p0", "p1"}
    assert len(one.mtf) == len(one.side) == len(one.share) == 12
