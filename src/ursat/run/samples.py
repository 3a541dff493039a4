"""Where scene statistics are taken: windows placed by the grids alone, the same whatever part of the scene is run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ursat.grid import Grid, Window
from ursat.run.region import to_pixels

if TYPE_CHECKING:
    from ursat.types import Reader

_SIZE = 256
_FINE_LIMIT = 1024  # pixels a side of a window on the reference's working grid
_WHOLE_LIMIT = 384
_PER_SIDE = 4


def sample_windows(area: Window, factor: int = 1) -> tuple[Window, ...]:
    """Windows of an area that stand for it, at most 16.

    An area of up to 384 pixels a side is taken whole. Otherwise windows of 256 pixels a side (fewer, where the
    reference's grid is ``factor`` times finer and would grow beyond 1024), evenly spread.
    """
    size = max(32, min(_SIZE, _FINE_LIMIT // factor))
    if max(area.shape) <= _WHOLE_LIMIT and max(area.shape) * factor <= 2 * _FINE_LIMIT:
        return (area,)

    def starts(origin: int, length: int) -> list[int]:
        if length <= size:
            return [origin]
        count = min(_PER_SIDE, math.ceil(length / size))
        return sorted({origin + round(i * (length - size) / max(1, count - 1)) for i in range(count)})

    rows, cols = starts(area.row, area.height), starts(area.col, area.width)
    return tuple(Window(r, c, min(size, area.height), min(size, area.width)) for r in rows for c in cols)


def overlap_window(grid: Grid, other: Grid) -> Window:
    """The bounding window, on ``grid``, of the ground that ``other`` covers."""
    import shapely  # noqa: PLC0415

    t = other.transform
    corners = [(0, 0), (other.width, 0), (other.width, other.height), (0, other.height)]
    world = [(t.a * c + t.b * r + t.c, t.d * c + t.e * r + t.f) for c, r in corners]
    left, top, right, bottom = to_pixels(shapely.Polygon(world), other.crs, grid).bounds
    box = Window(math.floor(top), math.floor(left), math.ceil(bottom - top) + 1, math.ceil(right - left) + 1)
    return box.intersect(grid.window)


def whole_is_valid(source: Reader, area: Window) -> bool:
    """Whether every pixel of ``area`` is valid; stops at the first strip that is not."""
    strip = max(1, (1 << 22) // max(1, area.width))
    for row in range(area.row, area.row_stop, strip):
        part = Window(row, area.col, min(strip, area.row_stop - row), area.width)
        if not source.read(part).valid.all():
            return False
    return True
