"""What a run costs, before it runs: pixels, memory, disk; and the tile that keeps within them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ursat.errors import UsageError
from ursat.tiling.levels import depth_of

if TYPE_CHECKING:
    from ursat.grid import Grid
    from ursat.run.options import UpscaleOptions
    from ursat.types import Encoding, SceneInfo

# The process before its first tile (interpreter, numpy, GDAL, torch), GDAL's block cache and the codec's buffers.
_BASE_BYTES = 620 << 20
# Working copies of a tile and of its surroundings that are alive at once; measured with make bench.
_TILE_COPIES = 9
_SMALLEST_TILE = 64


@dataclass(frozen=True, slots=True)
class Budget:
    """Costs of a run; ``refused`` says in one line why it must not start (None: it may), ``advice`` what to do.

    ``tile`` is the asked one, halved until ``memory_bytes`` fits. ``disk_bytes`` counts the working file and the
    finished file side by side, as they are just before the rename.
    """

    pixels: int
    output_bytes: int
    disk_bytes: int
    free_bytes: int | None
    memory_bytes: int
    tile: int
    tiles: int
    threads: int
    refused: str | None
    advice: str


def estimate(
    info: SceneInfo, grid: Grid, encoding: Encoding, scale: float, options: UpscaleOptions, output: Path
) -> Budget:
    """Costs of making ``grid`` from ``info``.

    Raises:
        UsageError: a tile below 64 pixels.
    """
    if options.tile < _SMALLEST_TILE:
        raise UsageError(f"--tile {options.tile} is too small", hint=f"at least {_SMALLEST_TILE} output pixels")
    bands = len(encoding.scales)
    pixels = grid.height * grid.width
    raw = pixels * bands * np.dtype(encoding.dtype).itemsize
    # The finished COG: overviews add a third; compression rarely beats one half on interpolated detail.
    disk = int(raw * (1 + 4 / 3 * 0.7))
    folder = output.parent if str(output.parent) else Path()
    free = shutil.disk_usage(folder).free if folder.is_dir() else None
    tile = options.tile
    while tile > _SMALLEST_TILE and memory_bytes(tile, info, bands, scale, encoding) > options.max_memory:
        tile //= 2
    memory = memory_bytes(tile, info, bands, scale, encoding)
    threads = options.jobs if options.jobs > 0 else len(os.sched_getaffinity(0))
    tiles = -(-grid.height // tile) * -(-grid.width // tile)
    refused, advice = None, ""
    area = f"an area of {int((options.max_pixels / pixels) ** 0.5 * min(grid.shape) / scale)} input pixels a side"
    if pixels > options.max_pixels:
        refused = (
            f"the output would have {grid.width} x {grid.height} = {pixels:.3g} pixels, over --max-pixels "
            f"{options.max_pixels:.3g}"
        )
        advice = f"choose a part with --bbox, --aoi or --window ({area} fits), or raise --max-pixels"
    elif memory > options.max_memory:
        refused = f"the run needs about {memory / 2**30:.1f} GiB of memory, over --max-memory"
        advice = f"allow at least {memory / 2**30:.1f}G"
    elif free is not None and disk > free:
        refused = f"the run needs about {disk / 2**30:.1f} GiB in {folder}, {free / 2**30:.1f} GiB are free"
        advice = "write to another disk with -o, or choose a part with --bbox, --aoi or --window"
    return Budget(pixels, raw, disk, free, memory, tile, tiles, threads, refused, advice)


def memory_bytes(tile: int, info: SceneInfo, bands: int, scale: float, encoding: Encoding, level: int = 2) -> int:
    """Estimated peak of the process; ``level``: the cascade level on whose grid the reference is read."""
    item = np.dtype(encoding.work_dtype).itemsize
    around = tile / 2 ** depth_of(scale) + 200  # input pixels under a tile, with its halo
    copies = _TILE_COPIES * tile**2 + 14 * (around * 2) ** 2 + 4 * (around * 2**level) ** 2
    closure_rows = info.grid.width * 2 * (2 * tile / scale + 64)
    return int(_BASE_BYTES + bands * item * (copies + closure_rows))
