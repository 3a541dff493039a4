"""Which window of every level a piece of output needs: integers only.

Level 0 is the input's grid; level k is 2**k times finer. A piece of output at scale K (any number >= 2) is cut
from the work grid, level d = ceil(log2 K), by area resampling when K is not 2**d.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ursat.grid import Window

if TYPE_CHECKING:
    from collections.abc import Callable

_SLACK = 1e-9


def depth_of(scale: float) -> int:
    """Number of doublings d with 2**d >= scale."""
    return max(1, math.ceil(math.log2(scale) - _SLACK))


def is_power_of_two(scale: float) -> bool:
    """True when the work grid of `depth_of` is the output grid."""
    return float(scale) == float(2 ** depth_of(scale))


def reference_depth(ratio: float, depth: int) -> int:
    """The finest level that takes detail from a reference ``ratio`` times finer than the input; 0 when none does.

    Level k halves pixels of size 1/2**(k-1); the reference has something to say there while it is finer than those.
    A twentieth of an octave of slack keeps a nominal x4 (10 m for 40 m) from adding a level for a rounding error.
    """
    if ratio <= 1:
        return 0
    return max(0, min(depth, math.ceil(math.log2(ratio) - 0.05)))


def work_window(output: Window, scale: float) -> Window:
    """The pixels of the work grid that an output window touches."""
    depth = depth_of(scale)
    if is_power_of_two(scale):
        return output
    factor = 2**depth / scale
    row, col = _floor(output.row * factor), _floor(output.col * factor)
    return Window(row, col, _ceil(output.row_stop * factor) - row, _ceil(output.col_stop * factor) - col)


def _floor(value: float) -> int:
    nearest = round(value)
    return nearest if abs(value - nearest) < _SLACK * max(1.0, abs(value)) else math.floor(value)


def _ceil(value: float) -> int:
    nearest = round(value)
    return nearest if abs(value - nearest) < _SLACK * max(1.0, abs(value)) else math.ceil(value)


def input_index(position: int, scale: float) -> int:
    """The input row (column) that holds the centre of output row (column) ``position``."""
    return math.floor((position + 0.5) / scale)


@dataclass(frozen=True, slots=True)
class LevelWindow:
    """What one stage reads and makes.

    reads: the window of level - 1 handed to the stage, halo included; makes: the window of this level that is kept.
    """

    level: int
    reads: Window
    makes: Window


def level_windows(wanted: Window, depth: int, halo: Callable[[int], int]) -> tuple[LevelWindow, ...]:
    """The chain of windows from level 1 to ``depth`` that ends in ``wanted`` (on level ``depth``).

    Each level computes just what the next one reads.
    """
    chain: list[LevelWindow] = []
    makes = wanted
    for level in range(depth, 0, -1):
        core = makes.coarser(2)
        reads = core.pad(halo(level))
        chain.append(LevelWindow(level, reads, core.finer(2)))
        makes = reads
    return tuple(reversed(chain))


def total_reach(depth: int, halo: Callable[[int], int]) -> int:
    """How many input pixels away an output pixel can still be influenced from (rounded up, blocks not counted)."""
    reach = 0
    for level in range(depth, 0, -1):
        reach = math.ceil(reach / 2) + halo(level)
    return reach + 1
