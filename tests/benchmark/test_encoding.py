import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from made_texture import texture
from ursat.benchmark.baselines import bicubic, reference_bicubic
from ursat.benchmark.encoding import EIGHT_BIT, REFLECTANCE, encoding_of
from ursat.benchmark.images import FileImage
from ursat.benchmark.judge import Answer, Judge
from ursat.benchmark.metrics.sets import patches
from ursat.benchmark.observation import make_observation

NAMES = ("psnr", "ssim", "sam", "sre", "ergas", "ag", "spectrum_db")


@pytest.fixture
def snow(tmp_path):
    """Float reflectance of which a third is brighter than 1, up to about 1.5."""
    rng = np.random.default_rng(0)
    pixels = np.clip([0.9 + 0.15 * texture((64, 64), rng) for _ in range(3)], 0.2, 1.5).astype(np.float32)
    path = tmp_path / "snow.tif"
    grid = {"crs": "EPSG:32633", "transform": from_origin(500_000, 5_000_000, 10, 10)}
    with rasterio.open(path, "w", "GTiff", 64, 64, 3, dtype="float32", **grid) as file:
        file.write(pixels)
    assert 0.2 < np.mean(pixels > 1.02) < 0.5
    return path, pixels


def observed(path):
    return make_observation(FileImage(path, "snow", "snow", 10.0), 4, "bicubic", "ref")


def test_bright_reflectance_is_neither_clipped_nor_saturated(snow):
    path, pixels = snow
    o = observed(path)
    assert o.encoding is REFLECTANCE
    np.testing.assert_array_equal(o.gt, np.rint(pixels.astype(np.float64) * 10_000))
    assert o.ref.max() > 12_000
    judge = Judge(o.gt, 4, lr=o.lr, encoding=o.encoding)
    assert judge.figures(Answer(o.gt))["psnr"] == np.inf
    clipped = judge.figures(Answer(np.minimum(o.gt, 10_200)))
    error = np.mean((np.minimum(o.gt, 10_200.0) - o.gt) ** 2)
    assert clipped["psnr"] == pytest.approx(10 * np.log10(1e8 / error))
    assert clipped["ag_ratio"] < 0.9


def test_darker_by_half_changes_only_the_unit(snow):
    """What saturated anywhere would not scale."""
    o = observed(snow[0])
    dark = Judge(o.gt / 2, 4, lr=o.lr / 2, encoding=REFLECTANCE).figures(Answer(reference_bicubic(o) / 2))
    bright = Judge(o.gt, 4, lr=o.lr, encoding=REFLECTANCE).figures(Answer(reference_bicubic(o)))
    assert bright["psnr"] == pytest.approx(dark["psnr"] - 20 * np.log10(2), abs=0.01)
    assert bright["ag"] == pytest.approx(2 * dark["ag"], rel=0.01)
    for name in ("sam", "sre", "ergas", "spectrum_db"):
        assert bright[name] == pytest.approx(dark[name], rel=0.01)


def test_eight_bits_in_other_units_have_the_same_figures():
    rng = np.random.default_rng(1)
    truth = np.clip(np.rint([110 + 30 * texture((64, 64), rng) for _ in range(3)]), 0, 250) * 40
    answer = truth + 200 * rng.standard_normal(truth.shape)
    eight, ten = (
        Judge(truth * factor, 4, encoding=encoding).figures(Answer(answer * factor))
        for factor, encoding in ((1, EIGHT_BIT), (REFLECTANCE.peak / EIGHT_BIT.peak, REFLECTANCE))
    )
    for name in NAMES:
        assert ten[name] == pytest.approx(eight[name], rel=1e-3)


def test_pictures_end_at_white():
    assert encoding_of(np.uint8) is EIGHT_BIT
    assert encoding_of(np.uint16) is REFLECTANCE
    values = np.array([[[-5.0, 6_000.0, 10_000.0, 30_000.0]]])
    assert REFLECTANCE.picture(values).tolist() == [[[0, 153, 255, 255]]]
    assert REFLECTANCE.steps(values).max() == pytest.approx(765)
    assert EIGHT_BIT.steps(values).max() == 255
    assert patches(np.full((3, 8, 8), 20_000), REFLECTANCE).max() == 255


def test_a_baseline_of_bright_ground_is_bright(snow):
    o = observed(snow[0])
    assert bicubic(o).max() > 12_000
