"""Where two grids lie on each other: overlap and relative pixel size, across CRSs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import CRS, Transformer

if TYPE_CHECKING:
    from affine import Affine

    from ursat.grid import Grid

EDGE_POINTS = 65  # points along each edge: its curvature in another CRS


def overlap(source: Grid, target: Grid) -> float:
    """The share of ``target``'s area, 0..1, that lies inside ``source``'s rectangle (whatever its rotation or CRS).

    Edges are densified before they are projected. Areas are measured in the target's pixels.
    """
    to_target = _transformer(source, target)
    cols, rows = _outline(source)
    x, y = _apply(source.transform, cols, rows)
    if to_target is not None:
        x, y = to_target.transform(x, y)
    cols, rows = _apply(~target.transform, x, y)
    finite = np.isfinite(cols) & np.isfinite(rows)
    if finite.sum() < 4:
        return 0.0
    footprint = shapely.make_valid(shapely.Polygon(np.column_stack([cols[finite], rows[finite]])))
    frame = shapely.box(0, 0, target.width, target.height)
    return min(1.0, float(shapely.intersection(footprint, frame).area / frame.area))


def pixel_ratio(source: Grid, target: Grid) -> tuple[float, float]:
    """How many source pixels one target pixel spans along its row and along its column, at the target's centre.

    Falls back on the ground sampling distances where the centre does not project into the source's CRS.
    """
    row, col = target.height / 2, target.width / 2
    x, y = _apply(target.transform, np.array([col, col + 1, col]), np.array([row, row, row + 1]))
    to_source = _transformer(target, source)
    if to_source is not None:
        x, y = to_source.transform(x, y)
    cols, rows = _apply(~source.transform, x, y)
    along_row = math.hypot(cols[1] - cols[0], rows[1] - rows[0])
    along_col = math.hypot(cols[2] - cols[0], rows[2] - rows[0])
    if not (math.isfinite(along_row) and math.isfinite(along_col)) or min(along_row, along_col) == 0:
        return target.gsd_m / source.gsd_m, target.gsd_m / source.gsd_m
    return along_row, along_col


def _outline(grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    t = np.linspace(0, 1, EDGE_POINTS)[:-1]
    zero, one = np.zeros_like(t), np.ones_like(t)
    cols = np.concatenate([t, one, 1 - t, zero]) * grid.width
    rows = np.concatenate([zero, t, one, 1 - t]) * grid.height
    return cols, rows


def _apply(transform: Affine, cols: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (
        transform.a * cols + transform.b * rows + transform.c,
        transform.d * cols + transform.e * rows + transform.f,
    )


def _transformer(source: Grid, target: Grid) -> Transformer | None:
    if source.crs == target.crs:
        return None
    a, b = CRS.from_user_input(source.crs), CRS.from_user_input(target.crs)
    return None if a == b else Transformer.from_crs(a, b, always_xy=True)
