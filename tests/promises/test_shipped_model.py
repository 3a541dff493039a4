"""The promises, held against the weights that ship: the model that runs when none is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from scenes import LANDSAT, SENTINEL, box_residual, landsat_cut, read, run

from ursat import verify
from ursat.models.shipped import DEFAULT_MODEL

MODES = ("faithful", "realistic")


@pytest.mark.parametrize("mode", MODES)
def test_tiles_and_windows_are_invisible(tmp_path: Path, mode: str) -> None:
    source = landsat_cut(tmp_path / "in.tif", 24, row=20, holes=True)
    outs = []
    for tile in (96, 1024):
        run(source, tmp_path / "out.tif", 8, ref=SENTINEL, model=DEFAULT_MODEL, mode=mode, tile=tile)
        outs.append(read(tmp_path / "out.tif"))
    assert np.array_equal(outs[0], outs[1])
    run(source, tmp_path / "part.tif", 8, ref=SENTINEL, model=DEFAULT_MODEL, mode=mode, window=(7, 11, 9, 12))
    assert np.array_equal(read(tmp_path / "part.tif"), outs[0][:, 88:184, 56:128])


@pytest.mark.parametrize("mode", MODES)
def test_a_box_closes_to_one_dn(tmp_path: Path, mode: str) -> None:
    source = landsat_cut(tmp_path / "in.tif", 32, holes=True)
    run(source, tmp_path / "out.tif", 8, ref=SENTINEL, model=DEFAULT_MODEL, mode=mode, psf="box", closure="exact")
    given = read(source)
    assert box_residual(read(tmp_path / "out.tif"), given, given > 0) <= 1
    assert verify(str(tmp_path / "out.tif"), str(source)).ok


def test_nodata_is_the_input_s(tmp_path: Path) -> None:
    source = landsat_cut(tmp_path / "in.tif", 32, holes=True)
    run(source, tmp_path / "a.tif", 4, model=DEFAULT_MODEL)
    with rasterio.open(source) as dataset:
        pixels = dataset.read()
    expected = (pixels > 0).repeat(4, axis=1).repeat(4, axis=2)
    assert np.array_equal(read(tmp_path / "a.tif") > 0, expected)


def test_which_value_says_nodata_changes_no_pixel(tmp_path: Path) -> None:
    zero = landsat_cut(tmp_path / "zero.tif", 24, row=20, holes=True)
    with rasterio.open(zero) as dataset:
        pixels, profile, descriptions = dataset.read(), dataset.profile, dataset.descriptions
    pixels[pixels == 0] = 7
    with rasterio.open(tmp_path / "seven.tif", "w", **(profile | {"nodata": 7})) as dataset:
        dataset.write(pixels)
        # Bands pair with the reference's by name, and scale says how large a DN is
        dataset.descriptions, dataset.scales = descriptions, (1e-4,) * 3
    for name in ("zero", "seven"):
        source, out = tmp_path / f"{name}.tif", tmp_path / f"{name}_x2.tif"
        run(source, out, 2, ref=SENTINEL, model="core-xs", mode="faithful")
    first, second = read(tmp_path / "zero_x2.tif"), read(tmp_path / "seven_x2.tif")
    assert (first == 0).any()
    assert np.array_equal(second, np.where(first == 0, 7, first))


def test_another_place_as_reference_is_as_good_as_none(tmp_path: Path) -> None:
    source = landsat_cut(tmp_path / "in.tif", 48)
    with rasterio.open(SENTINEL) as dataset:
        pixels, profile = dataset.read()[:, ::-1, ::-1].transpose(0, 2, 1), dataset.profile
    with rasterio.open(tmp_path / "wrong.tif", "w", **profile) as dataset:
        dataset.write(pixels)
    report = run(source, tmp_path / "with.tif", 8, ref=tmp_path / "wrong.tif", model=DEFAULT_MODEL)
    run(source, tmp_path / "without.tif", 8, model=DEFAULT_MODEL)
    assert report.reference is not None
    assert report.reference.status == "dropped"
    assert np.array_equal(read(tmp_path / "with.tif"), read(tmp_path / "without.tif"))


def test_seeds_differ_and_repeat_and_the_mean_has_none(tmp_path: Path) -> None:
    source = landsat_cut(tmp_path / "in.tif", 24)
    outs = {}
    for name, mode, seed in (("a", "realistic", 0), ("b", "realistic", 1), ("c", "realistic", 0), ("d", "faithful", 0)):
        run(source, tmp_path / f"{name}.tif", 4, model=DEFAULT_MODEL, mode=mode, seed=seed)
        outs[name] = read(tmp_path / f"{name}.tif").astype(np.float64)
    assert np.array_equal(outs["a"], outs["c"])
    spread = outs["a"] - outs["b"]
    assert float(np.abs(spread).mean()) > 1
    # A sample is the mean and a departure from it; two of them depart independently
    assert float((outs["a"] - outs["d"]).std()) == pytest.approx(float(spread.std()) / 2**0.5, rel=0.15)


def test_the_sample_pair_uses_its_reference_and_closes(tmp_path: Path) -> None:
    report = run(LANDSAT, tmp_path / "out.tif", 4, ref=SENTINEL, model=DEFAULT_MODEL, mode="faithful")
    assert report.reference is not None
    assert report.reference.status == "used"
    assert verify(str(tmp_path / "out.tif"), str(LANDSAT)).ok
