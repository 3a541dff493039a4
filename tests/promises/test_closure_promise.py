"""Promise 2: radiometric closure, on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scenes import SENTINEL, box_residual, landsat_cut, read, run, write

from ursat import verify
from ursat.fir import psf_taps

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
@pytest.mark.parametrize("scale", [2, 8, 32])
def test_box_exact(tmp_path: Path, dtype: str, scale: int) -> None:
    source = landsat_cut(tmp_path / "in.tif", 24, row=40, col=60, holes=True, dtype=dtype)
    report = run(source, tmp_path / "out.tif", scale, ref=SENTINEL, psf="box", closure="exact", tile=256)
    pixels = read(source)
    valid = ~np.isnan(pixels) if dtype == "float32" else pixels != (0 if dtype == "uint16" else -9999)
    tolerance = 1.0 if dtype != "float32" else 1e-4 * float(np.percentile(pixels[valid], 99))
    assert box_residual(read(tmp_path / "out.tif"), pixels, valid) <= tolerance
    assert report.closure.infeasible == 0
    checked = verify(str(tmp_path / "out.tif"), str(source))
    assert checked.ok, checked.to_json()


def test_box_exact_x128(tmp_path: Path) -> None:
    source = landsat_cut(tmp_path / "in.tif", 12, row=40, col=60)
    run(source, tmp_path / "out.tif", 128, ref=SENTINEL, psf="box", closure="exact")
    pixels = read(source)
    assert box_residual(read(tmp_path / "out.tif"), pixels, pixels > 0) <= 1
    assert verify(str(tmp_path / "out.tif"), str(source)).ok


@pytest.mark.parametrize("scale", [3, 6, 7.5])
@pytest.mark.parametrize("psf", ["box", "mtf=0.3"])
def test_exact_at_odd_scales(tmp_path: Path, scale: float, psf: str) -> None:
    source = landsat_cut(tmp_path / "in.tif", 20, row=40, col=60, holes=True)
    report = run(source, tmp_path / "out.tif", scale, psf=psf, closure="exact")
    assert max(report.closure.max_dn) <= 1
    assert verify(str(tmp_path / "out.tif"), str(source)).ok


def test_exact_with_a_blurring_sensor_by_hand(tmp_path: Path) -> None:
    source = landsat_cut(tmp_path / "in.tif", 24, row=40, col=60)
    run(source, tmp_path / "out.tif", 8, psf="mtf=0.25", closure="exact")
    out, pixels = read(tmp_path / "out.tif").astype(float), read(source).astype(float)
    half = out.reshape(3, 48, 4, 48, 4).mean(axis=(2, 4))
    taps = psf_taps(0.25)
    first = 1 - len(taps) // 2  # input pixel i reads half-grid pixels 2 i + first ...
    i = np.arange(4, 20)
    rows = sum(tap * half[:, 2 * i + first + k] for k, tap in enumerate(taps))
    seen = sum(tap * rows[:, :, 2 * i + first + k] for k, tap in enumerate(taps))
    inner = pixels[:, 4:20, 4:20]
    assert np.abs(seen - inner).max() <= 1


def test_dark_and_bright_extremes_stay_in_range_and_closed(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    pixels = rng.choice([1, 2, 250, 65_000, 65_535], (2, 20, 20)).astype(np.uint16)
    from affine import Affine

    source = write(tmp_path / "in.tif", pixels, Affine(30, 0, 4e5, 0, -30, 4e6), nodata=0)
    run(source, tmp_path / "out.tif", 8, psf="box", closure="exact")
    out = read(tmp_path / "out.tif")
    assert out.min() >= 1
    assert box_residual(out, pixels, pixels > 0) <= 1


@pytest.mark.parametrize("sigma", [4.0, 12.0, 40.0])
def test_auto_closes_to_within_the_noise(tmp_path: Path, sigma: float) -> None:
    rng = np.random.default_rng(1)
    # Bands of one scene share their texture, never their noise; that is how the two are told apart.
    gains = np.array([0.8, 1.0, 1.15])[:, None, None]
    with_noise = _smooth_scene(rng, 128) * gains + rng.normal(0, sigma, (3, 128, 128))
    from affine import Affine

    pixels = np.clip(np.rint(with_noise), 1, 65535).astype(np.uint16)
    source = write(tmp_path / "in.tif", pixels, Affine(30, 0, 4e5, 0, -30, 4e6), nodata=0)
    report = run(source, tmp_path / "out.tif", 4)
    assert report.noise_dn == pytest.approx([np.hypot(sigma, 12**-0.5)] * 3, rel=0.25)
    assert max(report.closure.rmse_dn) <= 1.2 * sigma
    assert verify(str(tmp_path / "out.tif"), str(source)).ok


def _smooth_scene(rng: np.random.Generator, size: int) -> np.ndarray:
    """A 1/f field seen through box and optics (MTF 0.25), mean 2000, standard deviation 300."""
    f = np.hypot(np.fft.fftfreq(4 * size)[:, None], np.fft.rfftfreq(4 * size)[None])
    f[0, 0] = 1
    spectrum = np.fft.rfft2(rng.normal(size=(4 * size, 4 * size))) * f**-1.2
    spectrum[0, 0] = 0
    spectrum *= np.exp(-2 * (np.pi * 0.435 * 4 * f) ** 2)
    fine = np.fft.irfft2(spectrum)
    image = fine.reshape(size, 4, size, 4).mean(axis=(1, 3))
    return (2000 + 300 * image / image.std())[None]
