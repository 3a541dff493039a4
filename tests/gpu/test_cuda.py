"""On a CUDA device: the CPU's pixels to within 1 DN, the same bits every time, and training in bf16.

What can be told without one, tests/run/test_devices.py and tests/training/test_training_device.py tell.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch

from ursat import UpscaleOptions, upscale
from ursat.io.exchange import write_array
from ursat.training.checkpoint import load_checkpoint
from ursat.training.options import TrainOptions
from ursat.training.trainer import train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

SAMPLES = Path(__file__).parents[2] / "sample_data"
PART = (40, 40, 32, 32)  # column, row, width, height


def made(out: Path, device: str, **options: object) -> np.ndarray:
    """(C, H, W) as stored."""
    asked = UpscaleOptions(ref=str(SAMPLES / "sentinel2.tif"), output=str(out), device=device, **options)
    upscale(str(SAMPLES / "landsat8.tif"), asked)
    with rasterio.open(out) as dataset:
        return dataset.read().astype(np.int64)


@pytest.mark.parametrize("scale", [8, pytest.param(32, marks=pytest.mark.slow)])
@pytest.mark.parametrize("model", ["fusion", "core-xs"])
def test_the_pixels_are_the_cpus(tmp_path: Path, model: str, scale: int) -> None:
    cpu = made(tmp_path / "cpu.tif", "cpu", model=model, scale=scale)
    cuda = made(tmp_path / "cuda.tif", "cuda", model=model, scale=scale)
    assert np.abs(cuda - cpu).max() <= 1


@pytest.mark.parametrize("model", ["fusion", "core-xs", "csp-wavediffur"])
def test_the_same_bits_whatever_the_tiles(tmp_path: Path, model: str) -> None:
    for name, tile in (("one", 1024), ("two", 64), ("again", 64)):
        made(tmp_path / f"{name}.tif", "cuda", model=model, scale=8, window=PART, tile=tile)
    first = (tmp_path / "one.tif").read_bytes()
    assert first == (tmp_path / "two.tif").read_bytes() == (tmp_path / "again.tif").read_bytes()


def test_too_little_memory_is_made_to_do(tmp_path: Path) -> None:
    enough = made(tmp_path / "enough.tif", "cuda", model="core-xs", scale=16, tile=2048)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    made(tmp_path / "measured.tif", "cuda", model="core-xs", scale=16, tile=2048)
    peak = torch.cuda.max_memory_allocated()
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(0.8 * peak / torch.cuda.get_device_properties(0).total_memory)
    try:
        assert np.array_equal(made(tmp_path / "little.tif", "cuda", model="core-xs", scale=16, tile=2048), enough)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_training_in_bf16_learns_and_goes_on(tmp_path: Path) -> None:
    if not torch.cuda.is_bf16_supported():
        pytest.skip("this device has no bf16")
    processes = min(2, torch.cuda.device_count())
    rng = np.random.default_rng(0)
    for place in ("a", "b"):
        (tmp_path / "data" / place).mkdir(parents=True)
        for k in range(2):
            steps = rng.integers(20, 230, (3, 16, 16)).repeat(16, 1).repeat(16, 2) + rng.integers(0, 20, (3, 256, 256))
            write_array(tmp_path / "data" / place / f"{k}.tif", steps.astype(np.uint8), 1.0)
    asked = {"scenes": 8, "val_scenes": 2, "device": "cuda", "precision": "bf16", "processes": processes}
    train(TrainOptions(tmp_path / "data", tmp_path / "run", steps=10, **asked))
    result = train(TrainOptions(tmp_path / "data", tmp_path / "run", steps=20, resume=True, **asked))
    saved = load_checkpoint(tmp_path / "run" / "checkpoint.pt")
    assert result.step == saved.step == 20
    assert all(torch.isfinite(value).all() for value in saved.net.values())
