import numpy as np
import pytest
from made_places import place_image
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from ursat.benchmark.baselines import BASELINES, NEEDS_REFERENCE, enlarge
from ursat.benchmark.degrade import apply_weights, lanczos_weights
from ursat.benchmark.injection import brovey, gram_schmidt
from ursat.benchmark.judge import Answer, Judge
from ursat.benchmark.metrics.psnr import psnr
from ursat.benchmark.observation import box_mean, make_observation

IMAGE = place_image(0, (128, 128))


@pytest.mark.parametrize("name", BASELINES)
def test_constant_scene_comes_back(name):
    flat = place_image(0, (64, 64))
    flat.pixels[:] = 77
    o = make_observation(flat, 4, "bicubic", "ref")
    np.testing.assert_allclose(BASELINES[name](o), 77 * 40, atol=1e-6)


def test_order_of_merit_on_texture():
    o = make_observation(IMAGE, 4, "bicubic", "ref")
    got = {name: psnr(o.gt, method(o)) for name, method in BASELINES.items()}
    assert got["nearest"] < got["bicubic"] < got["lanczos"] < got["ibp"] < got["hpf"] < got["reference-bicubic"]
    assert got["ibp"] < min(got["gram-schmidt"], got["brovey"])


def test_ibp_closes_on_the_input():
    o = make_observation(IMAGE, 4, "bicubic", "noref")
    residual = {n: np.abs(box_mean(BASELINES[n](o), 4) - o.lr).mean() for n in ("bicubic", "ibp")}
    assert residual["ibp"] < 0.1 * residual["bicubic"]


def test_hpf_repairs_a_cast_that_the_reference_alone_keeps():
    o = make_observation(IMAGE, 4, "bicubic", "ref-cast")
    assert psnr(o.gt, BASELINES["hpf"](o)) > psnr(o.gt, BASELINES["reference-bicubic"](o)) + 3


def test_ramps_are_interpolated_exactly():
    ramp = np.arange(12.0)[None, :, None] * np.ones((1, 1, 12))
    big = enlarge(ramp, (48, 48))
    expected = (np.arange(48) + 0.5) / 4 - 0.5
    np.testing.assert_allclose(big[0, 12:-12, 5], expected[12:-12], atol=1e-12)


@pytest.mark.parametrize("name", sorted(NEEDS_REFERENCE))
def test_without_a_reference_the_fusers_say_so(name):
    o = make_observation(IMAGE, 4, "bicubic", "noref")
    with pytest.raises(ValueError, match="has no reference"):
        BASELINES[name](o)


def test_injection_keeps_the_cast_of_the_input_and_takes_the_references_detail():
    o = make_observation(IMAGE, 4, "bicubic", "ref-cast")
    for name in ("gram-schmidt", "brovey"):
        out = BASELINES[name](o)
        assert psnr(o.gt, out) > psnr(o.gt, BASELINES["bicubic"](o)) + 2
        np.testing.assert_allclose(out.mean(axis=(1, 2)), o.gt.mean(axis=(1, 2)), rtol=0.01)


def test_gram_schmidt_with_the_inputs_own_intensity_changes_nothing():
    x = np.random.default_rng(0).uniform(1000, 5000, (3, 16, 16))
    np.testing.assert_allclose(gram_schmidt(x, x), x)
    np.testing.assert_allclose(brovey(x, x), x)
    np.testing.assert_allclose(brovey(x, 2 * x + 100), x)  # matched before


def test_lanczos_is_pillows():
    image = IMAGE.pixels[0, :40, :40].astype(np.float32)
    theirs = np.asarray(Image.fromarray(image).resize((160, 160), Image.Resampling.LANCZOS))
    rows = lanczos_weights(40, 160, 0.25)
    ours = apply_weights(image[None], rows, rows)[0]
    np.testing.assert_allclose(ours[16:-16, 16:-16], theirs[16:-16, 16:-16], atol=1e-3)


def test_bicubic_is_pillows_within_a_hundredth_of_a_decibel():
    """The protocol's bicubic answer to its bicubic degradation, against Pillow's and scikit-image's figures."""
    image = place_image(4, (256, 256))
    o = make_observation(image, 4, "bicubic", "noref")
    bands = [Image.fromarray(band.astype(np.float32) * 40) for band in image.pixels]
    low = [np.rint(np.asarray(band.resize((64, 64), Image.Resampling.BICUBIC))) for band in bands]
    inside = (slice(None), slice(2, -2), slice(2, -2))  # at borders Pillow renormalises, the protocol repeats the pixel
    np.testing.assert_allclose(o.lr[inside], np.stack(low)[inside], atol=1)
    again = [Image.fromarray(band.astype(np.float32)).resize((256, 256), Image.Resampling.BICUBIC) for band in o.lr]
    theirs = np.clip(np.rint(np.stack([np.asarray(band) for band in again])), 0, 10200)
    figures = Judge(o.gt, 4).figures(Answer(BASELINES["bicubic"](o)))
    truth = o.gt.astype(np.float64)
    assert figures["psnr"] == pytest.approx(peak_signal_noise_ratio(truth, theirs, data_range=10200), abs=0.01)
    expected = structural_similarity(
        truth, theirs, channel_axis=0, data_range=10200, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert figures["ssim"] == pytest.approx(expected, abs=1e-4)


def test_the_truth_itself_is_perfect():
    o = make_observation(place_image(4, (128, 128)), 4, "bicubic", "noref")
    figures = Judge(o.gt, 4, lr=o.lr).figures(Answer(o.gt, {"closure_rms": 0.0}))
    assert (figures["psnr"], figures["closure_rms"], figures["sre"]) == (np.inf, 0, 0)
    assert figures["sam"] == pytest.approx(0, abs=1e-6)
    assert figures["ssim"] == pytest.approx(1)
