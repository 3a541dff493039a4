import numpy as np
import pytest
import rasterio
from made_places import place_image
from PIL import Image
from rasterio.transform import from_origin

from ursat.benchmark.baselines import BASELINES, bicubic
from ursat.benchmark.datasets.dataset import Request
from ursat.benchmark.datasets.registry import load_dataset
from ursat.benchmark.evaluate import run
from ursat.benchmark.images import Preparation
from ursat.benchmark.observation import box_mean
from ursat.benchmark.real import real_observation, real_tracks
from ursat.benchmark.scores import Cell
from ursat.errors import InputError

TRUTH = place_image(0, (96, 96)).pixels.astype(np.uint16) * 40


def geotiff(path, pixels, gsd, left=500_000.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    _, height, width = pixels.shape
    place = {"crs": "EPSG:32633", "transform": from_origin(left, 5_000_000.0, gsd, gsd)}
    with rasterio.open(
        path, "w", driver="GTiff", count=3, height=height, width=width, dtype=pixels.dtype, **place
    ) as file:
        file.write(pixels)


@pytest.fixture
def root(tmp_path):
    """A scene of 96 m: input of 12 x 12, reference three times finer, truth of 96 x 96 in another radiometry."""
    geotiff(tmp_path / "lr" / "a.tif", np.rint(box_mean(TRUTH, 8)).astype(np.uint16), 8.0)
    geotiff(
        tmp_path / "ref" / "a.tif", np.rint(box_mean(TRUTH[:, :72, :72], 2)).astype(np.uint16)[:, :36, :36], 96 / 36
    )
    geotiff(tmp_path / "hr" / "a.tif", (TRUTH // 2 + 300).astype(np.uint16), 1.0)
    return tmp_path


def triple(root, **preparation):
    (found,) = load_dataset("pairs", Request(root, None, Preparation(**preparation))).images
    return found


def test_files_are_taken_as_they_are_and_the_truths_radiometry_is_fitted(root):
    o = real_observation(triple(root), 8, "ref")
    with rasterio.open(root / "lr" / "a.tif") as file:
        np.testing.assert_array_equal(o.lr, file.read())
    assert (o.lr.shape, o.ref.shape, o.gt.shape) == ((3, 12, 12), (3, 36, 36), (3, 96, 96))
    assert o.gsd_m == pytest.approx(1.0)
    np.testing.assert_allclose(o.gt, TRUTH, atol=3)  # the gain of 2 and the offset are undone


def test_a_coarser_output_has_the_mean_of_the_truth(root):
    o = real_observation(triple(root), 4, "noref")
    assert o.ref is None
    np.testing.assert_allclose(o.gt, box_mean(TRUTH, 2), atol=3)


def test_no_truth_is_invented(root):
    assert real_observation(triple(root), 16, "noref").gt is None
    cells = [Cell(scale, "real", track) for scale in (8, 16) for track in ("noref", "ref")]
    table = run({"bicubic": bicubic, "hpf": BASELINES["hpf"]}, cells, [triple(root)])
    assert np.isfinite(table.mean(cells[1], "hpf"))
    assert np.isnan(table.mean(cells[3], "hpf"))
    assert table.mean(cells[3], "hpf", "ag") > 0
    assert table.failures == ()


def test_the_middle_is_the_same_ground_in_all_three(root):
    whole, cut = (real_observation(t, 4, "ref") for t in (triple(root), triple(root, crop=32)))
    assert (cut.lr.shape, cut.ref.shape, cut.gt.shape) == ((3, 8, 8), (3, 24, 24), (3, 32, 32))
    np.testing.assert_array_equal(cut.lr, whole.lr[:, 2:10, 2:10])
    np.testing.assert_array_equal(cut.ref, whole.ref[:, 6:30, 6:30])
    np.testing.assert_allclose(cut.gt, whole.gt[:, 8:40, 8:40], atol=10)  # fitted on another part


def test_a_pixel_ratio_that_is_no_whole_number_is_averaged_to_the_next(root):
    geotiff(root / "hr" / "a.tif", TRUTH[:, :94, :94].copy(), 96 / 94)
    o = real_observation(triple(root), 4, "noref")
    assert o.gt.shape == (3, 48, 48)
    assert np.corrcoef(o.gt.ravel(), box_mean(TRUTH, 2).ravel())[0, 1] > 0.9
    assert real_observation(triple(root), 8, "noref").gt is None


def test_other_ground_is_refused(root):
    geotiff(root / "ref" / "a.tif", TRUTH[:, :36, :36].copy(), 96 / 36, left=500_400.0)
    with pytest.raises(InputError, match="does not show the same ground") as caught:
        real_observation(triple(root), 4, "ref")
    assert "gdalwarp" in caught.value.hint


def test_eight_bit_pictures_without_a_grid(tmp_path):
    for name, side in (("lr", 32), ("hr", 96)):
        (tmp_path / name).mkdir()
        pixels = place_image(0, (96, 96)).pixels if name == "hr" else box_mean(place_image(0, (96, 96)).pixels, 3)
        Image.fromarray(np.moveaxis(np.rint(pixels).astype(np.uint8), 0, -1)).save(tmp_path / name / "x.png")
        assert pixels.shape[-1] == side
    found = triple(tmp_path)
    assert real_tracks(found) == ("noref",)
    o = real_observation(found, 3, "noref")
    assert (o.lr.max() > 255, o.gsd_m) == (True, 10.0)
    assert found.shape == (96, 96)  # the simulated protocols use the truth alone
    assert found.gsd_m == pytest.approx(10.0)


def test_an_input_alone_is_refused(root):
    geotiff(root / "lr" / "b.tif", TRUTH[:, :12, :12].copy(), 8.0)
    with pytest.raises(InputError, match=r"nothing of that name in ref/ or hr/"):
        load_dataset("pairs", Request(root))


def test_ddisr_has_the_layout_of_its_three_sensors(root):
    for old, new in (("lr", "landsat8"), ("ref", "sentinel2"), ("hr", "drone")):
        (root / old).rename(root / new)
    found = load_dataset("ddisr", Request(root))
    assert not found.embedded
    assert real_observation(found.images[0], 8, "ref").gt.shape == (3, 96, 96)
