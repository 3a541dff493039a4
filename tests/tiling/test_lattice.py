"""Blocks that follow from the grid alone, and cover it once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ursat.grid import Window
from ursat.tiling.lattice import ROUND, Lattice, blocks_under, frame

LATTICES = st.builds(Lattice, st.integers(1, 400), st.integers(1, 400), st.sampled_from([16, 32, 64]))
WINDOWS = st.builds(
    Window, st.integers(-60, 420), st.integers(-60, 420), st.integers(1, 200), st.integers(1, 200)
)  # fmt: skip


@given(LATTICES)
def test_blocks_cover_the_grid_once(lattice: Lattice) -> None:
    extent = lattice.extent
    assert extent.contains(Window(0, 0, lattice.height, lattice.width))
    assert (extent.height - lattice.height, extent.width - lattice.width) < (ROUND, ROUND)
    count = np.zeros(extent.shape, int)
    for block in lattice.over(extent):
        count[block.within(extent)] += 1
        assert block.row % lattice.side == block.col % lattice.side == 0
        for length, whole in zip(block.shape, extent.shape, strict=True):
            assert length % ROUND == 0
            assert length <= lattice.side * 3 // 2
            assert length > lattice.side // 2 or length == whole
    assert (count == 1).all()


@given(LATTICES, WINDOWS)
def test_a_window_picks_from_the_same_blocks(lattice: Lattice, window: Window) -> None:
    everything, found = list(lattice.over(lattice.extent)), list(lattice.over(window))
    assert found == [block for block in everything if not block.intersect(window).empty]
    assert lattice.count(window) == len(found)
    parts = [window, *found]
    row, col = min(part.row for part in parts), min(part.col for part in parts)
    bottom, right = max(part.row_stop for part in parts), max(part.col_stop for part in parts)
    assert lattice.hull(window) == Window(row, col, bottom - row, right - col)


@given(WINDOWS, WINDOWS)
def test_a_frame_is_what_is_left(outer: Window, inner: Window) -> None:
    count = np.zeros(outer.shape, int)
    common = outer.intersect(inner)
    for piece in [*frame(outer, inner), *([] if common.empty else [common])]:
        count[piece.within(outer)] += 1
    assert (count == 1).all()


def test_blocks_of_every_level_that_an_output_needs() -> None:
    def lattice(level: int) -> Lattice:
        return Lattice(40 * 2 ** (level - 1), 72 * 2 ** (level - 1), 32)

    # What level 3 reads ends at column 100, in level 2's second block, and that reads beyond level 1's first one
    found = blocks_under(Window(0, 60, 2, 80), 3, lambda _: 4, lattice)
    assert found == {3: 3, 2: 2, 1: 2}


def test_blocks_are_counted_without_being_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    # A Landsat scene at x128 has 15 million of them
    monkeypatch.setattr(Lattice, "over", lambda *_: pytest.fail("listed"))
    assert blocks_under(Window(0, 0, 1 << 20, 1 << 20), 1, lambda _: 4, lambda _: Lattice(1 << 19, 1 << 19, 128)) == {
        1: 4096**2
    }
