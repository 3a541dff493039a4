"""A run, decided but not begun."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ursat.errors import UsageError
from ursat.grid import Window, ceil_scaled
from ursat.io.scene import Scene, open_scene
from ursat.models.registry import find_model
from ursat.run.budget import Budget, NetworkCost, estimate, written_share
from ursat.run.encoding import output_encoding
from ursat.run.options import spread_path
from ursat.run.prepare import scale_of
from ursat.run.region import Region, find_region
from ursat.run.sampling import sample_steps, sampling_of
from ursat.run.shards.cost import in_shards
from ursat.run.shards.lattice import Sharding, sharding_of
from ursat.run.shards.places import shards_folder
from ursat.run.systems import choices_of, cost_of, require_guided, system_sampling
from ursat.tiling.levels import depth_of

if TYPE_CHECKING:
    from contextlib import ExitStack

    from ursat.grid import Grid
    from ursat.models.registry import Choices, ModelInfo
    from ursat.run.options import UpscaleOptions
    from ursat.run.report import Sampling
    from ursat.types import Encoding


@dataclass(frozen=True, slots=True)
class Job:
    """Where a run reads, what draws the detail and how, what it covers, where and how it writes.

    grid, window: the output's, the latter on the full output grid. sharding: None where the output is one file.
    """

    scene: Scene
    options: UpscaleOptions
    model: ModelInfo
    sampling: Sampling
    scale: float
    region: Region
    grid: Grid
    window: Window
    encoding: Encoding
    output: Path
    network: NetworkCost | None
    budget: Budget
    sharding: Sharding | None = None

    @property
    def depth(self) -> int:
        """Number of doublings."""
        return depth_of(self.scale)

    @property
    def choices(self) -> Choices:
        """What only the paper's systems understand."""
        return choices_of(self.options, self.model, self.depth)

    @property
    def spread(self) -> Path | None:
        """The side-car for the spread of the samples, where one was asked for."""
        return spread_path(self.output) if self.sampling.samples else None


def decide(source: str, options: UpscaleOptions, stack: ExitStack) -> Job:
    """Open the input and settle everything that the options leave open; ``stack`` closes the input.

    Raises:
        UrsatError: options that make no sense, an input or weights that cannot be used.
    """
    model = find_model(options.model, options.sr)
    sampling = sampling_of(options, model)
    if options.require_ref:
        require_guided(model)
    scene = stack.enter_context(
        open_scene(
            source, bands=options.bands, mask=options.mask, trusted=options.trusted, allow_remote=options.allow_remote
        )
    )
    scale = scale_of(scene.grid, options)
    check_options(options)
    region = find_region(scene.grid, options)
    output = options.output_path or Path(f"{_stem(source)}_x{scale:g}.tif")
    choices_of(options, model, depth_of(scale))  # refused before anything is opened for long
    encoding = output_encoding(scene, region, options, scale)
    job = assemble(scene, options, model, sampling, scale, region, encoding, output)
    folder, asked = shards_folder(options.output, output)
    sharding = sharding_of(job.grid, scale, folder, options.shards, asked=asked)
    if sharding is None:
        return job
    return replace(job, sharding=sharding, budget=in_shards(job.budget, sharding, scale, options))


def check_options(options: UpscaleOptions) -> None:
    """Refuse what the command line would not have let through: the library and plans bring options, too.

    Raises:
        UsageError: a value that means nothing.
    """
    if options.closure not in {"auto", "exact", "off"}:
        raise UsageError(f"--closure is auto, exact or off, not {options.closure!r}")
    if options.jobs < 0:
        raise UsageError(f"--jobs {options.jobs} is no number of threads", hint="0 takes every core")
    if not all(math.isfinite(limit) and limit > 0 for limit in (options.max_memory, options.max_pixels)):
        raise UsageError("--max-memory and --max-pixels are numbers above 0")


def assemble(
    scene: Scene,
    options: UpscaleOptions,
    model: ModelInfo,
    sampling: Sampling,
    scale: float,
    region: Region,
    encoding: Encoding,
    output: Path,
) -> Job:
    """A job from what is settled: its grid, its window and its costs follow."""
    # The whole grid's finer self, cropped: a piece has the same pixels as the full run, and its own corner.
    grid = scene.grid.crop(region.window).finer(scale)
    window = output_window(region.window, scene.grid, scale)
    grid = replace(grid, height=window.height, width=window.width)
    sampling = system_sampling(sampling, options, model, depth_of(scale))
    network = cost_of(model, sampling, sample_steps(options, model))
    filled = written_share(scene, region.window)
    budget = estimate(scene.info, grid, encoding, scale, options, output, network, filled)
    return Job(scene, options, model, sampling, scale, region, grid, window, encoding, output, network, budget)


def output_window(region: Window, grid: Grid, scale: float) -> Window:
    """The pixels of the full output grid that a region of the input covers.

    Raises:
        UsageError: a piece whose corner falls inside an output pixel (only when K is not an integer).
    """
    corner = region.row * scale, region.col * scale
    if any(abs(v - round(v)) > 1e-6 for v in corner):
        raise UsageError(
            f"at x{scale:g} the region's corner (input pixel {region.col}, {region.row}) falls inside an output pixel",
            hint="move it to a pixel where column x scale and row x scale are whole numbers",
        )
    full = grid.finer(scale)
    window = Window(
        round(corner[0]), round(corner[1]), ceil_scaled(region.height, scale), ceil_scaled(region.width, scale)
    )
    return window.intersect(full.window)


def _stem(source: str) -> str:
    # of an address on a server the query is not the file's name
    name = Path(source.partition("?")[0].rstrip("/") if "://" in source else source.rstrip("/")).name
    return "stdin" if source == "-" else name.removesuffix(".zip").removesuffix(".SAFE").rsplit(".tif", 1)[0]
