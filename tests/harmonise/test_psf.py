"""The PSF as named by the user, its filters, and its estimates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_pairs import FACTOR, made_pair

from ursat.errors import UsageError
from ursat.fir import BOX_MTF, BOX_TAPS, filter_same
from ursat.harmonise.blur import BOX, CUBIC, Blur, keys_response
from ursat.harmonise.deconvolve import deconvolution_taps
from ursat.harmonise.degrade_ref import prepare
from ursat.harmonise.psf import parse_psf, profile_mtf
from ursat.harmonise.psf_pair import estimate_blur


def test_parse_the_three_forms():
    assert parse_psf("auto").mtf is None
    assert not parse_psf("AUTO ").explicit
    assert parse_psf("box").mtf == BOX_MTF
    assert parse_psf("mtf=0.25").mtf == 0.25
    assert parse_psf("mtf=0.25").name == "mtf=0.25"
    assert parse_psf("mtf=0.64").mtf == BOX_MTF


@pytest.mark.parametrize(
    "text", ["", "gauss", "mtf", "mtf=", "mtf=x", "mtf=0", "mtf=0.02", "mtf=0.65", "mtf=nan", "=1"]
)
def test_parse_rejects_nonsense(text):
    with pytest.raises(UsageError) as caught:
        parse_psf(text)
    assert "mtf=" in caught.value.hint
    assert "\n" not in caught.value.message


def test_profiles_by_sensor():
    assert profile_mtf("sentinel-2b") == profile_mtf("sentinel-2")
    assert 0.2 < profile_mtf("landsat-8") < 0.4
    assert profile_mtf("unknown") is None


@given(st.floats(0.05, 0.62))
def test_taps_give_the_named_mtf(mtf):
    taps = Blur("sensor", mtf).taps
    n = len(taps) // 2
    at_nyquist = 2 * sum(t * np.cos((j + 0.5) * np.pi / 2) for j, t in enumerate(taps[n:]))
    # the half grid's own pixel contributes sinc(1/4)
    assert at_nyquist * np.sinc(0.25) == pytest.approx(mtf, abs=0.01)
    assert sum(taps) == pytest.approx(1)


def test_box_and_cubic_taps():
    assert BOX.taps == BOX_TAPS
    taps = CUBIC.taps
    n = len(taps) // 2
    at_nyquist = 2 * sum(t * np.cos((j + 0.5) * np.pi / 2) for j, t in enumerate(taps[n:]))
    assert at_nyquist * np.sinc(0.25) == pytest.approx(0.5, abs=0.01)


def test_keys_response_against_its_integral():
    t = np.linspace(-2, 2, 40001)
    a = np.abs(t)
    kernel = np.where(a < 1, 1.5 * a**3 - 2.5 * a**2 + 1, -0.5 * a**3 + 2.5 * a**2 - 4 * a + 2)
    for f in (0.0, 0.2, 0.5, 1.0):
        assert keys_response(np.array([f]))[0] == pytest.approx(
            np.trapezoid(kernel * np.cos(2 * np.pi * f * t), t), abs=1e-3
        )


@pytest.mark.parametrize("pixel", [1.0, 4 / 3])
@pytest.mark.parametrize("blur", [Blur("sensor", 0.25), Blur("sensor", 0.5), CUBIC])
def test_deconvolution_undoes_the_blur_and_not_more(pixel, blur):
    taps = np.array(deconvolution_taps(pixel, blur, 1e-3))
    assert taps.sum() == pytest.approx(1)
    np.testing.assert_allclose(taps, taps[::-1])
    assert len(taps) <= 25
    j = np.arange(-(len(taps) // 2), len(taps) // 2 + 1)

    def gain(f):
        return float((taps * np.cos(2 * np.pi * f * j)).sum())

    f = 0.25 / pixel  # half the reference's Nyquist: well seen
    wanted = (1.0 if blur.kind == "cubic" else np.sinc(f)) / float(
        (blur.response(np.array([f]), pixel) * keys_response(np.array([f * pixel])))[0]
    )
    assert gain(f) == pytest.approx(wanted, rel=0.12)
    assert max(abs(gain(f)) for f in np.linspace(0, 0.5, 51)) < 4.5
    noisy = np.array(deconvolution_taps(pixel, blur, 1e3))
    assert (noisy**2).sum() < (taps**2).sum() / 3  # under noise it smooths instead


def test_deconvolution_does_not_ring_on_an_edge():
    taps = deconvolution_taps(1.0, Blur("sensor", 0.25), 1.0)
    step = np.repeat(np.where(np.arange(64) < 32, 0.0, 1.0)[None], 64, axis=0)
    smooth = filter_same(step, (0.25, 0.5, 0.25))
    out = filter_same(smooth, taps)
    assert out.max() < 1.12
    assert out.min() > -0.12


@pytest.mark.parametrize("mtf", [0.15, 0.25, 0.45])
@pytest.mark.parametrize("size", [16, 48])
def test_the_pair_tells_the_blur(mtf, size):
    window = prepare(made_pair(size, mtf, noise=5.0))
    found = estimate_blur([window], (0, 1), pixel=1.0, reference_blur=lambda b: b, centre=0.33, spread=0.5)
    assert found.mtf == pytest.approx(mtf, rel=0.2)


def test_the_pair_with_an_unpaired_band():
    window = prepare(made_pair(32, 0.25, noise=5.0))
    found = estimate_blur([window], (None, 1), pixel=1.0, reference_blur=lambda b: b, centre=0.33, spread=0.5)
    assert found.mtf == pytest.approx(0.25, rel=0.2)


def test_factor_matches_the_pair():
    assert prepare(made_pair(16)).half().shape[-1] == 32
    assert FACTOR == 4
