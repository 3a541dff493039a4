"""`ursat.upscale`: read -> harmonise -> plan -> cascade -> stitch and write -> report."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ursat.errors import InputError, LimitError
from ursat.io.preflight import check_output
from ursat.io.writer import CogWriter
from ursat.run.job import Job, decide
from ursat.run.memory import within_memory
from ursat.run.prepare import prepare
from ursat.run.provenance import provenance_of
from ursat.run.render import expected_work, render
from ursat.run.sampling import sample_steps
from ursat.run.spread import spread_encoding, spread_facts
from ursat.run.summary import plan_report, upscale_report
from ursat.run.systems import without_detail

if TYPE_CHECKING:
    from ursat.run.options import UpscaleOptions
    from ursat.run.report import PlanReport, UpscaleReport
    from ursat.run.shards.tally import Watch
    from ursat.types import Encoding, Progress


def plan(input: str, options: UpscaleOptions) -> PlanReport:  # noqa: A002  (the word users say)
    """What `upscale` would do and cost. Nothing but one block of noise is computed, for the time that a run would take.

    The result says if the run would be refused; its time is not estimated then.
    """
    with ExitStack() as stack:
        job = decide(input, options, stack)
        halo, evaluations = expected_work(job)
        seconds = None
        if job.budget.refused is None:
            from ursat.run.forecast import expected_seconds  # noqa: PLC0415  (torch comes with it)

            seconds = expected_seconds(job, evaluations)
        return plan_report(job, halo, evaluations, seconds)


def upscale(
    input: str,  # noqa: A002
    options: UpscaleOptions,
    *,
    progress: Progress | None = None,
    watch: Watch | None = None,
) -> UpscaleReport:
    """Make ``input`` finer and write a georeferenced COG.

    Args:
        input: a raster, a Landsat Collection-2 or Sentinel-2 scene folder, or '-' for stdin.
        options: see `UpscaleOptions`.
        progress: called with (tiles done, tiles in all) of an output that is one file.
        watch: called after every shard of an output in shards.

    Raises:
        UrsatError: every failure a user can meet, each with its exit code and a hint.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        job = decide(input, options, stack)
        if job.sharding is not None:
            from ursat.run.shards.sharded import upscale_in_shards  # noqa: PLC0415

            return upscale_in_shards(job, watch)
        if job.budget.refused is not None:
            raise LimitError(job.budget.refused, hint=job.budget.advice)
        for path in (job.output, *([job.spread] if job.spread else [])):
            check_output(
                path, overwrite=options.overwrite, needed_bytes=job.budget.disk_bytes, protected=_protected(job)
            )
        if not job.scene.any_valid():
            raise InputError(f"{input} holds no valid pixel: all of it is nodata", hint="check its nodata value")
        reading = stack.enter_context(ExitStack())
        prepared = without_detail(prepare(job.scene, job.scale, options, reading), job.model)
        job = within_memory(job, prepared)
        writer = stack.enter_context(_writer(job, job.output, job.encoding))
        aside = None if job.spread is None else _writer(job, job.spread, spread_encoding(job.encoding))
        if aside is not None:
            stack.enter_context(aside)
        made = render(job, prepared, writer, aside, progress)
        reading.close()  # what the reference held is free again before the COG is made
        facts = provenance_of(job, prepared, made.closure, guided=bool(made.trust))
        if aside is not None:  # first: whoever finds the output finds its side-car
            seeds = [options.seed + k for k in range(job.sampling.samples)]
            aside.finish(spread_facts(facts, seeds, sample_steps(options, job.model)))
        writer.finish(facts)
        return upscale_report(job, prepared, made, facts, seconds=time.monotonic() - began)


def _writer(job: Job, path: Path, encoding: Encoding) -> CogWriter:
    return CogWriter(
        path,
        job.grid,
        encoding,
        creation_options=job.options.creation_options,
        overwrite=job.options.overwrite,
        threads=job.budget.threads,
    )


def _protected(job: Job) -> tuple[Path, ...]:
    names = [job.scene.info.path, *([job.options.ref] if job.options.ref else [])]
    return tuple(Path(name) for name in names)
