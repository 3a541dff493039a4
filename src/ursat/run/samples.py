"""Where scene statistics are taken: windows placed by the grids alone, the same whatever part of the scene is run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from ursat.errors import InputError
from ursat.grid import Grid, Window
from ursat.run.region import to_pixels

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from ursat.types import Reader

_SIZE = 256
# On the reference's working grid: pixels a side of a window, and of all windows laid side by side. All are in memory at
# once, in every band: docs/decisions.md, 18.
_FINE_SIDE, _FINE_ALL = 512, 2048
_WHOLE_LIMIT = 384
_PER_SIDE, _LEAST_PER_SIDE = 4, 2
# A remote scene is measured on fewer and smaller windows; the rest of 64 MB is for headers and for the probes.
_STREAMED_SIZE = 128
STREAMED_BYTES, _STREAMED_PAIR_BYTES = 10 << 20, 24 << 20
_KERNEL = 8  # pixels of the reference around a window that resampling and its filters see


class Streamed(Protocol):
    """What of a scene decides which windows it is measured on; `ursat.io.scene.Scene` is one."""

    @property
    def grid(self) -> Grid:
        """Its own grid."""
        ...

    @property
    def remote(self) -> bool:
        """Whether its pixels come over the network."""
        ...

    def transfer(self, window: Window) -> Mapping[Hashable, int]:
        """What reading a window fetches: {block: bytes}."""
        ...


def sample_windows(area: Window, factor: int = 1, size: int = _SIZE) -> tuple[Window, ...]:
    """Windows of an area that stand for it, at most 16.

    An area of up to 1.5 times ``size`` a side is taken whole. Otherwise windows of ``size`` pixels a side, evenly
    spread; fewer and smaller ones, where the reference's grid is ``factor`` times finer and all of them together would
    grow beyond 2048 pixels a side (but 4 of 32 pixels always).
    """
    whole_limit = size * _WHOLE_LIMIT // _SIZE
    if max(area.shape) <= whole_limit and max(area.shape) * factor <= _FINE_ALL:
        return (area,)
    size = max(32, min(size, _FINE_SIDE // factor))
    per_side = max(_LEAST_PER_SIDE, min(_PER_SIDE, _FINE_ALL // (size * factor)))

    def starts(origin: int, length: int) -> list[int]:
        if length <= size:
            return [origin]
        count = min(per_side, math.ceil(length / size))
        return sorted({origin + round(i * (length - size) / max(1, count - 1)) for i in range(count)})

    rows, cols = starts(area.row, area.height), starts(area.col, area.width)
    return tuple(Window(r, c, min(size, area.height), min(size, area.width)) for r in rows for c in cols)


def measured_windows(
    area: Window, factor: int, scene: Streamed, reference: Streamed | None = None, *, margin_m: float = 0.0
) -> tuple[Window, ...]:
    """The sample windows of ``area``; of scenes on a server as many smaller ones as a fixed number of bytes buys.

    Which ones depends on the files and on ``area`` alone, never on the part of the scene that is run.

    Args:
        area: on the scene's grid.
        factor: how much finer the reference's working grid is.
        scene: the input.
        reference: is read around the same windows.
        margin_m: how far around them, metres.

    Raises:
        InputError: not even one window can be had for that many bytes.
    """
    if not scene.remote and (reference is None or not reference.remote):
        return sample_windows(area, factor)

    def transfer(window: Window) -> dict[Hashable, int]:
        found = dict(scene.transfer(window))
        if reference is not None:
            found |= reference.transfer(window_under(reference.grid, scene.grid, window, margin_m))
        return found

    fetched = [(window, transfer(window)) for window in sample_windows(area, factor, _STREAMED_SIZE)]
    budget = STREAMED_BYTES if reference is None else _STREAMED_PAIR_BYTES
    return _affordable(fetched, budget)


def window_under(grid: Grid, other: Grid, window: Window, margin_m: float) -> Window:
    """The window of ``grid`` that resampling onto ``window`` of ``other`` reads, moved by up to ``margin_m`` metres."""
    return overlap_window(grid, other.crop(window)).pad(_KERNEL + math.ceil(margin_m / grid.gsd_m))


def _affordable(windows: list[tuple[Window, dict[Hashable, int]]], budget: int) -> tuple[Window, ...]:
    """Windows whose blocks together stay within ``budget``: at each turn the one farthest from those chosen so far."""
    chosen: list[Window] = []
    paid: dict[Hashable, int] = {}
    left = dict(windows)
    while left:
        middle = len(left) // 2
        after = max(left, key=lambda w: _distance(w, chosen)) if chosen else sorted(left)[middle]
        blocks = paid | left.pop(after)
        if sum(blocks.values()) <= budget:
            chosen.append(after)
            paid = blocks
    if not chosen:
        raise InputError(
            f"the remote files' blocks are too large: one window of statistics would fetch over {budget >> 20} MB",
            hint="download the files first, or store them with smaller blocks: gdal_translate -of COG IN OUT.tif",
        )
    return tuple(sorted(chosen))


def _distance(window: Window, others: Sequence[Window]) -> int:
    return min((window.row - other.row) ** 2 + (window.col - other.col) ** 2 for other in others)


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
