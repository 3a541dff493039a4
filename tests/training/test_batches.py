"""Windows of different levels show the same ground."""

from __future__ import annotations

import numpy as np
import torch
from made_tiles import exact_scene

from ursat.training.batches import EXPERT_LEVEL, ScenePatches, draw_batch, on_device

SIDE = 32


def box(image: torch.Tensor, halvings: int) -> torch.Tensor:
    return torch.nn.functional.avg_pool2d(image, 2**halvings)


def test_the_truth_of_coarser_windows_is_the_mean_of_finer_ones():
    cut = ScenePatches(exact_scene())
    fine = torch.from_numpy(cut.truth(3, 64, 96, 64))
    for level in (2, 1, 0):
        factor = 3 - level
        coarse = cut.truth(level, 64 >> factor, 96 >> factor, 64 >> factor)
        assert np.abs(box(fine, factor).numpy() - coarse).max() < 0.01


def test_a_chain_is_cut_from_one_place_and_turned_alike():
    """Truth, input, start and reference of a drawn chain agree once each is averaged to the other's grid."""
    scene = exact_scene()
    for seed in range(12):
        batch = draw_batch(
            [scene], np.random.default_rng(seed), size=2, side=SIDE, first=1, last=3, means=True, reference_share=1.0
        )
        one, two, _ = batch.levels
        assert (box(one.start, 1) - one.x).abs().max() <= 1.5
        assert (box(batch.truth, 1) - inner(two.ref, two.crop)).abs().max() <= 1.5
        assert (box(two.ref, 1) - inner(one.ref, one.crop)).abs().max() <= 1.5
        assert (one.ref - one.start).abs().max() <= 1.5


def inner(image: torch.Tensor, crop: int) -> torch.Tensor:
    return image[..., crop:-crop, crop:-crop]


def test_a_level_begins_where_the_one_before_ends():
    batch = draw_batch([exact_scene()], np.random.default_rng(0), size=2, side=SIDE, first=1, last=2, means=True)
    one = batch.levels[0]
    assert (box(batch.truth, 1) - inner(one.start, one.crop)).abs().max() <= 1.5


def test_patches_are_turned_and_flipped():
    rng = np.random.default_rng(3)
    scene = exact_scene(guided=False)
    seen = set()
    for _ in range(60):
        x = draw_batch([scene], rng, size=1, side=64, first=1, last=1, means=False).levels[0].x
        seen.add(x[0].sum(0).numpy().tobytes())
    assert len(seen) == 8


def test_without_a_reference_nothing_is_trusted():
    batch = draw_batch(
        [exact_scene()], np.random.default_rng(0), size=3, side=SIDE, first=1, last=1, means=True, reference_share=0.0
    )
    level = batch.levels[0]
    assert float(level.trust.abs().max()) == float(level.ref.abs().max()) == 0
    assert {context.rho for context in level.contexts} == {None}


def test_the_expert_answers_for_unguided_samples_only():
    scene = exact_scene()
    scene.expert = np.full((3, 4 * 64, 4 * 64), 7, np.int16)
    for share, finite in ((0.0, True), (1.0, False)):
        batch = draw_batch(
            [scene],
            np.random.default_rng(0),
            size=2,
            side=SIDE,
            first=1,
            last=EXPERT_LEVEL,
            means=True,
            reference_share=share,
        )
        assert bool(batch.expert.isfinite().all()) is finite
        assert bool((batch.expert == 7).all()) is finite


def test_moving_a_batch_keeps_it():
    batch = draw_batch([exact_scene()], np.random.default_rng(0), size=2, side=SIDE, first=1, last=2, means=True)
    moved = on_device(batch, torch.device("cpu"))
    assert torch.equal(moved.truth, batch.truth)
    assert moved.levels[1].x is None
    assert moved.levels[0].contexts == batch.levels[0].contexts
    assert on_device(batch, torch.device("meta")).levels[0].x.is_meta
