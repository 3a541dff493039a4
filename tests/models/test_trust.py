"""Local trust: clear land on, clouds and shadows off, and the promise that windows do not matter."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ursat.fir import decimate2, psf_taps
from ursat.models.trust import LocalTrust, upsample_smooth
from ursat.models.wavelet import block_mean
from ursat.types import ReferenceModel, SensorModel

TAPS = psf_taps(0.25)
NOISE = 10.0


def models(trust=(1.0, 1.0), residual=(NOISE, NOISE), taps=TAPS):
    sensor = SensorModel(name="mtf=0.25", mtf=0.25, taps=taps, noise=(NOISE, NOISE), signal=(100.0, 100.0))
    identity = ((1.0, 0.0), (0.0, 1.0))
    reference = ReferenceModel(
        level=1,
        taps=(1.0,),
        matrix=identity,
        offsets=(0.0, 0.0),
        trust=trust,
        residual=residual,
        mtf=0.25,
        ratio=2.0,
    )
    return LocalTrust(sensor, reference)


def texture(seed, h, w, strength=150.0):
    rng = np.random.default_rng(seed)
    f = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.rfftfreq(w)[None])
    f[0, 0] = 1
    fields = [np.fft.irfft2(np.fft.rfft2(rng.standard_normal((h, w))) * f**-1.2, (h, w)) for _ in range(2)]
    return torch.from_numpy(np.stack([1000 + strength * g / g.std() for g in fields]).astype(np.float32))


def scene(seed=0, h=48, w=48, cloud=None):
    ref = texture(seed, 2 * h, 2 * w)
    rng = np.random.default_rng(seed + 100)
    y = decimate2(ref, TAPS) + torch.from_numpy((NOISE * rng.standard_normal((2, h, w))).astype(np.float32))
    if cloud is not None:
        cloud(ref)
    return y, torch.ones(2, h, w, dtype=torch.bool), ref, torch.ones(2, h, w)


def test_a_perfect_reference_is_believed():
    for seed in range(3):
        assert models().compute(*scene(seed)).mean() > 0.97


def test_global_trust_scales():
    trust = models(trust=(0.5, 0.0)).compute(*scene())
    assert trust[0].mean() == pytest.approx(0.5, abs=0.02)
    assert trust[1].max() == 0


def bright(ref):
    ref[:, 30:60, 30:60] = 3000 + 0.2 * ref[:, 30:60, 30:60]


def shadow(ref):
    ref[:, 30:60, 30:60] = 200 + 0.4 * ref[:, 30:60, 30:60]


def changed(ref):
    ref[:, 30:60, 30:60] = texture(77, 30, 30)


@pytest.mark.parametrize("cloud", [bright, shadow, changed])
def test_what_is_not_there_is_not_believed(cloud):
    trust = models().compute(*scene(cloud=cloud))
    inside = trust[:, 16:29, 16:29]
    assert inside.mean() < 0.05
    far = torch.ones(48, 48, dtype=torch.bool)
    far[6:39, 6:39] = False
    assert trust[:, far].mean() > 0.95


def test_soft_borders_of_a_cloud_are_off():
    y, ok, ref, cover = scene()
    r = torch.hypot(*torch.meshgrid(torch.arange(96.0) - 48, torch.arange(96.0) - 48, indexing="ij"))
    veil = torch.clamp((30 - r) / 20, 0, 1)  # a ramp over 20 half pixels
    trust = models().compute(y, ok, ref + 2500 * veil, cover)
    touched = decimate2(veil[None], (0.5, 0.5))[0] > 0.02  # where the veil is worth 5 standard deviations of noise
    assert trust[:, touched].max() < 0.35
    assert trust[:, touched].mean() < 0.03


def test_a_cloud_in_one_band_spoils_what_is_common():
    y, ok, ref, cover = scene()
    ref[0, 30:60, 30:60] += 2000
    trust = models().compute(y, ok, ref, cover)
    assert trust[0, 20:26, 20:26].max() == 0
    assert trust[1, 20:26, 20:26].max() == 0


def test_no_trust_without_reference():
    y, ok, ref, cover = scene()
    cover[1, 10, 10] = 0.1
    cover[1, 15, 15] = 0.25
    trust = models().compute(y, ok, ref, cover)
    assert trust[0, 10, 10] > 0.9
    assert trust[1, 10, 10] == 0
    assert trust[1, 15, 15] > 0.9


def test_trust_goes_on_for_one_pixel_beyond_what_was_observed():
    """It is interpolated: the scene's last row would lose a quarter of its detail to the nothing beyond."""
    y, ok, ref, cover = scene()
    ok[:, 40:] = False
    cover[:, 40:] = 0
    cover[:, 39, 20:] = 0.5  # completed pixels are not worth that
    trust = models().compute(y, ok, ref, cover)
    assert trust[:, 40, :19].min() > 0.9
    assert trust[:, 40, 21:].max() == 0
    assert trust[:, 41:].max() == 0
    nothing = models().compute(y, torch.zeros_like(ok), ref, cover)
    assert nothing.max() == 0


def test_values_lie_between_zero_and_one():
    trust = models(residual=(0.0, 0.0)).compute(*scene(cloud=changed))
    assert trust.min() >= 0
    assert trust.max() <= 1
    assert torch.isfinite(trust).all()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 12), st.integers(1, 12), st.integers(0, 2))
def test_windows_do_not_matter_bitwise(row, col, height, width, seed):
    local = models()
    halo = local.halo
    y, ok, ref, cover = scene(seed, h=72, w=72, cloud=bright)
    ok[:, 40:44, 20:30] = False
    cover[:, 30:34, 30:40] = 0.5
    whole = local.compute(y, ok, ref, cover)
    top, left = halo + row, halo + col
    coarse = (..., slice(top - halo, top + height + halo), slice(left - halo, left + width + halo))
    fine = (
        ...,
        slice(2 * (top - halo), 2 * (top + height + halo)),
        slice(2 * (left - halo), 2 * (left + width + halo)),
    )
    assert top + height + halo <= 72
    part = local.compute(
        y[coarse].contiguous(), ok[coarse].contiguous(), ref[fine].contiguous(), cover[coarse].contiguous()
    )
    assert torch.equal(
        part[..., halo : halo + height, halo : halo + width], whole[..., top : top + height, left : left + width]
    )


def test_smooth_doubling_keeps_constants_and_means():
    x = torch.rand(1, 6, 8)
    fine = upsample_smooth(x)
    assert fine.shape == (1, 12, 16)
    assert torch.allclose(upsample_smooth(torch.ones(1, 4, 4)), torch.ones(1, 8, 8))
    ramp = torch.arange(8.0).expand(1, 6, 8)
    inner = upsample_smooth(ramp)[..., 2:-2]
    assert torch.allclose(inner[..., 1:] - inner[..., :-1], torch.full_like(inner[..., 1:], 0.5))
    assert float(block_mean(fine).min()) >= float(x.min())
