"""Tiles from folders of real files, and what the data pack alone has."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import rasterio
from affine import Affine
from made_tiles import ground
from pyproj import Proj, Transformer

from ursat.benchmark.places import PlaceImage
from ursat.errors import InputError
from ursat.training import sources
from ursat.training.datapack import later_years, multispectral
from ursat.training.pack import make_scene
from ursat.training.sources import Tile, TileSampler, load_tiles, three_bands


def geotiff(path, pixels, *, gsd=10.0, crs="EPSG:32633", **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    count, h, w = pixels.shape
    options = {k: more.pop(k) for k in ("nodata", "tiled", "blockxsize", "blockysize") if k in more}
    grid = {"crs": crs, "transform": Affine(gsd, 0, 5e5, 0, -gsd, 5e6), "count": count, "height": h, "width": w}
    with rasterio.open(path, "w", driver="GTiff", dtype=pixels.dtype, **grid, **options) as file:
        file.write(pixels)
        for name, value in more.items():
            setattr(file, name, value)


def dn(pixels):
    return pixels.astype(np.uint16) * 20


@pytest.mark.parametrize("bands", [1, 2, 3, 4, 6])
def test_any_number_of_bands_gives_scenes_of_three(tmp_path, bands):
    pixels = dn(ground(bands, 96, bands))
    for k in range(2):
        geotiff(tmp_path / f"place{k}" / "a.tif", pixels, descriptions=[f"B{n}" for n in range(bands)])
    tiles = load_tiles(tmp_path)
    assert [(tile.gsd_m, tile.pixels.shape) for tile in tiles] == [(10.0, (bands, 96, 96))]
    assert [tile.place for tile in load_tiles(tmp_path, split="val")] != [tiles[0].place]
    rng = np.random.default_rng(0)
    chosen = [three_bands(tiles[0].pixels, rng) for _ in range(20)]
    assert {image.shape for image in chosen} == {(3, 96, 96)}
    if bands > 3:
        assert len({image.sum(axis=(1, 2)).tobytes() for image in chosen}) > 1
    if bands == 3:
        assert all(image is tiles[0].pixels for image in chosen)


def test_a_scene_of_a_single_band(tmp_path):
    geotiff(tmp_path / "a.tif", dn(ground(0, 96, 1)))
    scene = make_scene(TileSampler(load_tiles(tmp_path)), 0, 0)
    assert len(scene.y) == 3
    assert np.array_equal(scene.truth[0], scene.truth[2])


def test_nodata_is_filled_where_little_and_passed_over_where_much(tmp_path):
    pixels = dn(ground(0, 128)).astype(np.int16)
    few, many = pixels.copy(), pixels.copy()
    few[:, 3, :5] = -9999
    many[:, :40] = -9999
    geotiff(tmp_path / "few.tif", few, nodata=-9999)
    geotiff(tmp_path / "many.tif", many, nodata=-9999)
    geotiff(tmp_path / "flat.tif", np.full_like(pixels, 7))
    tiles = load_tiles(tmp_path) + load_tiles(tmp_path, split="val")
    assert len(tiles) == 1
    assert tiles[0].pixels.min() >= 0
    assert np.array_equal(tiles[0].pixels[:, 40:], pixels[:, 40:])


def test_large_rasters_are_cut_and_read_by_window(tmp_path, monkeypatch):
    pixels = np.tile(ground(0, 256), (1, 4, 3))[:, : 512 + 300, : 512 + 40]
    geotiff(tmp_path / "large.tif", pixels, tiled=True, blockxsize=256, blockysize=256)
    sizes = []
    real = rasterio.io.DatasetReader.read

    class Watched:
        def __init__(self, file):
            self._file = file

        def __getattr__(self, name):
            return getattr(self._file, name)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self._file.close()

        def read(self, *args, **kwargs):
            sizes.append((kwargs["window"].height, kwargs["window"].width))
            return real(self._file, *args, **kwargs)

    from ursat.io import tiles as module

    opened = module.open_raster
    monkeypatch.setattr(module, "open_raster", lambda path: Watched(opened(path)))
    found = load_tiles(tmp_path) + load_tiles(tmp_path, split="val")
    assert {tile.pixels.shape for tile in found} == {(3, 512, 512), (3, 300, 512)}
    assert set(sizes) == {(512, 512), (300, 512)}
    monkeypatch.setattr(sources, "MOST_TILES", 1)
    assert len(load_tiles(tmp_path)) == 1


def test_near_infrared_is_no_alpha_but_alpha_is(tmp_path):
    from rasterio.enums import ColorInterp as C

    pixels = ground(0, 64, 4)
    kinds = (C.red, C.green, C.blue, C.alpha)
    geotiff(tmp_path / "a" / "nir.tif", pixels, descriptions=("red", "green", "blue", "nir"), colorinterp=kinds)
    geotiff(tmp_path / "b" / "alpha.tif", pixels, colorinterp=kinds)
    found = {tile.place: len(tile.pixels) for split in ("train", "val") for tile in load_tiles(tmp_path, split=split)}
    assert found == {"a": 4, "b": 3}


def test_pixel_sizes_are_metres_on_the_ground(tmp_path):
    geotiff(tmp_path / "degrees" / "a.tif", dn(ground(0, 64)), crs="EPSG:4326")
    with rasterio.open(tmp_path / "degrees" / "a.tif", "r+") as file:
        file.transform = Affine(1e-4, 0, 10, 0, -1e-4, 60)
    geotiff(tmp_path / "feet" / "a.tif", dn(ground(1, 64)), crs="EPSG:2263")  # US survey feet
    found = {t.place: t.gsd_m for split in ("train", "val") for t in load_tiles(tmp_path, split=split)}
    # at 60 degrees a degree along the parallel is half of one along the meridian
    assert found["degrees"] == pytest.approx((11.14 + 5.58) / 2, abs=0.01)
    # 10 feet of a conic projection, over its scale there: the root of the areal one, for pixels as wide as high
    with rasterio.open(tmp_path / "feet" / "a.tif") as file:
        place = Transformer.from_crs("EPSG:2263", "EPSG:4269", always_xy=True).transform(*file.xy(32, 32))
    scale = Proj("EPSG:2263").get_factors(*place).areal_scale ** 0.5
    assert abs(scale - 1) > 0.01
    assert found["feet"] == pytest.approx(10 * 1200 / 3937 / scale, rel=1e-3)


def test_declared_offsets_and_quality_bands(tmp_path):
    pixels = dn(ground(0, 64, 2)) + 5000
    geotiff(tmp_path / "a.tif", pixels, descriptions=("red", "qa_pixel"), offsets=(-0.1, 0.0), scales=(2e-5, 0.0))
    (tile,) = load_tiles(tmp_path)
    assert np.array_equal(tile.pixels, pixels[:1] - 5000.0)


def test_unreadable_files_are_left_out_and_nothing_at_all_is_an_error(tmp_path, caplog):
    (tmp_path / "broken.tif").write_bytes(b"II*\x00 not really")
    with caplog.at_level(logging.WARNING), pytest.raises(InputError, match="no training tiles"):
        load_tiles(tmp_path)
    assert "broken.tif" in caplog.text
    with pytest.raises(InputError, match="no tiles"):
        TileSampler(())


def image(name, place, pixels, gsd=0.6):
    return PlaceImage(f"train-mid/{place}/{name}", place, gsd, pixels)


def test_crops_of_two_years_are_paired_and_the_same_year_is_not():
    fine, coarse = ground(0, 64), ground(1, 32)
    images = [
        image("0060cm/012_2018", "city", fine),
        image("0120cm/012_2020_a2", "city", coarse, 1.2),
        image("0060cm/013_2018", "city", fine),
        image("0120cm/013_2018_a2", "city", coarse, 1.2),
        image("0060cm/012_2018", "elsewhere", fine),
    ]
    found = later_years(images)
    assert list(found) == ["train-mid/city/0060cm/012_2018"]
    assert found["train-mid/city/0060cm/012_2018"] is coarse


def test_changed_ground_is_another_tile_that_is_large_enough():
    one, large, small = (Tile("p", 0.6, ground(k, side)) for k, side in ((0, 64), (1, 96), (2, 32)))
    sampler, rng = TileSampler((one, large, small)), np.random.default_rng(0)
    found = [sampler.draw_other(rng, one, (64, 64)) for _ in range(20)]
    assert large in found
    assert all(tile is large or tile is None for tile in found)
    assert TileSampler((one,)).draw_other(rng, one, (8, 8)) is None


def test_a_scene_is_a_function_of_seed_and_number():
    sampler = TileSampler((Tile("p", 0.6, ground(0, 64), ground(1, 32)),))
    one, same, other = (make_scene(sampler, 0, number) for number in (4, 4, 5))
    assert np.array_equal(one.y, same.y)
    assert [view.ref_level for view in one.views] == [view.ref_level for view in same.views]
    assert one.y.shape != other.y.shape or not np.array_equal(one.y, other.y)


def test_the_packs_rasters(tmp_path):
    folder = tmp_path / "multispectral"
    pixels = dn(ground(0, 512, 4)) + 6000
    geotiff(folder / "val_s2_there_rgbn_10m.tif", pixels)
    geotiff(folder / "naip_city_CA_rgbn_06m_montage9.tif", pixels, crs=None, descriptions=("r", "g", "b", "nir"))
    geotiff(folder / "l8_here_bgrn_30m.tif", pixels, gsd=30.0, descriptions=("b", "g", "r", "nir"))
    found = list(multispectral(tmp_path))
    assert [(place, gsd, piece.shape) for place, gsd, piece in found] == [
        ("l8_here", 30.0, (4, 512, 512)),
        *[("naip_city_CA", 0.6, (4, 256, 256))] * 4,
    ]
    assert found[0][2].min() < 2000
