"""Where one output is cut into shards: anchored at the full grid's corner, on edges that input and output share."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from ursat.errors import UsageError
from ursat.grid import Window  # noqa: TC001  (plans are decoded by these annotations)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ursat.grid import Grid
    from ursat.run.shards.options import ShardOptions

SIZE = 8192  # pixels a side of a shard, unless told otherwise
ONE_FILE_PIXELS = 1 << 30  # up to here one COG is handier than a folder
_LEAST_SIZE = 64
_LONGEST_STEP = 1000
_EXACT = 1e-9


@dataclass(frozen=True, slots=True)
class Sharding:
    """A run in shards: the folder that holds it, and the side of a shard in input pixels."""

    folder: Path
    side: int


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """One block of output.

    row, col: its place on the lattice of shards. source: the part of the input's grid that it enlarges. window: on the
    full output grid.
    """

    row: int
    col: int
    source: Window
    window: Window

    @property
    def name(self) -> str:
        """'r0003_c0012'."""
        return f"r{self.row:04d}_c{self.col:04d}"

    @property
    def pixels(self) -> int:
        """Of the output, all bands as one."""
        return self.window.height * self.window.width


def sharding_of(grid: Grid, scale: float, folder: Path, options: ShardOptions, *, asked: bool) -> Sharding | None:
    """Whether and how an output is cut up.

    In shards is what ``-o FOLDER/`` asks for, what exceeds an explicit ``--shard-size`` on a side, and, without one,
    what has more than 2**30 pixels. ``--shard-size 0`` never cuts.

    Args:
        grid: of the output.
        scale: K.
        folder: where the shards would go.
        options: see `ShardOptions`.
        asked: the output was named as a folder.

    Raises:
        UsageError: a size below 64 pixels; ``-o FOLDER/`` with size 0; a scale without shared edges.
    """
    size = SIZE if options.size is None else options.size
    if size == 0:
        if asked:
            raise UsageError("--shard-size 0 writes one file, but the output is a folder", hint="name a file with -o")
        return None
    if size < _LEAST_SIZE:
        raise UsageError(f"--shard-size {size} is too small", hint=f"at least {_LEAST_SIZE} output pixels, or 0")
    large = grid.height * grid.width > ONE_FILE_PIXELS if options.size is None else max(grid.shape) > size
    return Sharding(folder, side_of(scale, size)) if large or asked else None


def side_of(scale: float, size: int) -> int:
    """The most input pixels a side whose edges fall between output pixels, at most ``size`` output pixels long.

    Raises:
        UsageError: there is no such number.
    """
    step = Fraction(scale).limit_denominator(_LONGEST_STEP).denominator
    side = int(size / scale + _EXACT) // step * step
    if side == 0 or abs(step * scale - round(step * scale)) > _EXACT * step * scale:
        raise UsageError(
            f"at x{scale:g} an output cannot be cut into shards of {size} pixels: no edge of so few input pixels "
            "falls between two output pixels",
            hint="choose a rounder --scale, a larger --shard-size, or --shard-size 0 for one file",
        )
    return side


def blocks(region: Window, side: int) -> Iterator[tuple[int, int, Window]]:
    """(row, column, part of the input) of every shard of a region, row by row."""
    for part in region.blocks(side, side):
        yield part.row // side, part.col // side, part
