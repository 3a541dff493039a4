import numpy as np
import pytest
from made_places import place_image

from ursat.benchmark.baselines import BASELINES, NEEDS_REFERENCE, box_mean, enlarge
from ursat.benchmark.metrics import psnr
from ursat.benchmark.observation import make_observation

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
    assert got["nearest"] < got["bicubic"] < got["ibp"] < got["hpf"] < got["reference-bicubic"]


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
