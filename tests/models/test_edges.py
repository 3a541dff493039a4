"""Completing the reference along its edges: what it shows stays, what it lacks agrees with the input, no windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ursat.fir import decimate2, psf_taps
from ursat.models.edges import EdgeCompletion
from ursat.models.predict import refine
from ursat.models.wavelet import block_mean
from ursat.types import SensorModel

LEVEL, FACTOR = 2, 4


def completion(mtf=0.3, noise=0.0):
    return EdgeCompletion(SensorModel("", mtf, psf_taps(mtf), (noise, noise), (100.0, 100.0)), LEVEL)


def scene(h=40, w=36, mtf=0.3, seed=0):
    """The fine truth (2, 4h, 4w), with the f^-2.4 spectrum of natural images, and the input that sees it (2, h, w)."""
    rng = np.random.default_rng(seed)
    f = np.hypot(np.fft.fftfreq(FACTOR * h)[:, None], np.fft.rfftfreq(FACTOR * w)[None])
    f[0, 0] = 1
    size = (FACTOR * h, FACTOR * w)
    fields = [np.fft.irfft2(np.fft.rfft2(rng.standard_normal(size)) * f**-1.2, size) for _ in range(2)]
    truth = torch.from_numpy(np.stack([1000 + 300 * g / g.std() for g in fields]).astype(np.float32))
    return truth, decimate2(block_mean(truth), psf_taps(mtf))


def cut(truth, rows, cols):
    """A reference that ends ``rows`` fine pixels above the lower edge and ``cols`` right of the left one."""
    valid = torch.ones(truth.shape, dtype=torch.bool)
    valid[:, valid.shape[1] - rows :] = False
    valid[..., :cols] = False
    return torch.where(valid, truth, truth.mean()), valid


def complete(truth, y, rows, cols, told=0.0):
    ref, valid = cut(truth, rows, cols)
    cover = block_mean(valid.to(y.dtype), FACTOR)
    return completion(noise=told).apply(ref, valid, cover, y, torch.ones_like(y, dtype=torch.bool)), valid


@pytest.mark.parametrize(("rows", "share"), [(1, 0.75), (2, 0.9), (3, 1.0)])
def test_completed_pixels_beat_the_enlarged_input(rows, share):
    errors = []
    for seed in range(3):
        truth, y = scene(seed=seed)
        done, valid = complete(truth, y, rows, 0)
        assert torch.equal(done[valid], truth[valid])
        errors.append([(x - truth)[~valid].square().mean().sqrt() for x in (done, refine(refine(y)))])
    ours, theirs = np.mean(errors, axis=0)
    assert ours < share * theirs


def test_what_the_sensor_makes_of_them_is_near_the_input():
    truth, y = scene()
    done, _ = complete(truth, y, 2, 0)
    alone = refine(refine(y))
    ours, theirs = ((decimate2(block_mean(x), psf_taps(0.3)) - y)[:, -1].abs().mean() for x in (done, alone))
    assert ours < 0.5 * theirs


@pytest.mark.parametrize("rows", [1, 2])
def test_noise_that_is_told_is_not_chased(rows):
    errors = []
    for seed in range(3):
        truth, y = scene(seed=seed)
        y = y + 60 * torch.from_numpy(np.random.default_rng(seed).standard_normal(y.shape).astype(np.float32))
        errors.append([])
        for told in (60.0, 0.0):
            done, valid = complete(truth, y, rows, 0, told)
            errors[-1].append((done - truth)[~valid].square().mean())
    told, untold = np.mean(errors, axis=0)
    assert told < 0.9 * untold


def test_what_the_reference_adds_fades_with_the_distance():
    y = torch.full((2, 40, 36), 500.0)
    ref, valid = cut(torch.full((2, 160, 144), 510.0), 3, 0)
    cover = block_mean(valid.to(y.dtype), FACTOR)
    done = completion().apply(ref, valid, cover, y, torch.zeros_like(y, dtype=torch.bool))
    expected = torch.tensor([510.0, 509.0, 504.0, 500.0])
    assert torch.allclose(done[:, -4:, 70], expected.expand(2, -1))


def test_pixels_that_it_hardly_covers_are_left_alone():
    truth, y = scene()
    ref, valid = cut(truth, FACTOR, 0)
    valid[:, -FACTOR, ::FACTOR] = True
    cover = block_mean(valid.to(y.dtype), FACTOR)
    assert completion().apply(ref, valid, cover, y, torch.ones_like(y, dtype=torch.bool)) is ref


def test_a_pixel_that_was_not_observed_is_not_matched():
    truth, y = scene()
    ref, valid = cut(truth, 2, 0)
    cover = block_mean(valid.to(y.dtype), FACTOR)
    observed = torch.ones_like(y, dtype=torch.bool)
    matched = completion().apply(ref, valid, cover, y, observed)
    observed[:, -1, 10] = False
    y[:, -1, 10] += 1000
    spared = completion().apply(ref, valid, cover, y, observed)
    chased = completion().apply(ref, valid, cover, y, torch.ones_like(observed))
    here = (..., slice(-2, None), slice(40, 44))
    assert (spared - matched)[here].mean() < 0.6 * (chased - matched)[here].mean()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10), st.integers(0, 8), st.integers(3, 12), st.integers(0, 2))
def test_windows_do_not_matter_bitwise(row, col, size, seed):
    truth, y = scene(64, 60, seed=seed)
    rng = np.random.default_rng(seed)
    valid = torch.ones(truth.shape, dtype=torch.bool)
    valid[:, 4 * 30 + 2 :] = False
    for r, c in rng.integers(0, 200, (12, 2)):
        valid[:, r : r + 6, c : c + 7] = False
    ref, cover = torch.where(valid, truth, 0.0), block_mean(valid.to(y.dtype), FACTOR)
    observed = torch.from_numpy(rng.random((2, 64, 60)) > 0.02)
    edges = completion()
    whole = edges.apply(ref, valid, cover, y, observed)
    halo = edges.halo
    top, left = halo + row, halo + col
    coarse = (..., slice(top - halo, top + size + halo), slice(left - halo, left + size + halo))
    fine = (..., *(slice(FACTOR * s.start, FACTOR * s.stop) for s in coarse[1:]))
    part = edges.apply(ref[fine], valid[fine], cover[coarse], y[coarse], observed[coarse])
    inner = slice(FACTOR * halo, FACTOR * (halo + size))
    rows, cols = (slice(FACTOR * s, FACTOR * (s + size)) for s in (top, left))
    assert torch.equal(part[..., inner, inner], whole[..., rows, cols])
