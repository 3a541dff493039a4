"""What the figures of the registry are for: identity, shift, blur, seams, resolution, undefined cases."""

import numpy as np
import pytest
from made_places import place_image
from scipy.ndimage import gaussian_filter
from scipy.ndimage import shift as moved

from ursat.benchmark.baselines import bicubic, nearest
from ursat.benchmark.encoding import EIGHT_BIT, Encoding
from ursat.benchmark.judge import METRICS, Answer, Judge
from ursat.benchmark.metrics.closure import box_closure
from ursat.benchmark.metrics.gradient import average_gradient
from ursat.benchmark.metrics.psnr import psnr
from ursat.benchmark.metrics.registry import REGISTRY, figures
from ursat.benchmark.metrics.resolution import octaves_lost
from ursat.benchmark.metrics.sam import sam
from ursat.benchmark.metrics.scene import Scene
from ursat.benchmark.metrics.seam import seam_index
from ursat.benchmark.metrics.sre import sre
from ursat.benchmark.observation import box_mean, make_observation

SCENE = make_observation(place_image(3, (128, 160)), 4, "bicubic", "noref")
TRUTH = SCENE.gt.astype(float)
JUDGE = Judge(SCENE.gt, 4, lr=SCENE.lr)


def test_the_truth_itself():
    found = JUDGE.figures(Answer(SCENE.gt))
    perfect = {"psnr": np.inf, "ssim": 1, "sam": 0, "sre": 0, "ergas": 0, "ag_ratio": 1, "spectrum_db": 0, "shift": 0}
    perfect |= {"octaves_lost": 0, "closure_box": 0, "octave_1": 0, "octave_2": 0}
    assert {name: found[name] for name in perfect} == pytest.approx(perfect)
    assert found["improvement"] > 0.9


def test_half_a_pixel_is_seen():
    found = JUDGE.figures(Answer(moved(TRUTH, (0, 0.5, 0), order=5, mode="nearest")))
    assert found["shift"] == pytest.approx(0.5, abs=0.04)
    assert found["psnr"] < 40
    assert found["ssim"] < 0.99


def test_blur_is_a_lack_of_power_in_the_fine_octave_and_noise_too_much():
    blurred = JUDGE.figures(Answer(gaussian_filter(TRUTH, (0, 1, 1))))
    noisy = JUDGE.figures(Answer(TRUTH + 800 * np.random.default_rng(0).standard_normal(TRUTH.shape)))
    assert blurred["octave_1"] < blurred["octave_2"] < 0
    assert noisy["octave_1"] > noisy["octave_2"] > 0
    assert blurred["ag_ratio"] < 1 < noisy["ag_ratio"]
    assert noisy["hallucination"] > blurred["hallucination"]


def test_effective_resolution_is_the_smallest_block_that_is_better_than_bicubic():
    scene = Scene(SCENE.gt, 4, lr=SCENE.lr)
    coarse = box_mean(TRUTH, 2)  # the truth at blocks of 2; below them a checkerboard that averages out
    checks = 4000 * (-1.0) ** np.add.outer(np.arange(128), np.arange(160))
    fine = np.repeat(np.repeat(coarse, 2, axis=1), 2, axis=2) + checks
    assert octaves_lost(scene, EIGHT_BIT.stored(TRUTH)) == 0
    assert octaves_lost(scene, fine) == 1
    assert octaves_lost(scene, EIGHT_BIT.stored(bicubic(SCENE))) == 2
    nearly = EIGHT_BIT.stored(0.95 * bicubic(SCENE) + 0.05 * TRUTH)  # 0.4 dB
    assert (octaves_lost(scene, nearly), octaves_lost(scene, nearly, 1.0)) == (0, 2)


def test_seams():
    flat = np.zeros((1, 12, 12))
    steps = flat + np.arange(12) // 4
    ramp = flat + np.arange(12)
    assert np.isnan(seam_index(flat, 4))
    assert seam_index(steps, 4) == np.inf
    assert seam_index(ramp, 4) == 1
    assert seam_index(ramp + 2 * steps, 4) == pytest.approx(3)  # 3 across borders of columns, 1 inside; rows are flat
    found = JUDGE.figures(Answer(nearest(SCENE)))
    assert found["seam"] == np.inf


def test_closure_is_of_input_pixels():
    within = np.tile([[1.0, -1.0], [-1.0, 1.0]], (64, 80))
    assert box_closure(TRUTH, TRUTH + 50 * within, 4) == pytest.approx(0, abs=1e-9)
    assert box_closure(TRUTH, TRUTH + 7, 4) == pytest.approx(7)


def test_known_values_of_small_arrays():
    truth = np.array([[[3.0, 0.0]], [[4.0, 0.0]]])  # (2, 1, 2); the second pixel is black
    turned = np.array([[[-4.0, 5.0]], [[3.0, 0.0]]])
    assert sam(truth, turned) == pytest.approx(90)
    assert sre(truth, turned) == pytest.approx(100 * np.sqrt(50) / 5)
    assert sam(truth, 2 * truth) == pytest.approx(0)
    assert np.isnan(sam(truth * 0, turned))
    assert np.isnan(sre(truth * 0, turned))


def test_known_error():
    truth = np.full((3, 8, 8), 5000, dtype=np.uint16)
    assert psnr(truth, truth + 102.0) == pytest.approx(40.0)  # 20 log10(10200 / 102)
    assert psnr(truth, truth) == np.inf
    with pytest.raises(ValueError, match="shapes differ"):
        psnr(np.zeros((1, 4, 4)), np.zeros((1, 4, 5)))


def test_measured_as_a_file_would_hold_it():
    np.testing.assert_array_equal(EIGHT_BIT.stored(np.array([-3.0, 0.4, 0.6, 99999.0])), [0, 0, 1, 10200])
    truth = np.zeros((1, 2, 2), dtype=np.uint16)
    assert psnr(truth, np.full((1, 2, 2), -50.0)) == np.inf


def test_average_gradient_of_a_ramp_is_its_slope():
    rows, columns = np.mgrid[:9, :11]
    ramp = 40 * np.stack([3.0 * columns, 3.0 * columns + 4.0 * rows, 0.0 * rows])
    expected = [3 / np.sqrt(2), 5 / np.sqrt(2), 0]  # sqrt((dx^2 + dy^2) / 2), in steps of 40 DN
    assert average_gradient(ramp) == pytest.approx(np.mean(expected))


def test_another_range_changes_nothing_but_the_unit():
    scaled = Judge(SCENE.gt.astype(float) * 5, 4, lr=SCENE.lr * 5.0, encoding=Encoding(51000, 51000)).figures(
        Answer(bicubic(SCENE) * 5)
    )
    same = JUDGE.figures(Answer(bicubic(SCENE)))
    for name in ("psnr", "ssim", "sam", "sre", "ergas", "ag", "octaves_lost", "hallucination"):
        assert scaled[name] == pytest.approx(same[name], rel=1e-2)


def test_without_truth_only_what_needs_none():
    found = Judge(None, 4, lr=SCENE.lr).figures(Answer(bicubic(SCENE)))
    assert set(found) == {"ag", "seam", "reflectance", "spectral"}
    assert found["reflectance"] < Judge(None, 4, lr=SCENE.lr).figures(Answer(nearest(SCENE) + 500))["reflectance"]
    with pytest.raises(ValueError, match="shapes differ"):
        Judge(None, 4, lr=SCENE.lr).figures(Answer(SCENE.gt[:, :64]))


def test_without_an_input_what_looks_at_it_is_missing():
    found = set(Judge(SCENE.gt, 4).figures(Answer(SCENE.gt)))
    assert found == set(JUDGE.figures(Answer(SCENE.gt))) - {
        "octaves_lost", "octaves_lost_1db", "improvement", "omission", "hallucination", "reflectance", "spectral",
    }  # fmt: skip


def test_one_band_has_no_angle_and_no_naturalness():
    found = Judge(SCENE.gt[:1], 4, lr=SCENE.lr[:1]).figures(Answer(SCENE.gt[:1]))
    assert "sam" not in found
    assert found["psnr"] == np.inf


def test_every_figure_has_a_label_and_one_metric():
    names = [name for metric in REGISTRY.values() for name in metric.figures]
    assert len(names) == len(set(names)) == len(figures())
    assert all(figure.label for figure in figures().values())
    assert all(metric.definition.endswith(".") for metric in REGISTRY.values())
    assert list(METRICS) == list(REGISTRY)
