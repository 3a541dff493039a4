"""A scene on another grid: windows leave no trace, nodata does not leak, and pixels land where pyproj says."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio.crs import CRS
from reading import SAMPLES, T30, UTM, noise, write_tif

from ursat.errors import UsageError
from ursat.grid import Grid, Window
from ursat.io.scene import open_scene
from ursat.types import Shift

T10 = Affine(10, 0, 300015, 0, -10, 4000005)
WKT = CRS.from_string(UTM).to_wkt()
DEGREES = CRS.from_epsg(4326).to_wkt()
ZONE_50 = CRS.from_epsg(32650).to_wkt()


def grid_like(transform: Affine, height: int, width: int, crs: str = WKT) -> Grid:
    return Grid(height, width, transform, crs)


def over(transform: Affine, crs: str, metres: float, side: int) -> Grid:
    """A north-up grid in ``crs`` around the middle of a 300 x 300 px, 10 m scene with ``transform``."""
    x, y = transform * (150, 150)
    x, y = Transformer.from_crs(WKT, crs, always_xy=True).transform(x, y)
    step = metres / 111_000 if crs == DEGREES else metres
    return grid_like(Affine(step, 0, x - step * side / 2, 0, -step, y + step * side / 2), side, side, crs)


@pytest.fixture(scope="module")
def holed(tmp_path_factory):
    """Noise with nodata holes, scattered nodata pixels and a QA_PIXEL band with clouds."""
    pixels = noise((3, 300, 300))
    pixels[:, 40:60, 70:99] = 0
    pixels[1, np.arange(300), np.arange(300)] = 0
    qa = np.full((300, 300), 21824, "uint16")
    qa[100:140, 200:220] = 22280
    path = tmp_path_factory.mktemp("holed") / "landsat9_holed.tif"
    names = ("blue", "green", "red", "QA_PIXEL")
    return write_tif(path, np.concatenate([pixels, qa[None]]), transform=T10, nodata=0, descriptions=names, tiled=True)


TARGETS = {
    "finer": grid_like(Affine.translation(-33.3, 21.7) * T10 * Affine.scale(0.31), 700, 900),
    "same size": grid_like(Affine.translation(3.3, 1.7) * T10, 290, 290),
    "coarser": grid_like(Affine.translation(-33.3, 21.7) * T10 * Affine.scale(1.7), 190, 200),
    "much coarser": grid_like(Affine.translation(-33.3, 21.7) * T10 * Affine.scale(4.3), 80, 85),
    "degrees": over(T10, DEGREES, 7, 400),
    "next zone": over(T10, ZONE_50, 9, 330),
    "rotated": grid_like(T10 * Affine.translation(100, 30) * Affine.rotation(25) * Affine.scale(0.8), 250, 250),
    "south-up": grid_like(Affine(7, 0, T10.c, 0, 7, T10.f - 3000), 400, 400),
    "one row of blocks": grid_like(Affine.translation(3.3, -1000) * T10 * Affine.scale(0.31), 100, 900),
    "one block": grid_like(T10 * Affine.scale(0.5), 100, 100),
}


@cache
def whole(path, name):
    with open_scene(str(path)) as scene, scene.warp(TARGETS[name]) as warped:
        return warped.read(warped.grid.window)


@pytest.mark.parametrize("name", TARGETS)
def test_windows_leave_no_trace(holed, name):
    full = whole(holed, name)
    assert 0.2 < full.valid.mean() < 1
    rng = np.random.default_rng(1)
    with open_scene(str(holed)) as scene, scene.warp(TARGETS[name]) as warped:
        height, width = warped.grid.shape
        for _ in range(15):
            part = Window(*(int(v) for v in rng.integers((0, 0, 1, 1), (height, width, 200, 300))))
            inside = part.intersect(warped.grid.window)
            block = warped.read(part)
            rows, cols = inside.within(warped.grid.window)
            np.testing.assert_array_equal(block.valid[:, : inside.height, : inside.width], full.valid[:, rows, cols])
            np.testing.assert_array_equal(block.values[:, : inside.height, : inside.width], full.values[:, rows, cols])
            assert not block.valid[:, inside.height :].any()
            assert not block.valid[:, :, inside.width :].any()


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(23, 170), st.integers(23, 170), st.booleans())
def test_any_tiling_gives_the_whole(holed, height, width, backwards):
    full = whole(holed, "coarser")
    with open_scene(str(holed)) as scene, scene.warp(TARGETS["coarser"]) as warped:
        parts = list(warped.grid.window.blocks(height, width))
        out = np.empty_like(full.values)
        for part in reversed(parts) if backwards else parts:
            rows, cols = part.within(warped.grid.window)
            out[:, rows, cols] = warped.read(part).values
    np.testing.assert_array_equal(out, full.values)


def smooth(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A field over the ground, in map units of the source; its shortest wave is 45 pixels."""
    return 0.4 + 0.1 * np.sin((x - T10.c) / 72) + 0.1 * np.cos((y - T10.f) / 91)


@pytest.fixture(scope="module")
def waves(tmp_path_factory):
    cols, rows = np.meshgrid(np.arange(300) + 0.5, np.arange(300) + 0.5)
    path = tmp_path_factory.mktemp("waves") / "waves.tif"
    return write_tif(path, smooth(*(T10 * (cols, rows))).astype("float32"), transform=T10)


@pytest.mark.parametrize("name", TARGETS)
def test_content_lands_where_pyproj_says(waves, name):
    target = TARGETS[name]
    cols, rows = np.meshgrid(np.arange(target.width) + 0.5, np.arange(target.height) + 0.5)
    x, y = Transformer.from_crs(target.crs, WKT, always_xy=True).transform(*(target.transform * (cols, rows)))
    shift = Shift() if target.crs == DEGREES else Shift(13.0, -7.0)
    with open_scene(str(waves)) as scene, scene.warp(target, shift=shift) as warped:
        block = warped.read(target.window)
    if name == "next zone":  # 13 m east there is not exactly 13 m east here
        back = Transformer.from_crs(target.crs, WKT, always_xy=True).transform
        x, y = back(*(Affine.translation(-13, 7) * target.transform * (cols, rows)))
    else:
        x, y = x - shift.dx, y - shift.dy
    margin = 40 if name == "much coarser" else 15
    inner = (x > T10.c + margin) & (x < T10.c + 3000 - margin) & (y < T10.f - margin) & (y > T10.f - 3000 + margin)
    assert inner.sum() > 500
    assert block.valid[0][inner].all()
    # an area mean of these waves over a 43 m pixel is up to 3 % flatter than the point value
    tolerance = 7e-3 if name == "much coarser" else 1.5e-3
    np.testing.assert_allclose(block.values[0][inner], smooth(x, y)[inner], atol=tolerance)


def test_shift_moves_the_content(holed):
    """By whole pixels it is exact, and in the direction that `Shift` states."""
    with open_scene(str(holed)) as scene, scene.warp(scene.grid, shift=Shift(20, -30)) as warped:
        source, moved = scene.read(scene.grid.window), warped.read(scene.grid.window)
        clear = scene.clear(scene.grid.window)
    # 20 m east is two columns to the right, 30 m south three rows down
    np.testing.assert_array_equal(moved.valid[:, 3:, 2:], (source.valid & clear)[:, :-3, :-2])
    valid = moved.valid[:, 3:, 2:]
    np.testing.assert_array_equal(moved.values[:, 3:, 2:][valid], source.values[:, :-3, :-2][valid])
    assert not moved.valid[:, :3].any()
    assert not moved.valid[:, :, :2].any()


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize(
    ("dtype", "nodata", "empty"), [("uint16", 0, 0), ("int16", -9999, -9999), ("float32", None, np.nan)]
)
def test_nodata_does_not_leak(tmp_path, name, dtype, nodata, empty):
    """A constant image stays constant around holes, next to single valid pixels and along the edges."""
    pixels = np.full((2, 300, 300), 5000, dtype)
    pixels[0, np.random.default_rng(0).random((300, 300)) < 0.5] = empty
    pixels[1, 100:200, 100:200] = empty
    pixels[1, 150, 150] = 5000
    path = write_tif(tmp_path / "constant.tif", pixels, transform=T10, nodata=nodata, scale=1e-4)
    with open_scene(str(path)) as scene, scene.warp(TARGETS[name]) as warped:
        block = warped.read(warped.grid.window)
    assert block.valid[1].any()
    np.testing.assert_allclose(block.values[block.valid], 0.5, rtol=1e-5)
    assert (block.values[~block.valid] == 0).all()


@pytest.mark.parametrize("factor", [0.31, 1.0, 1.5, 1.7, 2.0])
def test_half_empty_images_are_not_blown_up(tmp_path, factor):
    """A renormalised cubic kernel overshoots: where part of it is lost, bilinear stays within its neighbours."""
    pixels = noise((1, 300, 300), low=4000, high=6001)
    pixels[np.random.default_rng(5).random(pixels.shape) < 0.4] = 0
    path = write_tif(tmp_path / "half.tif", pixels, transform=T10, nodata=0)
    target = grid_like(Affine.translation(3.3, -1.7) * T10 * Affine.scale(factor), 140, 140)
    with open_scene(str(path)) as scene, scene.warp(target) as warped:
        block = warped.read(target.window)
    assert block.valid.sum() > 1000
    values = block.values[block.valid]
    assert np.mean((values < 4000) | (values > 6000)) < 2e-3


@pytest.mark.parametrize("factor", [0.31, 1.7, 4.3])
def test_a_crop_of_the_target_has_the_same_pixels(holed, factor):
    """Also where its blocks reach beyond the scene; GDAL's own estimate of the scale would differ there."""
    target = grid_like(Affine.translation(-330.3, 210.7) * T10 * Affine.scale(factor), 250, 260)
    part = Window(30, 41, 170, 190)
    with open_scene(str(holed)) as scene, scene.warp(target) as warped, scene.warp(target.crop(part)) as cropped:
        one, other = warped.read(part), cropped.read(Window(0, 0, *part.shape))
    np.testing.assert_array_equal(one.valid, other.valid)
    np.testing.assert_allclose(one.values, other.values, atol=0.5)


def test_valid_is_what_is_valid_at_the_nearest_source_pixel(holed):
    factor = 4
    with open_scene(str(holed)) as scene, scene.warp(scene.grid.finer(factor)) as warped:
        source = scene.read(scene.grid.window).valid & scene.clear(scene.grid.window)
        fine = warped.read(warped.grid.window).valid
    np.testing.assert_array_equal(fine, source.repeat(factor, 1).repeat(factor, 2))


def test_a_coarser_pixel_is_valid_only_where_all_under_it_is(holed):
    with open_scene(str(holed)) as scene:
        coarse = grid_like(T10 * Affine.scale(5), 60, 60)
        source = scene.read(scene.grid.window)
        with scene.warp(coarse) as warped:
            assert warped.resampling == "average"
            block = warped.read(coarse.window)
        valid = source.valid & scene.clear(scene.grid.window)
    blocks = valid.reshape(3, 60, 5, 60, 5)
    np.testing.assert_array_equal(block.valid, blocks.all((2, 4)))
    means = source.values.reshape(3, 60, 5, 60, 5).mean((2, 4), dtype="float64")
    np.testing.assert_allclose(block.values[block.valid], means[block.valid], rtol=1e-5)


def test_reducing_is_antialiased(tmp_path):
    """A checkerboard of single pixels has no place at twice the pixel size."""
    board = (np.indices((300, 300)).sum(0) % 2 * 8000 + 1000).astype("uint16")
    path = write_tif(tmp_path / "board.tif", board, transform=T10)
    for factor, tolerance in ((1.9, 400), (2.0, 50), (3.7, 450)):
        target = grid_like(T10 * Affine.scale(factor), int(300 / factor), int(300 / factor))
        with open_scene(str(path)) as scene, scene.warp(target) as warped:
            inner = warped.read(target.window).values[0, 5:-5, 5:-5]
        assert np.abs(inner - 5000).max() < tolerance, factor


def test_auto_resampling():
    with open_scene(str(SAMPLES / "sentinel2.tif")) as scene:
        for factor, expected in ((0.1, "cubic"), (1, "cubic"), (2, "cubic"), (2.1, "average"), (9, "average")):
            target = Grid(40, 40, scene.grid.transform * Affine.scale(factor), scene.grid.crs)
            with scene.warp(target) as warped:
                assert warped.resampling == expected
        with pytest.raises(UsageError, match="sinc"):
            scene.warp(scene.grid, resampling="sinc")


@pytest.mark.parametrize(
    "target",
    [
        grid_like(Affine(10, 0, 900000, 0, -10, 4000005), 50, 50),
        grid_like(Affine(0.1, 0, -70, 0, -0.1, -30), 50, 50, DEGREES),
    ],
)
def test_no_overlap(holed, target):
    with open_scene(str(holed)) as scene, scene.warp(target) as warped:
        assert scene.overlap(target) == 0
        block = warped.read(Window(-3, -3, 20, 60))
    assert block.values.shape == (3, 20, 60)
    assert not block.valid.any()


def test_partial_overlap(holed):
    target = grid_like(Affine.translation(1500, 0) * T10, 300, 300)
    with open_scene(str(holed)) as scene, scene.warp(target) as warped:
        assert scene.overlap(target) == pytest.approx(0.5)
        block = warped.read(target.window)
    assert not block.valid[:, :, 150:].any()
    assert block.valid[0, :, :150].mean() > 0.9


def test_overlap_of_rotated_and_reprojected_grids(tmp_path):
    rotated = T30 * Affine.translation(100, 100) * Affine.rotation(45)
    path = write_tif(tmp_path / "rotated.tif", noise((100, 100)), transform=rotated)
    with open_scene(str(path)) as scene:
        assert scene.overlap(scene.grid) == pytest.approx(1)
        # the bounding box of a square turned by 45 degrees is twice as large
        side = 100 * 2**0.5
        box = grid_like(T30 * Affine.translation(100 - side / 2, 100), round(side), round(side))
        assert scene.overlap(box) == pytest.approx(0.5, abs=0.01)
        assert scene.overlap(over(T30 * Affine.translation(-50, 20), DEGREES, 10, 50)) == pytest.approx(1)
        assert scene.overlap(Grid(100, 100, scene.grid.transform, ZONE_50)) == 0


def test_mask_band_and_alpha_hold_in_the_warp(tmp_path):
    pixels, mask = noise((2, 100, 100), low=4000, high=6000), np.full((100, 100), 255, "uint8")
    mask[30:50, 20:60] = 0
    pixels[:, mask == 0] = 60000
    masked = write_tif(tmp_path / "masked.tif", pixels, mask=mask)
    stacked = np.concatenate([pixels, mask[None].astype("uint16") * 257])
    alpha = write_tif(tmp_path / "alpha.tif", stacked, colours=("gray", "undefined", "alpha"))
    for path in (masked, alpha):
        with open_scene(str(path)) as scene, scene.warp(scene.grid.finer(3)) as warped:
            assert len(scene.info.bands) == 2
            source, block = scene.read(scene.grid.window), warped.read(warped.grid.window)
        np.testing.assert_array_equal(source.valid[0], mask != 0)
        np.testing.assert_array_equal(block.valid[0], (mask != 0).repeat(3, 0).repeat(3, 1))
        assert block.values.max() < 7000  # nothing of the 60000 under the mask


def test_large_integers_keep_every_digit(tmp_path):
    pixels = np.array([[2**31 - 1, 2**30 + 1], [-(2**30) + 1, 16777217]], "int32").repeat(20, 0).repeat(20, 1)
    path = write_tif(tmp_path / "int32.tif", pixels, nodata=-(2**31))
    with open_scene(str(path)) as scene, scene.warp(scene.grid, resampling="nearest") as warped:
        assert scene.read(scene.grid.window).values.dtype == np.float64
        np.testing.assert_array_equal(warped.read(scene.grid.window).values[0], pixels)


def test_user_mask_on_another_grid(tmp_path, holed):
    flags = np.zeros((50, 50), "uint8")
    flags[10:20] = 7
    mask = write_tif(tmp_path / "mask.tif", flags, transform=T10 * Affine.translation(-50, -50) * Affine.scale(4))
    with open_scene(str(holed), mask=str(mask)) as scene, scene.warp(scene.grid.finer(2)) as warped:
        clear = scene.clear(scene.grid.window)
        fine = warped.read(warped.grid.window).valid
        source = scene.read(scene.grid.window).valid
    # mask rows 10-19 of 40 m lie 500 m above the scene: scene rows -10 .. 30
    expected = np.ones((300, 300), bool)
    expected[:30, :150] = False
    np.testing.assert_array_equal(clear, expected)
    np.testing.assert_array_equal(fine, (source & expected).repeat(2, 1).repeat(2, 2))


def test_real_pair_aligns():
    """The sample scene's known offset of about 20 m: moving Sentinel-2 north raises the correlation."""
    with (
        open_scene(str(SAMPLES / "landsat8.tif"), bands=("red",)) as landsat,
        open_scene(str(SAMPLES / "sentinel2.tif"), bands=("red",)) as sentinel,
    ):
        red = landsat.read(landsat.grid.window)

        def correlation(dy: float) -> float:
            with sentinel.warp(landsat.grid, shift=Shift(0, dy)) as warped:
                other = warped.read(landsat.grid.window)
            both = red.valid & other.valid & (other.values < 0.25)  # without most of the cloud
            return float(np.corrcoef(red.values[both], other.values[both])[0, 1])

        assert correlation(20) > max(correlation(-20), correlation(0)) + 0.01
