"""The pixel grid of a scene and its exact subdivisions. Pure values; no file is touched here.

Rows and columns are integers counted from the top-left corner of a grid; windows are half open.
World coordinates appear only at the edges: in transforms and in bounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from affine import Affine

from ursat.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odc.geo.geobox import GeoBox
    from pyproj import CRS

_NOMINAL = 0.01  # how far a projected metre may be from a metre on the ground and still be called one


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A half-open block of pixels: rows ``row .. row+height``, columns ``col .. col+width``.

    May lie partly or wholly outside the grid it refers to (a halo does).
    """

    row: int
    col: int
    height: int
    width: int

    def __post_init__(self) -> None:
        if self.height < 0 or self.width < 0:
            raise ValueError(f"negative window size {self.height} x {self.width}")

    @property
    def row_stop(self) -> int:
        """First row below the window."""
        return self.row + self.height

    @property
    def col_stop(self) -> int:
        """First column right of the window."""
        return self.col + self.width

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width

    @property
    def empty(self) -> bool:
        """True when the window holds no pixel."""
        return self.height == 0 or self.width == 0

    def pad(self, halo: int) -> Window:
        """The window grown by ``halo`` pixels on each side."""
        return Window(self.row - halo, self.col - halo, self.height + 2 * halo, self.width + 2 * halo)

    def intersect(self, other: Window) -> Window:
        """The common part; empty (size 0) when there is none."""
        row, col = max(self.row, other.row), max(self.col, other.col)
        height = max(0, min(self.row_stop, other.row_stop) - row)
        width = max(0, min(self.col_stop, other.col_stop) - col)
        return Window(row, col, height, width)

    def contains(self, other: Window) -> bool:
        """True when ``other`` lies wholly inside."""
        return (
            self.row <= other.row
            and self.col <= other.col
            and other.row_stop <= self.row_stop
            and other.col_stop <= self.col_stop
        )

    def finer(self, factor: int) -> Window:
        """The same ground on a grid ``factor`` times finer."""
        return Window(self.row * factor, self.col * factor, self.height * factor, self.width * factor)

    def coarser(self, factor: int) -> Window:
        """The smallest window of a grid ``factor`` times coarser that covers this one."""
        outer = self.snap(factor, factor)
        return Window(outer.row // factor, outer.col // factor, outer.height // factor, outer.width // factor)

    def snap(self, rows: int, cols: int) -> Window:
        """Round outward to whole blocks of ``rows x cols`` anchored at the absolute origin."""
        row, col = self.row // rows * rows, self.col // cols * cols
        height = -(-self.row_stop // rows) * rows - row
        width = -(-self.col_stop // cols) * cols - col
        return Window(row, col, height, width)

    def within(self, outer: Window) -> tuple[slice, slice]:
        """(row slice, column slice) of this window inside an array that holds ``outer``."""
        if not outer.contains(self):
            raise ValueError(f"{self} is not inside {outer}")
        row, col = self.row - outer.row, self.col - outer.col
        return slice(row, row + self.height), slice(col, col + self.width)

    def blocks(self, height: int, width: int) -> Iterator[Window]:
        """Whole blocks anchored at the absolute origin that touch this window, clipped to it, row by row."""
        for row in range(self.row // height * height, self.row_stop, height):
            for col in range(self.col // width * width, self.col_stop, width):
                part = Window(row, col, height, width).intersect(self)
                if not part.empty:
                    yield part


@dataclass(frozen=True, slots=True)
class Grid:
    """Shape, affine transform and CRS of a raster: (height, width), pixel corner -> world, WKT or ''.

    The transform maps (column, row) of a pixel *corner* to world coordinates, as in GDAL with AREA_OR_POINT
    normalised. An empty ``crs`` means unknown.
    """

    height: int
    width: int
    transform: Affine
    crs: str

    @property
    def geobox(self) -> GeoBox:
        """The same grid as an odc-geo GeoBox, for its geometry algebra."""
        from odc.geo.geobox import GeoBox  # noqa: PLC0415  (0.4 s: only where geometry is needed)

        return GeoBox((self.height, self.width), self.transform, self.crs or None)

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.height, self.width

    @property
    def window(self) -> Window:
        """The whole grid as a window."""
        return Window(0, 0, self.height, self.width)

    @property
    def pixel_size(self) -> tuple[float, float]:
        """(along a row, along a column) lengths of a pixel's sides in CRS units; also for rotated grids."""
        t = self.transform
        return math.hypot(t.a, t.d), math.hypot(t.b, t.e)

    @property
    def gsd_m(self) -> float:
        """Ground sampling distance in metres: the mean of a pixel's two sides, as `lengths_m` measures them."""
        t = self.transform
        return sum(self.lengths_m((t.a, t.d), (t.b, t.e))) / 2

    def lengths_m(self, *vectors: tuple[float, float]) -> tuple[float, ...]:
        """Lengths in metres of vectors (x, y) in CRS units that start at the centre of the grid.

        On the ground, as the CRS's ellipsoid has it: a metre of Web Mercator at 60 degrees north is half a metre. Where
        a projection keeps a length within 1 % (UTM, national grids), and where the centre lies outside it, the length
        times the CRS's linear unit, as catalogues state it: 10 m of UTM are 10 m. Without a CRS its units are metres.
        """
        plain = tuple(math.hypot(*vector) for vector in vectors)
        if not self.crs:
            return plain
        from pyproj import CRS  # noqa: PLC0415

        crs = CRS.from_user_input(self.crs)
        ground = self._on_the_ground(crs, vectors)
        if crs.is_geographic:
            return ground
        unit = crs.axis_info[0].unit_conversion_factor if crs.axis_info else 1.0
        nominal = (length * unit for length in plain)
        return tuple(
            measured if math.isfinite(measured) and abs(measured - stated) > _NOMINAL * stated else stated
            for measured, stated in zip(ground, nominal, strict=True)
        )

    def _on_the_ground(self, crs: CRS, vectors: tuple[tuple[float, float], ...]) -> tuple[float, ...]:
        """Metres along the CRS's ellipsoid; not finite where the CRS says nothing of the place."""
        from pyproj import Geod, Transformer  # noqa: PLC0415

        if crs.geodetic_crs is None:  # a site's own grid
            return (math.inf,) * len(vectors)
        t, (col, row) = self.transform, (self.width / 2, self.height / 2)
        x, y = t.a * col + t.b * row + t.c, t.d * col + t.e * row + t.f
        to_degrees = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
        lon, lat = to_degrees.transform([x, *(x + dx for dx, _ in vectors)], [y, *(y + dy for _, dy in vectors)])
        if not all(map(math.isfinite, (*lon, *lat))):
            return (math.inf,) * len(vectors)
        geod = crs.get_geod() or Geod(ellps="WGS84")
        _, _, lengths = geod.inv([lon[0]] * len(vectors), [lat[0]] * len(vectors), lon[1:], lat[1:])
        return tuple(float(length) for length in lengths)

    def finer(self, scale: float) -> Grid:
        """The grid with pixels ``scale`` times smaller that covers this one: ceil(scale x n) pixels a side.

        ``transform == T * Affine.scale(1/scale)`` exactly, so the top-left corner stays where it is.
        """
        if scale <= 0:
            raise UsageError(f"scale must be positive, got {scale}")
        return Grid(
            ceil_scaled(self.height, scale),
            ceil_scaled(self.width, scale),
            self.transform * Affine.scale(1 / scale),
            self.crs,
        )

    def crop(self, window: Window) -> Grid:
        """The part of the grid under ``window`` (which may reach outside)."""
        t = self.transform
        # At the corner: exactly the same six numbers, not their sums with zero.
        moved = t if (window.row, window.col) == (0, 0) else t * Affine.translation(window.col, window.row)
        return Grid(window.height, window.width, moved, self.crs)


def ceil_scaled(pixels: int, scale: float) -> int:
    """ceil(pixels x scale), immune to the last bit of a scale such as 30/0.1.

    A product within 1e-9 (relative) of an integer is that integer.
    """
    exact = pixels * scale
    nearest = round(exact)
    if abs(exact - nearest) <= 1e-9 * max(1.0, abs(exact)):
        return nearest
    return math.ceil(exact)
