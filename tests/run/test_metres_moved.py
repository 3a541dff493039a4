"""A shift that is reported is one on the ground, whatever the CRS counts in."""

from __future__ import annotations

import pytest
from affine import Affine

from ursat.grid import Grid
from ursat.run.prepare import metres_moved, pixels_to_map


@pytest.mark.parametrize(
    ("crs", "transform", "metres"),
    [
        ("EPSG:32649", Affine(40, 0, 5e5, 0, -40, 4e6), (20, 10)),
        ("EPSG:2263", Affine(100, 0, 1e6, 0, -100, 2e5), (15.24, 7.62)),
        ("EPSG:4326", Affine(0.001, 0, 10, 0, -0.001, 60), (27.9, 27.85)),
        ("EPSG:3857", Affine(40, 0, 1e6, 0, -40, 8_399_738), (10.03, 5.0)),
    ],
    ids=["metres", "feet", "degrees", "web-mercator"],
)
def test_half_a_pixel_right_and_a_quarter_up(crs: str, transform: Affine, metres: tuple[float, float]) -> None:
    grid = Grid(10, 10, transform, crs)
    east, north = metres_moved(grid, pixels_to_map(grid, drow=-0.25, dcol=0.5))
    assert (east, north) == pytest.approx(metres, rel=3e-3)
    assert metres_moved(grid, pixels_to_map(grid, 0.25, -0.5)) == pytest.approx((-east, -north), rel=1e-4)
