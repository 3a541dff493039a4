"""Where outputs are cut: on edges of input pixels that are edges of output pixels."""

from __future__ import annotations

from pathlib import Path

import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from ursat.errors import UsageError
from ursat.grid import Grid, Window
from ursat.run.job import output_window
from ursat.run.shards.lattice import ONE_FILE_PIXELS, blocks, sharding_of, side_of
from ursat.run.shards.options import ShardOptions

FOLDER = Path("out.shards")


def grid(height: int, width: int) -> Grid:
    return Grid(height, width, Affine(30, 0, 0, 0, -30, 0), "EPSG:32649")


@given(
    scale=st.sampled_from([2.0, 3.0, 8.0, 32.0, 7.5, 30 / 0.7, 30 / 7.3, 100 / 3]),
    size=st.integers(2200, 9000),
    region=st.tuples(*[st.integers(0, 60)] * 2, *[st.integers(1, 400)] * 2),
)
def test_shards_cover_a_region_once_on_common_edges(scale: float, size: int, region: tuple[int, int, int, int]) -> None:
    whole = grid(500, 500)
    side = side_of(scale, size)
    parts = [part for _, _, part in blocks(Window(*region), side)]
    assert sum(part.height * part.width for part in parts) == region[2] * region[3]
    for index, part in enumerate(parts):
        assert Window(*region).contains(part)
        assert all(part.intersect(other).empty for other in parts[index + 1 :])
    edges = {(row * side, col * side) for row in range(3) for col in range(3) if (row + 1) * side <= 500 >= col * side}
    for row, col in edges:
        window = output_window(Window(row, col, side, side), whole, scale)  # raises where an edge cuts a pixel
        assert max(window.shape) <= size


def test_a_scale_without_common_edges_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be cut into shards of 8192 pixels") as caught:
        side_of(3.14159265, 8192)
    assert "--shard-size 0" in caught.value.hint


@pytest.mark.parametrize(
    ("pixels", "size", "asked", "side"),
    [
        ((1000, 1000), None, False, None),
        ((ONE_FILE_PIXELS >> 15, 1 << 15), None, False, None),
        ((ONE_FILE_PIXELS >> 15, (1 << 15) + 1), None, False, 1024),
        ((1000, 1000), None, True, 1024),
        ((1000, 513), 512, False, 64),
        ((512, 512), 512, False, None),
        ((1 << 20, 1 << 20), 0, False, None),
    ],
)
def test_when_an_output_is_cut(pixels: tuple[int, int], size: int | None, *, asked: bool, side: int | None) -> None:
    found = sharding_of(grid(*pixels), 8, FOLDER, ShardOptions(size=size), asked=asked)
    assert (None if found is None else found.side) == side


@pytest.mark.parametrize(("size", "asked"), [(0, True), (63, False)])
def test_sizes_that_make_no_sense(size: int, *, asked: bool) -> None:
    with pytest.raises(UsageError, match=f"--shard-size {size}"):
        sharding_of(grid(100, 100), 8, FOLDER, ShardOptions(size=size), asked=asked)
