"""The simulated sensors deliver the blur and the noise that were asked for."""

from __future__ import annotations

import numpy as np
import pytest
from made_tiles import ground

from ursat.training.simulate import Kernel, simulate


def at_nyquist(kernel: Kernel, factor: int) -> float:
    """Response of ``kernel`` to a sine of half a cycle a pixel of the coarse image, seen at its crests."""
    n = 64 * factor
    x = np.arange(n) + 0.5
    wave = np.sin(np.pi * x / factor)
    image = np.broadcast_to(wave, (1, 4 * factor, n)).astype(np.float32)
    seen = kernel.apply(image, (4, 64))[0, 1, 8:-8]
    return float(np.abs(seen).mean())


@pytest.mark.parametrize("mtf", [0.15, 0.26, 0.5])
def test_sensor_response_at_nyquist(mtf):
    assert at_nyquist(Kernel("sensor", mtf), 16) == pytest.approx(mtf, rel=0.02)


def test_cubic_response_at_nyquist():
    assert at_nyquist(Kernel("cubic", 0.5), 16) == pytest.approx(0.5, rel=0.02)


def test_a_shift_moves_the_content_down_and_right():
    image = np.zeros((1, 32, 32), np.float32)
    image[0, 12:16, 12:16] = 1
    seen = Kernel("sensor", 0.6).apply(image, (8, 8), (4.0, 8.0))[0]
    assert np.unravel_index(seen.argmax(), seen.shape) == (4, 5)


def test_noise_is_the_share_of_the_mean(monkeypatch):
    from ursat.training import simulate as module

    monkeypatch.setattr(module, "_noise_share", lambda kernel, rng: 0.02)
    flat = np.full((3, 256, 256), 100, np.uint8)
    seen = simulate(flat, 2, np.random.default_rng(0), with_reference=False).lr.astype(float)
    assert seen.std() / seen.mean() == pytest.approx(0.02, rel=0.05)


def observed(seed, **changes):
    tile = ground(0, 64)
    return simulate(tile, 4, np.random.default_rng(seed), with_reference=True, **changes)


def test_the_seed_decides():
    one, same, other = observed(5), observed(5), observed(6)
    assert np.array_equal(one.lr, same.lr)
    assert np.array_equal(one.ref, same.ref)
    assert one.ratio == same.ratio
    assert one.lr.shape == other.lr.shape == (3, 16, 16)
    assert not np.array_equal(one.lr, other.lr)


def test_the_reference_is_not_finer_than_the_truth():
    for seed in range(20):
        seen = observed(seed)
        assert 1.5 <= seen.ratio <= 4.0
        assert seen.ref.shape[1] == round(16 * seen.ratio)


def test_a_crop_of_another_year_is_what_the_reference_sees():
    """Where its pixels are finer than the reference's it replaces the ground; else it is left alone."""
    dark = (ground(0, 64) // 4)[:, ::2, ::2]
    for seed in range(20):
        with_it, without = observed(seed, later=dark), observed(seed)
        assert np.array_equal(with_it.lr, without.lr)
        if without.ref.shape[1] <= 32:
            assert with_it.ref.mean() < 0.7 * without.ref.mean()
        else:
            assert np.array_equal(with_it.ref, without.ref)
