"""Small training ground, made up: fields with texture, and a pack of scenes of it that is made once a session."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import torch

from ursat.io.exchange import write_array
from ursat.models.core.config import CoreConfig
from ursat.models.wavelet import block_mean
from ursat.training.options import TrainOptions
from ursat.training.pack import HEADER, make_scene, save_scene
from ursat.training.scenes import TrainingScene, View
from ursat.training.sources import Tile, TileSampler
from ursat.training.trainer import HELD, HELD_SEED, PACK_SEED

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

TINY = CoreConfig("tiny", (8, 8), (1, 1), 16)
GSD = 2.5


def ground(seed: int, side: int = 128, bands: int = 3) -> NDArray[np.uint8]:
    """(bands, side, side): fields with straight edges under noise of power f**-2.4."""
    rng = np.random.default_rng(seed)
    f = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    f[0, 0] = 1
    texture = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((side, side))) * f**-1.2, s=(side, side))
    out = np.broadcast_to(90 + 25 * texture / texture.std(), (bands, side, side)).copy()
    for _ in range(30):
        (r, c), (h, w) = rng.integers(0, side, 2), rng.integers(6, side // 3, 2)
        out[:, r : r + h, c : c + w] += rng.normal(0, 22, (bands, 1, 1))
    return np.asarray(np.clip(out, 1, 255), dtype=np.uint8)


def exact_scene(depth: int = 3, *, guided: bool = True) -> TrainingScene:
    """Without blur and noise: the input is the truth's mean, the start is the half grid, the reference the truth."""
    truth = ground(1, 512).astype(np.int16) * 64
    framed = np.full_like(truth, 5000)  # constant at the border, whose pixels repeat beyond it on every level
    framed[:, 64:-64, 64:-64] = truth[:, 64:-64, 64:-64]
    truth = framed
    levels = [truth.astype(np.float32)]
    for _ in range(depth):
        levels.append(block_mean(torch.from_numpy(levels[-1])).numpy())
    levels = [np.asarray(level, dtype=np.float32) for level in levels[::-1]]  # 0 is the input
    start = np.rint(levels[1]).astype(np.int16)
    views = [View(start, (0.5, 0.5), (100.0, 100.0, 100.0), 0.0)]
    if guided:
        trust = np.full(levels[0].shape, 255, np.uint8)
        views.append(View(start, (0.5, 0.5), (100.0,) * 3, 0.0, levels[2].astype(np.int16), trust, 2, 4.0))
    return TrainingScene("place", truth, np.rint(levels[0]).astype(np.int16), 2.5, depth, tuple(views))


def make_folder(folder: Path) -> Path:
    """Two places of two GeoTIFFs each."""
    for k in range(4):
        place = folder / f"place{k // 2}"
        place.mkdir(parents=True, exist_ok=True)
        write_array(place / f"tile{k}.tif", ground(k), GSD)
    return folder


def make_pack(data: Path, folder: Path, train: int, held: int) -> Path:
    """What `make_scenes` would make of ``data``, without its processes."""
    sampler = TileSampler(tuple(Tile(f"place{k // 2}", GSD, ground(k)) for k in range(4)))
    for where, seed, count, split in (
        (folder, PACK_SEED, train, {}),
        (folder / HELD, HELD_SEED, held, {"split": "val"}),
    ):
        where.mkdir(parents=True)
        for number in range(count):
            save_scene(where / f"scene-{number:06d}.npz", make_scene(sampler, seed, number))
        (where / HEADER).write_text(json.dumps({"data": data.name, "seed": seed, **split, "full": True}))
    return folder


def options(made: tuple[Path, Path], out: Path, **changes: object) -> TrainOptions:
    """A run of the tiny network on the made pack, on the CPU."""
    data, pack = made
    asked = {
        "preset": TINY,
        "steps": 4,
        "scenes": 6,
        "val_scenes": 2,
        "batch": 2,
        "side": 32,
        "device": "cpu",
        "pack": pack,
    }
    return TrainOptions(data=data, out=out, **(asked | changes))  # type: ignore[arg-type]
