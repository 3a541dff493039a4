"""The chain of windows: every level brings what the next one reads."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ursat.grid import Window
from ursat.tiling.levels import (
    depth_of,
    input_index,
    is_power_of_two,
    level_windows,
    reference_depth,
    total_reach,
    work_window,
)


@pytest.mark.parametrize(("scale", "depth"), [(2, 1), (3, 2), (4, 2), (7.5, 3), (8, 3), (10, 4), (100, 7), (128, 7)])
def test_depth(scale: float, depth: int) -> None:
    assert depth_of(scale) == depth
    assert is_power_of_two(scale) == (2**depth == scale)


@pytest.mark.parametrize(
    ("ratio", "level"), [(1.0, 0), (0.5, 0), (1.5, 1), (2.0, 1), (3.0, 2), (4.0, 2), (4.0001, 2), (6.0, 3), (30, 5)]
)
def test_a_level_finer_than_the_reference_takes_nothing_from_it(ratio: float, level: int) -> None:
    assert reference_depth(ratio, 10) == level
    assert reference_depth(ratio, 1) == min(level, 1)


@given(
    st.integers(-500, 500), st.integers(-500, 500), st.integers(1, 300), st.integers(1, 300), st.integers(1, 7),
    st.integers(1, 40),
)  # fmt: skip
def test_chain_is_sufficient(row: int, col: int, h: int, w: int, depth: int, halo: int) -> None:
    wanted = Window(row, col, h, w)

    def reach(level: int) -> int:
        return halo if level == 1 else 3

    chain = level_windows(wanted, depth, reach)
    assert [step.level for step in chain] == list(range(1, depth + 1))
    assert chain[-1].makes.contains(wanted)
    for below, above in itertools.pairwise(chain):
        assert below.makes.contains(above.reads)
    for step in chain:
        assert step.reads.contains(step.makes.coarser(2).pad(reach(step.level)))


@given(st.integers(1, 7), st.integers(1, 20))
def test_total_reach_bounds_the_chain(depth: int, halo: int) -> None:
    chain = level_windows(Window(64, 64, 1, 1), depth, lambda _: halo)
    reach = total_reach(depth, lambda _: halo)
    centre = 64 >> depth
    base = chain[0].reads
    assert base.row >= centre - reach
    assert base.row_stop <= centre + 1 + reach


@given(st.integers(0, 3000), st.integers(1, 500), st.floats(2, 130))
def test_work_window_covers_the_ground(row: int, size: int, scale: float) -> None:
    work = work_window(Window(row, row, size, size), scale)
    factor = 2 ** depth_of(scale) / scale
    assert work.row <= row * factor + 1e-6
    assert work.row_stop >= (row + size) * factor - 1e-6
    assert work.height <= size * factor + 2 + 1e-6


def test_input_index_is_the_pixel_of_the_centre() -> None:
    assert [input_index(i, 2.5) for i in range(5)] == [0, 0, 1, 1, 1]
    assert [input_index(i, 2) for i in (-1, 0, 1, 2)] == [-1, 0, 0, 1]
