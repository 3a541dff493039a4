"""The harmonised reference goes on a little beyond its edges: the cascade's filters read there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_cascade import SENSOR, ArrayReader

from ursat.grid import Window
from ursat.io.cache import BlockCache
from ursat.run.budget import reference_bytes
from ursat.run.harmonised import HarmonisedReference, harmonised_levels
from ursat.types import Encoding, ReferenceModel

MODEL = ReferenceModel(
    level=1, taps=(-0.1, 0.0, 1.2, 0.0, -0.1), matrix=((2.0, 0.0), (0.0, 1.0)), offsets=(1.0, 0.0), trust=(1.0, 1.0),
    residual=(1.0, 1.0), mtf=0.3, ratio=2.0,
)  # fmt: skip


def _reader() -> HarmonisedReference:
    values = np.full((2, 40, 40), 5.0, np.float32)
    source = ArrayReader(values, np.ones_like(values, bool))
    return HarmonisedReference(source, MODEL, device=torch.device("cpu"), dtype=torch.float32)


def test_values_continue_beyond_the_grid_but_are_not_valid_there() -> None:
    block = BlockCache(_reader(), budget=1 << 24).read(Window(-2, -2, 10, 10))
    # At the edge itself the filter reads two pixels of continuation; one pixel out, all but its last tap.
    np.testing.assert_allclose(block.values[0, 2:, 2:], 11.0, rtol=1e-5)
    np.testing.assert_allclose(block.values[1, 2:, 2:], 5.0, rtol=1e-5)
    assert (block.values[1, 1, 2:] > 4.5).all()
    assert not block.valid[:, :2].any()
    assert block.valid[:, 2:, 2:].all()


def test_far_outside_nothing_is_computed() -> None:
    block = _reader().read(Window(500, 500, 8, 8))
    assert not block.valid.any()
    assert not block.values.any()


def test_coarser_levels_are_means_of_the_finest_and_cover_is_a_share() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(2, 64, 48)).astype(np.float32)
    valid = np.ones_like(values, bool)
    valid[:, :9, :8] = False
    model = replace(MODEL, level=3, taps=(1.0,))
    source = ArrayReader(rng.normal(size=(2, 8, 6)).astype(np.float32), np.ones((2, 8, 6), bool))
    levels, cover = harmonised_levels(
        source, ArrayReader(values, valid), SENSOR, model, device=torch.device("cpu"), dtype=torch.float32,
        budget=1 << 20,
    )  # fmt: skip
    assert list(levels) == [1, 2, 3]
    fine, coarse = levels[3].read(Window(0, 0, 64, 48)), levels[1].read(Window(0, 0, 16, 12))
    np.testing.assert_allclose(coarse.values, fine.values.reshape(2, 16, 4, 12, 4).mean(axis=(2, 4)), atol=1e-6)
    expected = np.ones((2, 8, 6))
    expected[:, :2, 0] = 0, 7 / 8
    np.testing.assert_array_equal(cover.read(Window(0, 0, 8, 6)).values, expected)
    # The seven rows that are seen stay; the one that is not is completed
    alone = HarmonisedReference(ArrayReader(values, valid), model, device=torch.device("cpu"), dtype=torch.float32)
    seen = alone.read(Window(0, 0, 64, 48))
    np.testing.assert_array_equal(fine.values[seen.valid], seen.values[seen.valid])
    assert (fine.values[:, 8, :8] != seen.values[:, 8, :8]).all()


@pytest.mark.parametrize("enough", [True, False])
def test_the_budget_makes_every_block_once_for_a_row_of_tiles(enough: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    tile, scale, bands = 128, 4, 2
    side, ratio = 232, 4  # input pixels under a tile and around it; the reference is as fine as the output
    encoding = Encoding(
        "uint16", 0, (1.0,) * bands, (0.0,) * bands, (None,) * bands, (None,) * bands, ("gray",) * bands
    )
    values = np.ones((bands, 1024, 2048), np.float32)
    source = ArrayReader(np.ones((bands, 256, 512), np.float32), np.ones((bands, 256, 512), bool))
    warped, asked = ArrayReader(values, np.ones_like(values, bool)), []
    plain = HarmonisedReference.read
    monkeypatch.setattr(HarmonisedReference, "read", lambda self, window: asked.append(window) or plain(self, window))
    held = reference_bytes(tile, 1, scale, encoding, None, 2)
    levels, cover = harmonised_levels(
        source, warped, SENSOR, replace(MODEL, level=2), device=torch.device("cpu"), dtype=torch.float32,
        budget=held if enough else held // 4,
    )  # fmt: skip
    for col in range(0, 4 * tile // scale, tile // scale):
        under = Window(10, col, side, side)
        for reader, factor in ((cover, 1), (levels[1], 2), (levels[2], ratio)):
            reader.read(under.finer(factor))
    assert (len(asked) == len(set(asked))) is enough
