"""What a run costs, before it runs: pixels, memory, disk; and the tile that keeps within them."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ursat.errors import UsageError
from ursat.io import isolated
from ursat.io.cache import BLOCK as REFERENCE_BLOCK
from ursat.machine import usable_cores
from ursat.models.core.config import BLOCK
from ursat.run.closure import COLUMN
from ursat.tiling.levels import depth_of

if TYPE_CHECKING:
    from ursat.grid import Grid, Window
    from ursat.io.scene import Scene
    from ursat.models.core.config import CoreConfig
    from ursat.run.options import UpscaleOptions
    from ursat.run.report import Sampling
    from ursat.types import Encoding, SceneInfo

# The process before its first tile (interpreter, numpy, GDAL, torch), GDAL's block cache and the codec's buffers; and
# what measuring a pair of scenes leaves behind. Measured: 160 and 430 MB before the first tile, 130 MB for the codec.
_BASE_BYTES, _PAIR_BYTES = 400 << 20, 220 << 20
# Working copies of a tile and of its surroundings that are alive at once; measured with make bench.
_TILE_COPIES = 9
SPREAD_COPIES = 4
_WAITING_COPIES = 2  # of a finished tile whose turn to be written has not come
SMALLEST_TILE = 64
_USUAL_LEVEL = 2  # of a reference that has not been opened yet: Sentinel-2 under Landsat
_SURROUNDINGS = 200  # input pixels, both sides together, that the classical stage and the local trust look at
REFERENCE_MOST = 256 << 20  # for blocks of the harmonised reference, where memory allows more than they need
# Results of a network that are kept for the next tiles: enough for three bands 65 536 px wide (docs/decisions.md 18)
BLOCK_BYTES = 112 << 20
_PIECES, _PIECE = 64, 256  # a side, and no smaller than a usual block of a file
_LIVE_TENSORS = 4  # of the first width, while a block is evaluated
_CLASSIC_HALO = 44  # input pixels that the classical stage and the features add to the network's own reach


@dataclass(frozen=True, slots=True)
class Budget:
    """Costs of a run; ``refused`` says in one line why it must not start (None: it may), ``advice`` what to do.

    ``tile`` is the asked one, halved until ``memory_bytes`` fits; ``workers`` make one each at once and share the
    ``threads``, as many as fit as well. ``disk_bytes`` counts the working file and the finished file side by side, as
    they are just before the rename, and the spread of samples with its own two; of the output only the share
    ``filled``, 0..1, which the input's files may hold pixels for. ``reference_bytes`` may be held of the harmonised
    reference; 0 while it is not known.
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
    filled: float = 1.0
    reference_bytes: int = 0


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
    filled: float,
) -> Budget:
    """Costs of making ``grid`` from ``info``; ``filled``: `written_share` of what is read.

    Raises:
        UsageError: a tile below 64 pixels.
    """
    if options.tile < SMALLEST_TILE:
        raise UsageError(f"--tile {options.tile} is too small", hint=f"at least {SMALLEST_TILE} output pixels")
    bands = len(encoding.scales)
    pixels = grid.height * grid.width
    raw = pixels * bands * np.dtype(encoding.dtype).itemsize
    # The finished COG: overviews add a third; compression rarely beats one half on interpolated detail. On the way the
    # overviews have a file of their own, not compressed.
    spread = pixels * bands * 4 if options.samples else 0
    disk = int((raw + spread) * filled * (1 + 4 / 3 * 0.7 + 1 / 3))
    folder = output.parent if str(output.parent) else Path()
    free = shutil.disk_usage(folder).free if folder.is_dir() else None
    threads = options.jobs if options.jobs > 0 else usable_cores()
    tile, workers = options.tile, 1
    level = 0 if options.ref is None else min(_USUAL_LEVEL, depth_of(scale))

    def memory_of(tile: int, workers: int) -> int:
        return memory_bytes(tile, workers, info, scale, encoding, network, level)

    while tile > SMALLEST_TILE and memory_of(tile, 1) > options.max_memory:
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
    return Budget(pixels, raw, disk, free, memory, tile, tiles, threads, workers, refused, advice, filled)


def written_share(scene: Scene, window: Window) -> float:
    """Of a window of the input, the share 0..1 that its files may hold pixels for.

    By the files' indices, in 64 x 64 pieces at most. What was never written costs no disk in the output either.
    A remote file's index is left aside: 1.
    """
    if scene.remote:
        return 1.0
    rows, cols = (max(_PIECE, -(-side // _PIECES)) for side in window.shape)
    held = sum(part.height * part.width for part in window.blocks(rows, cols) if not scene.unwritten(part))
    return held / (window.height * window.width)


def memory_bytes(
    tile: int,
    workers: int,
    info: SceneInfo,
    scale: float,
    encoding: Encoding,
    network: NetworkCost | None,
    level: int,
) -> int:
    """Estimated peak of the process; ``level``: the cascade level on whose grid the reference is read, 0 without."""
    size = len(encoding.scales) * np.dtype(encoding.work_dtype).itemsize
    # Input pixels a side that are worked on at once: under a tile, or by a block
    around = network.around if network else tile / 2 ** depth_of(scale) + _SURROUNDINGS
    tiles = _TILE_COPIES + (network.tile_copies if network else 0) + (_WAITING_COPIES if workers > 1 else 0)
    copies = tiles * tile**2 + 14 * (around * 2) ** 2 + (4 * (around * 2**level) ** 2 if level else 0)
    # Columns of a row of tiles on the half grid, and of the whole width the rows that the next row of tiles needs again
    closure = (2 * tile / scale + 4 * COLUMN) * (2 * tile / scale + 64) + info.grid.width * 2 * 16
    closure *= 1 if scale == round(scale) else 2  # the share of each cell that holds values
    held, active = (network.held, network.active) if network else (0, 0)
    reference = reference_bytes(tile, workers, scale, encoding, network, level) if level else 0
    base = _BASE_BYTES + (_PAIR_BYTES if level else 0) + (isolated.RESIDENT if isolated.running() else 0)
    return int(base + held + reference + size * closure + workers * (active + size * copies))


def reference_bytes(
    tile: int, workers: int, scale: float, encoding: Encoding, network: NetworkCost | None, level: int
) -> int:
    """What a cache of the harmonised reference must hold so that no tile makes a block of it twice.

    A tile asks for the same ground at every level; with less, the least recently used block is always the next one
    wanted, and all are made anew each time (measured at x4 with four bands: a tile took seven times as long).
    """
    own = tile / 2 ** depth_of(scale)
    around = network.around if network else own + _SURROUNDINGS
    # A window touches one block more than it is long; neighbouring tiles share what lies around them
    rows = math.ceil(around * 2**level / REFERENCE_BLOCK) + 1
    cols = math.ceil((around + (workers - 1) * own) * 2**level / REFERENCE_BLOCK) + 1
    values = np.dtype(encoding.work_dtype).itemsize + 1  # and whether they are valid
    # The coarser levels hold the same ground: a quarter, a sixteenth ...
    return int(-(-rows * cols * REFERENCE_BLOCK**2 * len(encoding.scales) * values * 4 // 3))
