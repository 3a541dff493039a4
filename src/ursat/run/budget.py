"""What a run costs, before it runs: pixels, memory, disk; and the tile that keeps within them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ursat.errors import UsageError
from ursat.models.core.config import BLOCK
from ursat.tiling.levels import depth_of

if TYPE_CHECKING:
    from ursat.grid import Grid
    from ursat.models.core.config import CoreConfig
    from ursat.run.options import UpscaleOptions
    from ursat.run.report import Sampling
    from ursat.types import Encoding, SceneInfo

# The process before its first tile (interpreter, numpy, GDAL, torch), GDAL's block cache and the codec's buffers.
_BASE_BYTES = 620 << 20
# Working copies of a tile and of its surroundings that are alive at once; measured with make bench.
_TILE_COPIES = 9
SPREAD_COPIES = 4
_WAITING_COPIES = 2  # of a finished tile whose turn to be written has not come
_SMALLEST_TILE = 64
BLOCK_BYTES = 128 << 20  # results of a network that are kept for the next tiles
_LIVE_TENSORS = 4  # of the first width, while a block is evaluated
_CLASSIC_HALO = 44  # input pixels that the classical stage and the features add to the network's own reach


@dataclass(frozen=True, slots=True)
class Budget:
    """Costs of a run; ``refused`` says in one line why it must not start (None: it may), ``advice`` what to do.

    ``tile`` is the asked one, halved until ``memory_bytes`` fits; ``workers`` make one each at once and share the
    ``threads``, as many as fit as well. ``disk_bytes`` counts the working file and the finished file side by side, as
    they are just before the rename, and the spread of samples with its own two.
    """

    pixels: int
    output_bytes: int
    disk_bytes: int
    free_bytes: int | None
    memory_bytes: int
    tile: int
    tiles: int
    threads: int
    workers: int
    refused: str | None
    advice: str


@dataclass(frozen=True, slots=True)
class NetworkCost:
    """What a network adds to a run's memory.

    held: bytes of kept results. active: bytes of one block's activations. around: input pixels a side that the largest
    block reads. tile_copies: working copies of a tile, for the spread of samples.
    """

    held: int
    active: int
    around: int
    tile_copies: int


def network_cost(config: CoreConfig, sampling: Sampling, sample_steps: int) -> NetworkCost:
    """The memory of a network of the core family; ``sample_steps``: of a sample behind the spread."""
    evaluations = max(sampling.evaluations, 1 + sample_steps if sampling.samples else 0)
    reach = config.halo * evaluations + _CLASSIC_HALO
    side = 3 * BLOCK // 2 + 2 * reach  # the last block of a row takes up to half a block more
    active = _LIVE_TENSORS * config.widths[0] * 4 * side**2
    return NetworkCost(BLOCK_BYTES, active, side, SPREAD_COPIES if sampling.samples else 0)


def estimate(
    info: SceneInfo,
    grid: Grid,
    encoding: Encoding,
    scale: float,
    options: UpscaleOptions,
    output: Path,
    network: NetworkCost | None,
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
    # The finished COG: overviews add a third; compression rarely beats one half on interpolated detail. On the way the
    # overviews have a file of their own, not compressed.
    spread = pixels * bands * 4 if options.samples else 0
    disk = int((raw + spread) * (1 + 4 / 3 * 0.7 + 1 / 3))
    folder = output.parent if str(output.parent) else Path()
    free = shutil.disk_usage(folder).free if folder.is_dir() else None
    threads = options.jobs if options.jobs > 0 else len(os.sched_getaffinity(0))
    tile, workers = options.tile, 1

    def memory_of(tile: int, workers: int) -> int:
        return memory_bytes(tile, workers, info, scale, encoding, network)

    while tile > _SMALLEST_TILE and memory_of(tile, 1) > options.max_memory:
        tile //= 2
    tiles = -(-grid.height // tile) * -(-grid.width // tile)
    while workers < min(threads, tiles) and memory_of(tile, workers + 1) <= options.max_memory:
        workers += 1
    memory = memory_of(tile, workers)
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
    return Budget(pixels, raw, disk, free, memory, tile, tiles, threads, workers, refused, advice)


def memory_bytes(
    tile: int,
    workers: int,
    info: SceneInfo,
    scale: float,
    encoding: Encoding,
    network: NetworkCost | None,
    level: int = 2,
) -> int:
    """Estimated peak of the process; ``level``: the cascade level on whose grid the reference is read."""
    size = len(encoding.scales) * np.dtype(encoding.work_dtype).itemsize
    # Input pixels a side that are worked on at once: under a tile, or by a block
    around = network.around if network else tile / 2 ** depth_of(scale) + 200
    tiles = _TILE_COPIES + (network.tile_copies if network else 0) + (_WAITING_COPIES if workers > 1 else 0)
    copies = tiles * tile**2 + 14 * (around * 2) ** 2 + 4 * (around * 2**level) ** 2
    closure_rows = info.grid.width * 2 * (2 * tile / scale + 64)
    held, active = (network.held, network.active) if network else (0, 0)
    return int(_BASE_BYTES + held + size * closure_rows + workers * (active + size * copies))
