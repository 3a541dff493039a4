"""Remembered blocks change no pixel, and memory stays within the budget."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from ursat.grid import Grid, Window
from ursat.io.cache import BlockCache
from ursat.types import Block


@dataclass
class Source:
    """A raster in memory that lists what was asked of it."""

    values: np.ndarray
    asked: list[Window] = field(default_factory=list)

    @property
    def grid(self) -> Grid:
        return Grid(*self.values.shape[-2:], Affine.identity(), "")

    def read(self, window: Window) -> Block:
        self.asked.append(window)
        values = np.zeros((2, *window.shape), np.float32)
        valid = np.zeros((2, *window.shape), bool)
        inside = window.intersect(self.grid.window)
        if not inside.empty:
            values[(..., *inside.within(window))] = self.values[(..., *inside.within(self.grid.window))]
            valid[(..., *inside.within(window))] = True
        return Block(values, valid)


RASTER = np.random.default_rng(0).normal(size=(2, 1100, 1300)).astype(np.float32)


@settings(deadline=None, max_examples=40)
@given(st.integers(-700, 1300), st.integers(-700, 1500), st.integers(1, 900), st.integers(1, 900))
def test_same_pixels(row: int, col: int, height: int, width: int) -> None:
    window = Window(row, col, height, width)
    direct, cached = Source(RASTER).read(window), BlockCache(Source(RASTER), budget=1 << 20).read(window)
    np.testing.assert_array_equal(direct.values, cached.values)
    np.testing.assert_array_equal(direct.valid, cached.valid)


def test_blocks_are_read_once_while_they_fit() -> None:
    source = Source(RASTER)
    cache = BlockCache(source, budget=1 << 30)
    for row in range(0, 1100, 100):
        cache.read(Window(row - 50, 0, 200, 1500))
    assert len(source.asked) == len(set(source.asked)) == 12  # a row of blocks above the raster, three on it


def test_the_budget_holds() -> None:
    source = Source(RASTER)
    cache = BlockCache(source, budget=6 << 20)  # two blocks of 512 x 512 x 2 x (4 + 1) bytes
    for _ in range(2):
        cache.read(Window(0, 0, 1100, 1300))
    held = [made.result() for made in cache._kept._held.values()]
    assert sum(b.values.nbytes + b.valid.nbytes for b in held) <= 6 << 20
    assert len(source.asked) == 18


def test_blocks_of_another_size() -> None:
    source = Source(RASTER)
    cache = BlockCache(source, budget=1 << 30, block=100)
    block = cache.read(Window(150, 350, 100, 40))
    np.testing.assert_array_equal(block.values, RASTER[:, 150:250, 350:390])
    assert source.asked == [Window(100, 300, 100, 100), Window(200, 300, 100, 100)]
