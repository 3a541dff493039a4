"""A tiny scene in nine shards, one of them empty, and the ways to run it."""

from __future__ import annotations

import hashlib
import multiprocessing
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine

from ursat import UpscaleOptions, upscale
from ursat.run.report import UpscaleReport
from ursat.run.shards.options import ShardOptions
from ursat.run.shards.places import Places

SIDE, SCALE, SHARD = 24, 8, 64  # 8 input pixels a shard
SHARDS, EMPTY = 8, 1


def scene(path: Path, *, seed: int = 0) -> Path:
    """24 x 24 pixels, two bands; the middle shard is nodata, and so are some pixels at its neighbours' seams."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    smooth = 1000 + 600 * np.sin(7 * rows + 3 * cols) + 300 * np.cos(11 * cols)
    pixels = np.stack([smooth, 0.7 * smooth + 100]) + rng.normal(0, 15, (2, SIDE, SIDE))
    pixels = pixels.round().astype(np.uint16)
    pixels[:, 8:16, 8:16] = 0
    pixels[0, 6:9, 3:5] = 0
    with rasterio.open(
        path, "w", driver="GTiff", count=2, height=SIDE, width=SIDE, dtype="uint16", nodata=0, crs="EPSG:32649",
        transform=Affine(30, 0, 500000, 0, -30, 4000000),
    ) as dataset:  # fmt: skip
        dataset.write(pixels)
        dataset.update_tags(DATE_ACQUIRED="2021-08-12")
    return path


def options(out: Path | str, *, shards: ShardOptions | None = None, **more: Any) -> UpscaleOptions:
    """In shards unless told otherwise; one thread."""
    cut = ShardOptions(size=SHARD) if shards is None else shards
    return UpscaleOptions(scale=SCALE, output=str(out), model="fusion", jobs=1, shards=cut, **more)


def run(source: Path, out: Path | str, **more: Any) -> UpscaleReport:
    return upscale(str(source), options(out, **more))


def one_file(source: Path, out: Path, **more: Any) -> Path:
    """The same output as one COG."""
    run(source, out, shards=ShardOptions(size=0), **more)
    return out


def files(places: Places) -> dict[str, str]:
    """{path: sha256} of everything in a run's folder that must not depend on who made it."""
    wanted = [*places.folder.glob("shards/*/*.tif"), *places.folder.glob("*.vrt")]
    return {str(p.relative_to(places.folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(wanted)}


@cache
def processes() -> Any:
    """Makes processes that have the libraries loaded already and nothing of this one's threads and files."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "rasterio", "ursat.run.shards.sharded", "ursat.models.fusion"])
    return context
