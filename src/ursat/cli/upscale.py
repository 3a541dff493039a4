"""`ursat upscale`: the main job."""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ursat.cli import render
from ursat.cli.console import start_logging, stderr
from ursat.cli.job import Job, job_command
from ursat.cli.plan import show_plan
from ursat.cli.progress import progress
from ursat.cli.shard_progress import json_progress, watch_beside
from ursat.cli.upscale_job import UpscaleJob
from ursat.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursat.cli.render import Row
    from ursat.run.options import UpscaleOptions
    from ursat.run.report import ReferenceSummary, UpscaleReport


@job_command
def upscale(job: UpscaleJob) -> None:
    """Make INPUT's pixels K times finer, guided by a finer reference of the same ground.

    Detail finer than the reference's own pixels is interpolated, predicted or generated, not observed; the report says
    which is which.
    """
    options = job.options()
    as_json = job.log_format == "json"
    warnings = start_logging(job.verbosity, as_json=as_json)
    if job.dry_run:
        show_plan(job.input, Job.options(job), warnings, as_json=job.json)  # who runs it is not the plan's affair
        return
    if job.plan_only:
        from ursat.run.shards.sharded import plan_in_shards

        sys.stdout.write(f"{plan_in_shards(job.input, options)}\n")
        return
    to_stdout = options.output == "-"
    if to_stdout and job.json:
        raise UsageError("--json and -o - both write to stdout", hint="write the file to a path, or leave out --json")
    if to_stdout and sys.stdout.isatty():
        raise UsageError(
            "-o - would write a GeoTIFF to the terminal", hint="send it on: ursat upscale ... -o - > out.tif"
        )

    from ursat.run.pipeline import upscale as run

    with _destination(options) as placed:
        with (json_progress if as_json else progress)(quiet=job.quiet) as show:
            report = run(job.input, placed, progress=show, watch=watch_beside(show))
        for text in report.warnings:
            warnings.warn(text)
        if to_stdout:
            _send(Path(report.output))
            report = replace(report, output="-")
    if not (job.quiet or as_json):
        render.print_rows(stderr, rows(report), title=f"{report.input} -> {report.output}")
    if job.json:
        render.print_json(report.to_json())
    elif not to_stdout:
        sys.stdout.write(f"{report.output}\n")


@contextmanager
def _destination(options: UpscaleOptions) -> Iterator[UpscaleOptions]:
    """The options with '-' replaced by a file that lives until its bytes have been sent on."""
    if options.output != "-":
        yield options
        return
    with tempfile.TemporaryDirectory(prefix="ursat-") as folder:
        yield replace(options, output=str(Path(folder) / "stdout.tif"), shards=replace(options.shards, size=0))


def _send(path: Path) -> None:
    with path.open("rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer, 1 << 20)


def rows(report: UpscaleReport) -> list[Row]:
    """The report as labelled lines."""
    closure = report.closure
    before = f"{render.pixels(report.input_size)} at {render.number(report.gsd_m)} m"
    after = f"{render.pixels(report.output_size)} at {render.number(report.output_gsd_m)} m"
    steps = f"x{render.number(report.scale)}, {render.count(report.stages, 'stage')}"
    stuck = f", {render.count(closure.infeasible, 'pixel')} without a solution" if closure.infeasible else ""
    residual = f"RMSE {render.numbers(closure.rmse_dn)} DN, max {render.numbers(closure.max_dn)} DN"
    speed = (
        f"{render.count(report.tiles, 'tile')} in {report.seconds:.1f} s, {render.number(report.mpx_per_s, 3)} Mpx/s"
    )
    return [
        ("model", report.model.line),
        *([("mode", report.sampling.line)] if report.sampling.evaluations else []),
        ("grid", f"{before} -> {after} ({steps}), {render.count(report.bands, 'band')} {report.dtype}"),
        *_reference_rows(report.reference, report.reference_share),
        ("sensor", f"{report.sensor.name}, MTF {render.number(report.sensor.mtf, 3)} at Nyquist"),
        ("noise", f"{render.numbers(report.noise_dn)} DN"),
        ("closure", f"{closure.mode}: {residual}{stuck}"),
        ("detail", render.octaves((o.gsd_m, o.origin) for o in report.octaves)),
        ("effective", f"{render.number(report.effective_gsd_m)} m: the finest detail that a sensor saw"),
        *([("shards", f"{render.count(report.shards, 'file')} behind {report.output}")] if report.shards else []),
        *(
            [("spread", f"{report.spread}: standard deviation of {report.sampling.samples} samples")]
            if report.spread
            else []
        ),
        ("run", f"{speed}, {render.size(report.peak_memory)} peak memory"),
    ]


def _reference_rows(reference: ReferenceSummary | None, share: float | None) -> list[Row]:
    if reference is None:
        return [("reference", "none")]
    moved = (
        f"moved {reference.dx_m:+.2f} m east, {reference.dy_m:+.2f} m north "
        f"({reference.dcol:+.3f}, {reference.drow:+.3f} input px), reliability {reference.reliability:.2f}"
    )
    locally = "" if share is None else f", {share:.2f} on average over the pixels"
    trusted = f"trust {reference.trust_mean:.2f} as a whole{locally}"
    why = f": {reference.why}" if reference.why else ""
    found = [("reference", f"{reference.path} ({render.number(reference.gsd_m)} m) {reference.status}{why}")]
    return found if reference.status == "dropped" else [*found, ("", moved), ("", trusted)]
