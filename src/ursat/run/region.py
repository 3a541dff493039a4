"""Which part of the input a run covers: a pixel window, a bounding box or a polygon."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.errors import InputError, UsageError
from ursat.grid import Grid, Window

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from ursat.run.options import UpscaleOptions

_SNAP = 1e-6  # of a pixel: bounds written with finite digits still mean the pixel edge


@dataclass(frozen=True, slots=True)
class Region:
    """The window of the input grid that is computed, and the polygon (in pixel coordinates) inside it, if any."""

    window: Window
    polygon: BaseGeometry | None = None

    @property
    def whole(self) -> bool:
        """True when no polygon cuts into the window."""
        return self.polygon is None

    def keep(self, window: Window) -> NDArray[np.bool_]:
        """(h, w): which input pixels of ``window`` the polygon touches, with area; all of them without a polygon."""
        if self.polygon is None:
            return np.ones(window.shape, dtype=bool)
        from shapely import box, intersects, prepare, touches  # noqa: PLC0415

        prepare(self.polygon)
        rows = np.arange(window.row, window.row_stop)[:, None]
        cols = np.arange(window.col, window.col_stop)[None, :]
        left, top = np.broadcast_arrays(cols, rows)
        cells = box(left, top, left + 1, top + 1)
        kept = intersects(self.polygon, cells) & ~touches(self.polygon, cells)
        return np.asarray(kept, dtype=bool)


def find_region(grid: Grid, options: UpscaleOptions) -> Region:
    """The region that ``--window``, ``--bbox`` or ``--aoi`` asks for; the whole grid by default.

    Boxes and polygons are snapped outward to whole input pixels.

    Raises:
        UsageError: more than one of them, or a malformed one.
        InputError: it does not touch the input.
    """
    given = [n for n, v in (("window", options.window), ("bbox", options.bbox), ("aoi", options.aoi)) if v is not None]
    if len(given) > 1:
        names = " and ".join(f"--{name}" for name in given)
        raise UsageError(f"{names} exclude each other", hint="give one of them")
    polygon = None
    if options.window is not None:
        col, row, width, height = options.window
        if width <= 0 or height <= 0:
            raise UsageError(f"--window has no size: {width} x {height}", hint="--window col,row,width,height")
        window = Window(row, col, height, width)
        if not grid.window.contains(window):
            raise UsageError(
                f"--window {col},{row},{width},{height} reaches outside the input of {grid.width} x {grid.height}",
                hint="it counts input pixels: column, row, width, height",
            )
        return Region(window)
    if options.bbox is not None:
        west, south, east, north = options.bbox
        if west >= east or south >= north:
            raise UsageError("--bbox must be west,south,east,north with west < east and south < north")
        from shapely import box  # noqa: PLC0415

        window = _bounds(to_pixels(box(west, south, east, north), options.bbox_crs or grid.crs, grid))
    elif options.aoi is not None:
        geometry, crs = read_aoi(options.aoi)
        polygon = to_pixels(geometry, crs, grid)
        window = _bounds(polygon)
    else:
        return Region(grid.window)
    window = window.intersect(grid.window)
    if window.empty:
        raise InputError(f"--{given[0]} does not touch the input", hint="check its CRS (--bbox-crs) and axis order")
    return Region(window, polygon)


def _bounds(geometry: BaseGeometry) -> Window:
    left, top, right, bottom = geometry.bounds
    row, col = math.floor(top + _SNAP), math.floor(left + _SNAP)
    return Window(row, col, max(0, math.ceil(bottom - _SNAP) - row), max(0, math.ceil(right - _SNAP) - col))


def to_pixels(geometry: BaseGeometry, crs: str, grid: Grid) -> BaseGeometry:
    """A geometry in ``crs`` as (column, row) coordinates of ``grid``; edges are densified before reprojection.

    Raises:
        UsageError: when ``crs`` cannot be understood.
    """
    import shapely  # noqa: PLC0415
    from pyproj import CRS, Transformer  # noqa: PLC0415
    from pyproj.exceptions import CRSError  # noqa: PLC0415

    try:
        source, target = CRS.from_user_input(crs), CRS.from_user_input(grid.crs)
    except CRSError as error:
        raise UsageError(f"cannot understand the CRS {crs!r}", hint="an EPSG code such as EPSG:4326") from error
    if source != target:
        minx, miny, maxx, maxy = geometry.bounds
        longest = max(maxx - minx, maxy - miny)
        geometry = shapely.segmentize(geometry, longest / 64 or 1.0)
        transformer = Transformer.from_crs(source, target, always_xy=True)
        geometry = shapely.transform(geometry, lambda xy: np.stack(transformer.transform(xy[:, 0], xy[:, 1]), axis=1))
    inverse = ~grid.transform

    def pixels(xy: NDArray[Any]) -> NDArray[Any]:
        x, y = xy[:, 0], xy[:, 1]
        return np.stack([inverse.a * x + inverse.b * y + inverse.c, inverse.d * x + inverse.e * y + inverse.f], axis=1)

    moved = shapely.transform(geometry, pixels)
    if not np.all(np.isfinite(moved.bounds)):
        raise UsageError("the region cannot be projected to the input's CRS", hint="check --bbox-crs and axis order")
    return moved


def read_aoi(source: str) -> tuple[BaseGeometry, str]:
    """A GeoJSON polygon from a file or '-' (stdin): (geometry, CRS). RFC 7946: longitude, latitude unless named.

    Raises:
        InputError: when it cannot be read or holds no area.
    """
    import shapely  # noqa: PLC0415

    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
        data = json.loads(text)
        crs = ((data.get("crs") or {}).get("properties") or {}).get("name") or "OGC:CRS84"
        kind = data.get("type")
        if kind == "FeatureCollection":
            parts = [f["geometry"] for f in data["features"]]
        else:
            parts = [data["geometry"] if kind == "Feature" else data]
        geometry = shapely.union_all([shapely.make_valid(shapely.from_geojson(json.dumps(part))) for part in parts])
    except (
        OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, shapely.errors.ShapelyError
    ) as error:  # fmt: skip
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"cannot read a GeoJSON area from {source}: {reason}", hint="--aoi FILE.geojson, or -"
        ) from error
    if geometry.area == 0:
        raise InputError(f"the area in {source} is empty", hint="--aoi wants a polygon")
    return geometry, crs
