import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

from ursat.errors import InputError
from ursat.io.picture import picture_header, read_picture

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 20, 30), dtype=np.uint8)


def geotiff(path, pixels, **more):
    tags = {name: more.pop(name) for name in ("scales", "offsets", "colorinterp") if name in more}
    profile = {"crs": "EPSG:32633", "transform": from_origin(500_000, 5_000_000, 10, 10), **more}
    count, height, width = pixels.shape
    with rasterio.open(
        path, "w", driver="GTiff", count=count, height=height, width=width, dtype=pixels.dtype, **profile
    ) as file:
        file.write(pixels)
        for name, value in tags.items():
            setattr(file, name, value)


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_pictures_come_back_as_they_are_and_in_part(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(np.moveaxis(PIXELS, 0, -1)).save(path, lossless=True)
    assert (picture_header(path).shape, picture_header(path).gsd_m) == ((20, 30), None)
    np.testing.assert_array_equal(read_picture(path), PIXELS)
    np.testing.assert_array_equal(read_picture(path, (5, 10, 8, 4)), PIXELS[:, 5:13, 10:14])


def test_grey_stands_for_all_three_and_alpha_is_left_out(tmp_path):
    Image.fromarray(PIXELS[0]).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "grey.png"), PIXELS[[0, 0, 0]])
    both = np.concatenate([PIXELS, np.full_like(PIXELS[:1], 255)])
    Image.fromarray(np.moveaxis(both, 0, -1)).save(tmp_path / "alpha.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "alpha.png"), PIXELS)


def test_red_is_first_whatever_the_order(tmp_path):
    order = [ColorInterp.blue, ColorInterp.green, ColorInterp.red]
    geotiff(tmp_path / "a.tif", PIXELS, colorinterp=order)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif"), PIXELS[::-1])


@pytest.mark.parametrize(
    ("values", "tags", "expected"),
    [
        (np.uint16(3000), {}, 3000),
        (np.uint16(10_000), {"scales": [2.75e-5] * 3, "offsets": [-0.2] * 3}, 750),
        (np.float32(0.25), {}, 2500),
        (np.float32(2500), {}, 2500),
    ],
)
def test_deep_values_become_reflectance(tmp_path, values, tags, expected):
    geotiff(tmp_path / "a.tif", np.full((3, 64, 64), values), **tags)
    found = read_picture(tmp_path / "a.tif")
    assert (found.dtype, set(np.unique(found))) == (np.uint16, {expected})


def test_pixel_sizes_in_metres(tmp_path):
    geotiff(tmp_path / "utm.tif", PIXELS)
    assert picture_header(tmp_path / "utm.tif").gsd_m == 10
    degrees = {"crs": "EPSG:4326", "transform": from_origin(10, 50, 1e-4, 1e-4)}
    geotiff(tmp_path / "degrees.tif", PIXELS, **degrees)
    # arcs of the WGS 84 ellipsoid at 50 degrees: 11.12 m along the meridian, 7.17 m along the parallel
    assert picture_header(tmp_path / "degrees.tif").gsd_m == pytest.approx((11.12 + 7.17) / 2, abs=0.01)


@pytest.mark.parametrize(
    ("pixels", "more", "said"),
    [
        (np.full((3, 64, 64), 20_000, np.uint16), {}, "neither 8 bits nor reflectance"),
        (np.where(np.eye(64), 0, PIXELS[:, :1, :1] // 2 + 1).astype(np.uint8), {"nodata": 0}, "nodata pixels"),
        (np.where(np.eye(64), np.nan, np.ones((3, 1, 1))).astype(np.float32), {}, "not numbers"),
    ],
)
def test_what_cannot_be_a_truth_is_refused(tmp_path, pixels, more, said):
    geotiff(tmp_path / "a.tif", pixels, **more)
    with pytest.raises(InputError, match=said):
        read_picture(tmp_path / "a.tif")


def test_a_palette_and_a_text_are_refused(tmp_path):
    Image.fromarray(PIXELS[0]).convert("P").save(tmp_path / "palette.png")
    with pytest.raises(InputError, match="palette"):
        read_picture(tmp_path / "palette.png")
    for name in ("text.png", "text.tif"):
        (tmp_path / name).write_text("no image")
        with pytest.raises(InputError):
            picture_header(tmp_path / name)


def test_bright_reflectance_is_kept(tmp_path):
    """Cloud, snow and glint: more than 1, in floats and where the unit is declared."""
    values = np.full((3, 64, 64), 1.3, np.float32)
    values[:, 0, 0] = 2.5
    geotiff(tmp_path / "float.tif", values)
    assert set(np.unique(read_picture(tmp_path / "float.tif"))) == {13_000, 25_000}
    geotiff(tmp_path / "scaled.tif", np.full((3, 64, 64), 60_000, np.uint16), scales=[2.75e-5] * 3, offsets=[-0.2] * 3)
    assert set(np.unique(read_picture(tmp_path / "scaled.tif"))) == {14_500}


def test_transparent_pixels_are_no_ground(tmp_path):
    alpha = np.full_like(PIXELS[:1], 255)
    alpha[0, :5, :5] = 0
    Image.fromarray(np.moveaxis(np.concatenate([PIXELS, alpha]), 0, -1)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="nodata pixels"):
        read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png", (5, 5, 8, 8)), PIXELS[:, 5:13, 5:13])
