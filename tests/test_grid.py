"""Grids and windows: exact subdivision, and the laws of windows."""

from __future__ import annotations

import math

import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from ursat.errors import UsageError
from ursat.grid import Grid, Window, ceil_scaled

UTM = Grid(120, 100, Affine(30, 0, 300015, 0, -30, 4_200_015), "EPSG:32649")
windows = st.builds(Window, st.integers(-300, 300), st.integers(-300, 300), st.integers(1, 200), st.integers(1, 200))


@pytest.mark.parametrize("scale", [2, 3, 7.5, 8, 10, 32, 100, 128, 30 / 0.23])
@pytest.mark.parametrize(
    "transform",
    [
        Affine(30, 0, 300015, 0, -30, 4_200_015),
        Affine(30, 0, 300015, 0, 30, 4_100_000),
        Affine.translation(5e5, 4e6) * Affine.rotation(20) * Affine.scale(30, -30),
        Affine(0.00027, 0, 103.2, 0, -0.00027, 31.5),
    ],
    ids=["north-up", "south-up", "rotated", "degrees"],
)
def test_finer_grid_is_exact(scale: float, transform: Affine) -> None:
    grid = Grid(120, 100, transform, "EPSG:32649")
    fine = grid.finer(scale)
    assert fine.transform == transform * Affine.scale(1 / scale)
    assert fine.crs == grid.crs
    assert fine.shape == (ceil_scaled(120, scale), ceil_scaled(100, scale))
    assert (fine.transform.c, fine.transform.f) == (transform.c, transform.f)


@given(st.integers(1, 20_000), st.floats(2, 200))
def test_ceil_scaled_covers_and_is_tight(pixels: int, scale: float) -> None:
    size = ceil_scaled(pixels, scale)
    assert size >= pixels * scale * (1 - 1e-8)
    assert size - 1 < pixels * scale * (1 + 1e-8)


def test_ceil_scaled_forgives_the_last_bit() -> None:
    assert ceil_scaled(7, 0.1 * 3 / 0.1) == 21


def test_gsd_in_metres() -> None:
    assert UTM.gsd_m == 30
    feet = Grid(10, 10, Affine(100, 0, 0, 0, -100, 0), "EPSG:2263")
    assert feet.gsd_m == pytest.approx(30.48, rel=1e-3)
    degrees = Grid(2, 2, Affine(1 / 3600, 0, 10, 0, -1 / 3600, 60), "EPSG:4326")
    # An arc second at 60 degrees north: 15.5 m east, 30.9 m north (WGS 84).
    assert degrees.gsd_m == pytest.approx((15.5 + 30.95) / 2, rel=0.01)


def square(crs: str, lon: float, lat: float, metres: float = 10) -> Grid:
    """Some pixels of a projected CRS about a place."""
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    return Grid(20, 10, Affine(metres, 0, x - 5 * metres, 0, -metres, y + 10 * metres), crs)


@pytest.mark.parametrize(("latitude", "half"), [(0, 1), (60, 0.5), (-60, 0.5), (75.5225, 0.25)])
def test_a_metre_of_web_mercator_shrinks_with_latitude(latitude: float, half: float) -> None:
    found = square("EPSG:3857", 9, latitude).gsd_m
    assert found == pytest.approx(10 * half, rel=0.006)
    # The projection is the sphere's; the ground is WGS 84's, with its radii along the meridian and across it.
    bent = 1 - 0.00669437999 * math.sin(math.radians(latitude)) ** 2
    north, east = (1 - 0.00669437999) / bent**1.5, 1 / bent**0.5
    expected = 10 * math.cos(math.radians(latitude)) * (north + east) / 2
    assert found == pytest.approx(10 if latitude == 0 else expected, rel=1e-5)


@pytest.mark.parametrize(
    ("crs", "lon", "lat"),
    [
        ("EPSG:32633", 15, 60),
        ("EPSG:32633", 18, 0),
        ("EPSG:2154", 3, 46.5),
        ("EPSG:3035", -9.7, 38.2),
        ("EPSG:3031", 45, -70),
    ],
)
def test_true_to_scale_projections_keep_their_nominal_size(crs: str, lon: float, lat: float) -> None:
    assert square(crs, lon, lat).gsd_m == 10


def test_both_axes_count_however_the_grid_is_turned() -> None:
    # Equal-area cylindrical, true at 30 degrees: at 60 degrees a metre east is 0.58 m and a metre north 1.73 m.
    upright = square("EPSG:6933", 9, 60, 100)
    assert upright.gsd_m == pytest.approx((58 + 173) / 2, rel=0.01)
    turned = Grid(20, 10, upright.transform * Affine.rotation(90, (5, 10)), upright.crs)
    assert turned.gsd_m == pytest.approx(upright.gsd_m, rel=1e-3)


def test_where_the_ground_is_not_known_the_nominal_size_stands() -> None:
    site = 'LOCAL_CS["site",UNIT["metre",1]]'
    assert Grid(4, 4, Affine(2, 0, 0, 0, -2, 0), site).gsd_m == 2
    beyond = Grid(4, 4, Affine(10, 0, 9e7, 0, -10, 9e7), "EPSG:3035")
    assert beyond.gsd_m == 10


def test_lengths_are_of_each_vector_on_its_own() -> None:
    degrees = Grid(2, 2, Affine(1 / 3600, 0, 10, 0, -1 / 3600, 60), "EPSG:4326")
    assert degrees.lengths_m((0, 0), (-0.001, 0), (0, 0.001)) == pytest.approx((0, 55.8, 111.4), rel=1e-3)
    assert UTM.lengths_m((3, 4), (0, 0)) == (5, 0)
    assert Grid(2, 2, Affine(1, 0, 0, 0, -1, 0), "").lengths_m((3, 4)) == (5,)


def test_corner_lands_where_pyproj_says() -> None:
    fine = UTM.finer(32)
    x, y = fine.transform * (64, 96)  # input pixel column 2, row 3
    lon, lat = Transformer.from_crs(UTM.crs, "EPSG:4326", always_xy=True).transform(300015 + 60, 4_200_015 - 90)
    back = Transformer.from_crs("EPSG:4326", UTM.crs, always_xy=True).transform(lon, lat)
    assert (x, y) == pytest.approx(back, abs=1e-6)


def test_geobox_agrees() -> None:
    box = UTM.geobox
    assert box.shape == (120, 100)
    assert box.extent.boundingbox.bbox[0] == 300015


def test_crop_moves_the_corner() -> None:
    part = UTM.crop(Window(3, 2, 10, 20))
    assert part.shape == (10, 20)
    assert (part.transform.c, part.transform.f) == (300015 + 60, 4_200_015 - 90)
    assert UTM.crop(UTM.window).transform is UTM.transform


def test_nonsense_is_refused() -> None:
    with pytest.raises(UsageError):
        UTM.finer(0)
    with pytest.raises(ValueError, match="negative"):
        Window(0, 0, -1, 2)
    with pytest.raises(ValueError, match="not inside"):
        Window(0, 0, 5, 5).within(Window(1, 1, 2, 2))


@given(windows, windows)
def test_intersection_commutes_and_is_inside(a: Window, b: Window) -> None:
    both = a.intersect(b)
    assert both.shape == b.intersect(a).shape
    if not both.empty:
        assert a.contains(both)
        assert b.contains(both)


@given(windows, st.integers(1, 9))
def test_coarser_covers_and_is_smallest(window: Window, factor: int) -> None:
    coarse = window.coarser(factor)
    assert coarse.finer(factor).contains(window)
    shrunk = Window(coarse.row + 1, coarse.col, coarse.height - 1, coarse.width)
    assert not shrunk.finer(factor).contains(window)
    assert window.finer(factor).coarser(factor) == window


@given(windows, st.integers(1, 64), st.integers(1, 64))
def test_blocks_tile_the_window(window: Window, height: int, width: int) -> None:
    blocks = list(window.blocks(height, width))
    assert sum(b.height * b.width for b in blocks) == window.height * window.width
    assert all(window.contains(b) for b in blocks)
    assert all(b.row // height == (b.row_stop - 1) // height for b in blocks)
    assert len({(b.row, b.col) for b in blocks}) == len(blocks)


@given(windows, st.integers(0, 20))
def test_pad_then_within(window: Window, halo: int) -> None:
    rows, cols = window.within(window.pad(halo))
    assert (rows.start, cols.start) == (halo, halo)
    assert (rows.stop - rows.start, cols.stop - cols.start) == window.shape


def test_scaled_sizes_never_lose_ground() -> None:
    for scale in (2.5, 7.5, 130.4347826):
        assert UTM.finer(scale).width * (1 / scale) >= UTM.width - 1e-9
        assert math.isclose(UTM.finer(scale).pixel_size[0], 30 / scale)
