"""`ursat.upscale`: read -> harmonise -> plan -> cascade -> stitch and write -> report."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ursat.errors import InputError, LimitError, UsageError
from ursat.io.preflight import check_output
from ursat.io.scene import Scene, open_scene
from ursat.io.writer import CogWriter
from ursat.run.budget import Budget, estimate, memory_bytes
from ursat.run.closure import ClosureMeter, ClosureResult
from ursat.run.encoding import output_encoding
from ursat.run.prepare import Prepared, prepare, scale_of
from ursat.run.provenance import provenance_of
from ursat.run.region import Region, find_region
from ursat.run.summary import plan_report, upscale_report
from ursat.tiling.levels import depth_of, total_reach

if TYPE_CHECKING:
    from ursat.grid import Grid, Window
    from ursat.models.stage import Stage
    from ursat.run.cascade import Cascade
    from ursat.run.options import UpscaleOptions
    from ursat.run.report import PlanReport, UpscaleReport
    from ursat.types import Encoding, Progress

_TYPICAL_MTF = 0.25


@dataclass(frozen=True, slots=True)
class Job:
    """A run, decided but not begun: where it reads, what it covers, where and how it writes."""

    scene: Scene
    options: UpscaleOptions
    scale: float
    region: Region
    grid: Grid
    window: Window
    encoding: Encoding
    output: Path
    budget: Budget

    @property
    def depth(self) -> int:
        """Number of doublings."""
        return depth_of(self.scale)


def plan(input: str, options: UpscaleOptions) -> PlanReport:  # noqa: A002  (the word users say)
    """What `upscale` would do and cost, without computing a pixel. The result says if it would be refused."""
    with ExitStack() as stack:
        job = _job(input, options, stack)
        halo = total_reach(job.depth, _typical_stage(job).halo)
        return plan_report(job.scene.info, options, job.scale, job.grid, job.encoding, job.output, job.budget, halo)


def upscale(
    input: str,  # noqa: A002
    options: UpscaleOptions,
    *,
    progress: Progress | None = None,
) -> UpscaleReport:
    """Make ``input`` finer and write a georeferenced COG.

    Args:
        input: a raster, a Landsat Collection-2 or Sentinel-2 scene folder, or '-' for stdin.
        options: see `UpscaleOptions`.
        progress: called with (tiles done, tiles in all).

    Raises:
        UrsatError: every failure a user can meet, each with its exit code and a hint.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        job = _job(input, options, stack)
        if job.budget.refused is not None:
            raise LimitError(job.budget.refused, hint=job.budget.advice)
        check_output(
            job.output, overwrite=options.overwrite, needed_bytes=job.budget.disk_bytes, protected=_protected(job)
        )
        if not job.scene.any_valid():
            raise InputError(f"{input} holds no valid pixel: all of it is nodata", hint="check its nodata value")
        reading = stack.enter_context(ExitStack())
        prepared = prepare(job.scene, job.scale, options, reading)
        _check_memory(job, prepared)
        writer = stack.enter_context(
            CogWriter(
                job.output,
                job.grid,
                job.encoding,
                creation_options=options.creation_options,
                overwrite=options.overwrite,
                threads=job.budget.threads,
            )
        )
        closure, trust = _render(job, prepared, _cascade(job, prepared), writer, progress)
        reading.close()  # what the reference held is free again before the COG is made
        facts = provenance_of(
            job.scene, options, job.scale, job.region, prepared, closure, job.encoding, guided=bool(trust)
        )
        path = writer.finish(facts)
        return upscale_report(
            job.scene.info, options, job.scale, job.grid, job.encoding, path, job.budget, prepared, closure,
            facts, trust=trust, seconds=time.monotonic() - began,
        )  # fmt: skip


def _job(source: str, options: UpscaleOptions, stack: ExitStack) -> Job:
    scene = stack.enter_context(open_scene(source, bands=options.bands, mask=options.mask, trusted=options.trusted))
    scale = scale_of(scene.grid, options)
    if options.closure not in {"auto", "exact", "off"}:
        raise UsageError(f"--closure is auto, exact or off, not {options.closure!r}")
    region = find_region(scene.grid, options)
    # The whole grid's finer self, cropped: a piece has the same pixels as the full run, and its own corner.
    grid = scene.grid.crop(region.window).finer(scale)
    window = output_window(region.window, scene.grid, scale)
    grid = replace(grid, height=window.height, width=window.width)
    output = options.output_path or Path(f"{_stem(source)}_x{scale:g}.tif")
    encoding = output_encoding(scene, region, options, scale)
    budget = estimate(scene.info, grid, encoding, scale, options, output)
    return Job(scene, options, scale, region, grid, window, encoding, output, budget)


def output_window(region: Window, grid: Grid, scale: float) -> Window:
    """The pixels of the full output grid that a region of the input covers.

    Raises:
        UsageError: a piece whose corner falls inside an output pixel (only when K is not an integer).
    """
    from ursat.grid import Window, ceil_scaled  # noqa: PLC0415

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
    name = Path(source.rstrip("/")).name
    return "stdin" if source == "-" else name.removesuffix(".zip").removesuffix(".SAFE").rsplit(".tif", 1)[0]


def _check_memory(job: Job, prepared: Prepared) -> None:
    """The estimate again, now that the reference's grid is known."""
    if prepared.reference is None:
        return
    info, bands = job.scene.info, len(job.encoding.scales)
    needed = memory_bytes(job.budget.tile, info, bands, job.scale, job.encoding, prepared.reference.level)
    if needed > job.options.max_memory:
        raise LimitError(
            f"with this reference the run needs about {needed / 2**30:.1f} GiB of memory, over --max-memory",
            hint=f"allow {needed / 2**30:.1f}G, choose a smaller --tile, or a coarser reference",
        )


def _protected(job: Job) -> tuple[Path, ...]:
    names = [job.scene.info.path, *([job.options.ref] if job.options.ref else [])]
    return tuple(Path(name) for name in names)


def _cascade(job: Job, prepared: Prepared) -> Cascade:
    """Build the cascade (torch is loaded here, not before)."""
    import torch  # noqa: PLC0415

    from ursat.models.encode import physical_range  # noqa: PLC0415
    from ursat.models.registry import get_stage  # noqa: PLC0415
    from ursat.models.stage import StageSettings  # noqa: PLC0415
    from ursat.run.cascade import Cascade  # noqa: PLC0415
    from ursat.run.device import pick_device  # noqa: PLC0415

    torch.set_num_threads(job.budget.threads)
    lowest, highest = physical_range(job.encoding)
    settings = StageSettings(
        sensor=prepared.sensor,
        reference=prepared.reference,
        closure=job.options.closure,
        lowest=lowest,
        highest=highest,
        seed=job.options.seed,
    )
    return Cascade(
        get_stage(job.options.model, settings),
        settings,
        scale=job.scale,
        source=job.scene,
        reference=prepared.warped,
        device=pick_device(job.options.device),
        dtype=torch.float64 if job.encoding.work_dtype == "float64" else torch.float32,
        gsd_m=job.scene.info.gsd_m,
        keep=None if job.region.whole else job.region.keep,
    )


def _typical_stage(job: Job) -> Stage:
    """The model's stage for a typical sensor: its reach is known before the scene's own sensor is estimated."""
    from ursat.fir import psf_taps  # noqa: PLC0415
    from ursat.models.encode import physical_range  # noqa: PLC0415
    from ursat.models.registry import get_stage  # noqa: PLC0415
    from ursat.models.stage import StageSettings  # noqa: PLC0415
    from ursat.types import SensorModel  # noqa: PLC0415

    bands = len(job.encoding.scales)
    sensor = SensorModel("typical", _TYPICAL_MTF, psf_taps(_TYPICAL_MTF), (1.0,) * bands, (10.0,) * bands)
    lowest, highest = physical_range(job.encoding)
    return get_stage(job.options.model, StageSettings(sensor, None, job.options.closure, lowest, highest))


def _render(
    job: Job, prepared: Prepared, cascade: Cascade, writer: CogWriter, progress: Progress | None
) -> tuple[ClosureResult, float | None]:
    """Compute, encode, measure and write tile by tile; rows of tiles in order."""
    from ursat.models.encode import to_dn, to_stored  # noqa: PLC0415

    meter = ClosureMeter(
        job.scene,
        None if job.region.whole else job.region.keep,
        job.region.window,
        scale=job.scale,
        taps=prepared.sensor.taps,
        encoding=job.encoding,
        tolerance_dn=tuple(job.encoding.closure_dn(p) for p in prepared.p99_dn),
    )
    tile = job.budget.tile
    tiles = list(job.window.blocks(tile, tile))
    trust_sum, trust_count = 0.0, 0
    for number, window in enumerate(tiles):
        done = cascade.render(window)
        local = replace(window, row=window.row - job.window.row, col=window.col - job.window.col)
        if done is not None:
            stored = to_stored(done.values, job.encoding)
            writer.write(local, to_dn(stored, done.valid, job.encoding))
            meter.add(window, stored.cpu().numpy(), done.valid.cpu().numpy())
            trust_sum, trust_count = trust_sum + done.trust_sum, trust_count + done.trust_count
        last_of_row = number + 1 == len(tiles) or tiles[number + 1].row != window.row
        if last_of_row:
            meter.row_done(window.row_stop)
        if progress is not None:
            progress(number + 1, len(tiles))
    believed = trust_sum / trust_count if trust_count and prepared.reference is not None else None
    return meter.result(), believed
