"""The figures against independent implementations, on fixed arrays."""

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg
import torch
from made_places import place_image
from scipy.ndimage import shift as moved
from skimage.metrics import peak_signal_noise_ratio as skimage_psnr
from torchmetrics.functional import image as torchmetrics
from torchmetrics.image.kid import poly_mmd

from ursat.benchmark.baselines import BASELINES
from ursat.benchmark.encoding import EIGHT_BIT
from ursat.benchmark.judge import Answer, Judge
from ursat.benchmark.metrics.gradient import average_gradient
from ursat.benchmark.metrics.sam import sam
from ursat.benchmark.metrics.sets import frechet, kernel_distance
from ursat.benchmark.metrics.sre import sre
from ursat.benchmark.observation import make_observation

SCALE = 4
PLACE = place_image(5, (160, 192))
LIT = replace(PLACE, pixels=np.maximum(PLACE.pixels, 1))  # black pixels have no angle; others count them as NaN or 90
SCENE = make_observation(LIT, SCALE, "bicubic", "ref")
NAMES = ("nearest", "bicubic", "ibp", "reference-bicubic", "hpf")
RNG = np.random.default_rng(0)
ANSWERS = {name: EIGHT_BIT.stored(method(SCENE)) for name, method in BASELINES.items() if name in NAMES} | {
    "noisy": EIGHT_BIT.stored(SCENE.gt + 600 * RNG.standard_normal(SCENE.gt.shape)),
    "moved": EIGHT_BIT.stored(moved(SCENE.gt.astype(float), (0, 1.3, -0.7), order=3, mode="nearest")),
}
# What opensr-test 1.3.3 (its defaults, on reflectance = DN / 10 000) gives for these arrays.
OPENSR_TEST = {  # hallucination, omission, improvement
    "nearest": (0.2259, 0.65912, 0.11498),
    "bicubic": (0.13705, 0.7495, 0.11345),
    "ibp": (0.16615, 0.67675, 0.1571),
    "reference-bicubic": (0.09997, 0.19626, 0.70378),
    "hpf": (0.10754, 0.21959, 0.67287),
    "noisy": (0.53162, 0.12221, 0.34617),
    "moved": (0.06361, 0.16266, 0.77373),
}


@pytest.fixture(scope="module", params=sorted(ANSWERS))
def case(request):
    answer = ANSWERS[request.param]
    pair = [torch.from_numpy(image.astype(np.float64))[None] for image in (answer, SCENE.gt)]
    return request.param, answer, pair, Judge(SCENE.gt, SCALE, lr=SCENE.lr).figures(Answer(answer))


def test_psnr(case):
    _, answer, pair, figures = case
    assert figures["psnr"] == pytest.approx(
        skimage_psnr(SCENE.gt.astype(float), answer, data_range=EIGHT_BIT.peak), abs=1e-9
    )
    assert figures["psnr"] == pytest.approx(
        float(torchmetrics.peak_signal_noise_ratio(*pair, data_range=EIGHT_BIT.peak))
    )


def test_ssim(case):
    _, _, pair, figures = case
    _, full = torchmetrics.structural_similarity_index_measure(
        *pair, data_range=EIGHT_BIT.peak, gaussian_kernel=True, sigma=1.5, return_full_image=True
    )
    inside = full[..., 5:-5, 5:-5]  # its mean counts windows over a mirrored border as well
    assert figures["ssim"] == pytest.approx(float(inside.mean()), abs=1e-9)


def test_sam(case):
    _, answer, _, _ = case
    truth, lit = SCENE.gt.astype(float), np.maximum(answer, 1)
    pair = [torch.from_numpy(image)[None] for image in (lit, truth)]
    assert sam(truth, lit) == pytest.approx(np.degrees(float(torchmetrics.spectral_angle_mapper(*pair))), rel=1e-9)


def test_ergas(case):
    _, _, pair, figures = case
    theirs = torchmetrics.error_relative_global_dimensionless_synthesis(*pair, ratio=SCALE)
    assert figures["ergas"] == pytest.approx(float(theirs), rel=1e-9)


def test_sre_and_gradient_pixel_by_pixel(case):
    _, whole, _, _ = case
    truth, answer = SCENE.gt[:, :20, :30].astype(float), whole[:, :20, :30]
    relative, slopes = [], []
    for y, x in np.ndindex(20, 30):
        pairs = list(zip(answer[:, y, x], truth[:, y, x], strict=True))
        relative.append(math.sqrt(sum((a - t) ** 2 for a, t in pairs) / sum(t**2 for _, t in pairs)))
        if y < 19 and x < 29:
            steps = [(b[y, x + 1] - b[y, x], b[y + 1, x] - b[y, x]) for b in answer]
            slopes += [math.sqrt((dx**2 + dy**2) / 2) for dx, dy in steps]
    assert sre(truth, answer) == pytest.approx(100 * np.mean(relative), rel=1e-9)
    assert average_gradient(answer) == pytest.approx(np.mean(slopes) / 40, rel=1e-9)


def test_the_triple_of_opensr_test(case):
    name, _, _, figures = case
    ours = [figures[key] for key in ("hallucination", "omission", "improvement")]
    assert sum(ours) == pytest.approx(1)
    np.testing.assert_allclose(ours, OPENSR_TEST[name], atol=5e-5)


def test_frechet_distance_with_a_matrix_square_root():
    one, other = RNG.standard_normal((40, 6)), 0.5 + RNG.standard_normal((30, 6)) @ RNG.standard_normal((6, 6))
    s1, s2 = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    root = scipy.linalg.sqrtm(s1 @ s2).real
    distance = np.sum((one.mean(axis=0) - other.mean(axis=0)) ** 2) + np.trace(s1 + s2 - 2 * root)
    assert frechet(one, other) == pytest.approx(distance, rel=1e-9)


def test_kernel_distance():
    one, other = RNG.standard_normal((25, 12)), 0.3 + RNG.standard_normal((25, 12))
    theirs = poly_mmd(torch.from_numpy(one), torch.from_numpy(other), degree=3, gamma=None, coef=1.0)
    assert kernel_distance(one, other) == pytest.approx(float(theirs), rel=1e-9)
