"""Blocks: each is computed once while the budget allows, none in the dark, and no bit depends on that."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import torch
from test_cascade import SETTINGS, ArrayReader, Network

from ursat.grid import Window
from ursat.run.cascade import Cascade

if TYPE_CHECKING:
    from ursat.models.stage import LevelInputs

SCALE, TILE = 4, 24


class Counted(Network):
    """Counts how often each block is computed."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[tuple[int, int, int]] = Counter()

    def run(self, inputs: LevelInputs) -> torch.Tensor:
        self.calls[(inputs.level, *inputs.origin)] += 1
        return super().run(inputs)


def scene(height: int = 20, width: int = 36) -> ArrayReader:
    values = np.random.default_rng(3).normal(100, 20, (2, height, width)).astype(np.float32)
    return ArrayReader(values, np.ones_like(values, bool))


def cascade(stage: Network, source: ArrayReader, budget: int) -> Cascade:
    return Cascade(
        stage, SETTINGS, scale=SCALE, source=source, reference=None, device=torch.device("cpu"),
        dtype=torch.float32, gsd_m=30.0, block_budget=budget,
    )  # fmt: skip


def render(made: Cascade, window: Window) -> np.ndarray:
    out = np.zeros((2, *window.shape), np.float32)
    for part in window.blocks(TILE, TILE):
        done = made.render(part)
        if done is not None:
            out[(..., *part.within(window))] = done.values.numpy()
    return out


def test_every_block_is_computed_once() -> None:
    source = scene()
    window = source.grid.finer(SCALE).window
    kept, forgetful = Counted(), Counted()
    a = render(cascade(kept, source, 1 << 24), window)
    b = render(cascade(forgetful, source, 0), window)
    np.testing.assert_array_equal(a, b)
    assert set(kept.calls.values()) == {1}
    assert set(forgetful.calls) == set(kept.calls)
    assert max(forgetful.calls.values()) > 1
    # Blocks of 16 cells, the last up to half as much again, on 20 x 36 and 40 x 72 cells; the origin lies a halo before
    expected = {(1, -4, c - 4) for c in (0, 16)}
    expected |= {(2, r - 4, c - 4) for r in (0, 16) for c in (0, 16, 32, 48)}
    assert set(kept.calls) == expected


def test_the_budget_holds() -> None:
    source = scene(32, 64)
    block_bytes = 2 * 32 * 32 * 4
    made = cascade(Counted(), source, 3 * block_bytes)
    render(made, source.grid.finer(SCALE).window)
    assert made._blocks is not None
    kept = made._blocks._kept
    assert len(kept._held) == 3
    assert kept._bytes == 3 * block_bytes


def test_holes_are_continued_not_computed() -> None:
    source = scene(48, 48)
    source.valid[:, 16:32, 16:32] = False
    stage = Counted()
    made = cascade(stage, source, 1 << 24)
    render(made, Window(0, 0, 192, 192))
    assert {key for key in stage.calls if key[0] == 1} == {
        (1, r - 4, c - 4) for r in (0, 16, 32) for c in (0, 16, 32) if (r, c) != (16, 16)
    }
    assert (2, 48 - 4, 48 - 4) not in stage.calls


def test_a_sibling_draws_for_itself() -> None:
    source = scene()
    first, second = Counted(), Counted()
    second.first = second.first * 2
    made = cascade(first, source, 1 << 24)
    window = Window(0, 0, 48, 48)
    a = render(made, window)
    b = render(made.sibling(second, SETTINGS), window)
    assert second.calls
    assert not np.array_equal(a, b)
    np.testing.assert_array_equal(render(made, window), a)
