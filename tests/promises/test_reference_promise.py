"""Promise 5: the reference cannot hurt. On the real pair: no cloud, no shadow, no double edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
from affine import Affine
from scenes import LANDSAT, SAMPLES, SENTINEL, landsat_cut, read, run, write
from scipy.ndimage import binary_dilation, gaussian_filter

from ursat.errors import QualityError

if TYPE_CHECKING:
    from pathlib import Path

CLOUD = SAMPLES / "sentinel2_cloud_shadow.tif"  # drawn by hand on the Sentinel-2 image
METRES_EAST, METRES_NORTH = 0.0, 20.0  # measured by the data's authors: how far the Landsat content lies north


def _high_pass(image: np.ndarray) -> np.ndarray:
    """Detail finer than 40 m of an image with 10 m pixels: a Gaussian high-pass, half power at a 40 m wavelength."""
    return image - gaussian_filter(image, (0, 1, 1))


@pytest.mark.parametrize("scale", [8, 32])
def test_cloud_and_shadow_do_not_come_through(tmp_path: Path, scale: int) -> None:
    report = run(LANDSAT, tmp_path / "out.tif", scale, ref=SENTINEL)
    assert report.reference is not None
    assert report.reference.dx_m == pytest.approx(METRES_EAST, abs=5)
    assert report.reference.dy_m == pytest.approx(METRES_NORTH, abs=5)
    out = read(tmp_path / "out.tif").astype(float)
    k = scale // 4
    out = out.reshape(3, 480, k, 480, k).mean(axis=(2, 4))
    # The footprints differ by about 20 m and the shift found is about 20 m: by array index the two agree to 2 m.
    reference, cloud = read(SENTINEL).astype(float), read(CLOUD)[0] > 0
    clear = ~binary_dilation(cloud, iterations=12)
    clear[:8] = clear[-8:] = clear[:, :8] = clear[:, -8:] = False
    ours, theirs = _high_pass(out), _high_pass(reference)

    def correlation(where: np.ndarray) -> float:
        return float(np.mean([np.corrcoef(a[where], b[where])[0, 1] for a, b in zip(ours, theirs, strict=True)]))

    assert correlation(cloud) < 0.1
    assert correlation(clear) > 0.5


def _moved(path: Path, east: float, north: float, *, gain: float = 1.0, offset: float = 0.0) -> Path:
    """The Sentinel-2 image with its georeferencing moved and its values cast."""
    with rasterio.open(SENTINEL) as source:
        pixels = np.clip(source.read() * gain + offset, 1, 65535).astype(np.uint16)
        transform = Affine.translation(east, north) * source.transform
        return write(path, pixels, transform, nodata=0, scales=source.scales, descriptions=source.descriptions)


def test_a_shift_is_found_and_undone(tmp_path: Path) -> None:
    report = run(LANDSAT, tmp_path / "a.tif", 8, ref=SENTINEL)
    moved = run(LANDSAT, tmp_path / "b.tif", 8, ref=_moved(tmp_path / "moved.tif", 17.0, -9.0))
    assert report.reference is not None
    assert moved.reference is not None
    assert moved.reference.dx_m == pytest.approx(report.reference.dx_m - 17, abs=0.1 * 40)
    assert moved.reference.dy_m == pytest.approx(report.reference.dy_m + 9, abs=0.1 * 40)
    a, b = (read(tmp_path / name).astype(float) for name in ("a.tif", "b.tif"))
    assert np.corrcoef(_high_pass(a).ravel(), _high_pass(b).ravel())[0, 1] > 0.97


def test_a_cast_is_undone(tmp_path: Path) -> None:
    run(LANDSAT, tmp_path / "a.tif", 8, ref=SENTINEL)
    run(LANDSAT, tmp_path / "b.tif", 8, ref=_moved(tmp_path / "cast.tif", 0, 0, gain=1.2, offset=150))
    a, b = (read(tmp_path / name).astype(float) for name in ("a.tif", "b.tif"))
    assert np.sqrt(np.mean((a - b) ** 2)) < 0.1 * np.sqrt(np.mean(_high_pass(a) ** 2))


@pytest.mark.parametrize("kind", ["another place", "noise", "constant", "elsewhere", "coarser"])
def test_a_useless_reference_is_dropped(tmp_path: Path, kind: str) -> None:
    source = landsat_cut(tmp_path / "in.tif", 60)
    with rasterio.open(SENTINEL) as dataset:
        pixels, transform = dataset.read()[:, :240, :240], dataset.transform
    rng = np.random.default_rng(0)
    if kind == "another place":
        pixels = read(SENTINEL)[:, 240:, 240:]
    elif kind == "noise":
        pixels = rng.integers(200, 2000, pixels.shape).astype(np.uint16)
    elif kind == "constant":
        pixels = np.full_like(pixels, 800)
    elif kind == "elsewhere":
        transform = Affine.translation(50_000, 0) * transform
    else:
        pixels = pixels[:, ::8, ::8]
        transform = transform * Affine.scale(8)
    reference = write(tmp_path / "ref.tif", pixels, transform, nodata=0)
    report = run(source, tmp_path / "with.tif", 8, ref=reference)
    run(source, tmp_path / "without.tif", 8)
    assert report.reference is not None
    assert report.reference.status == "dropped"
    assert report.reference.why
    assert any("dropped" in warning for warning in report.warnings)
    np.testing.assert_array_equal(read(tmp_path / "with.tif"), read(tmp_path / "without.tif"))
    with pytest.raises(QualityError, match="cannot be used"):
        run(source, tmp_path / "never.tif", 8, ref=reference, require_ref=True)
    assert not (tmp_path / "never.tif").exists()


def test_a_reference_of_half_the_scene(tmp_path: Path) -> None:
    with rasterio.open(SENTINEL) as dataset:
        pixels, transform = dataset.read()[:, :, :240], dataset.transform
    reference = write(tmp_path / "ref.tif", pixels, transform, nodata=0)
    report = run(LANDSAT, tmp_path / "out.tif", 8, ref=reference)
    run(LANDSAT, tmp_path / "without.tif", 8)
    assert report.reference is not None
    assert report.reference.status == "partial"
    out, without = read(tmp_path / "out.tif").astype(float), read(tmp_path / "without.tif").astype(float)
    assert np.abs(_high_pass(out[..., :400])).mean() > 1.5 * np.abs(_high_pass(without[..., :400])).mean()


def test_levels_finer_than_the_reference_take_nothing_from_it(tmp_path: Path) -> None:
    report = run(LANDSAT, tmp_path / "out.tif", 16, ref=SENTINEL)
    assert [octave.origin for octave in report.octaves] == ["observed", "reference", "reference"] + ["interpolated"] * 2
    assert report.effective_gsd_m == 10
