"""`ursat plan`: what a run would do and cost, before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursat.cli import render
from ursat.cli.console import start_logging, stdout
from ursat.cli.job import Job, job_command
from ursat.cli.progress import clock_text
from ursat.errors import LimitError

if TYPE_CHECKING:
    from ursat.cli.console import WarningHandler
    from ursat.cli.render import Row
    from ursat.run.options import UpscaleOptions
    from ursat.run.report import PlanReport

_TIMED = "one block timed just now, the rest by a rate; all cores for this run"


@job_command
def plan(job: Job) -> None:
    """Print tiles, time, memory, disk and output size of the same `upscale`, and make nothing.

    Ends with exit code 7 when the run would be refused.
    """
    options = job.options()
    show_plan(job.input, options, start_logging(job.verbosity), as_json=job.json)


def show_plan(path: str, options: UpscaleOptions, warnings: WarningHandler, *, as_json: bool) -> None:
    """Plan, print, and refuse where the run itself would.

    Raises:
        LimitError: the run would exceed a limit of pixels, memory or disk.
    """
    from ursat.run.pipeline import plan as make_plan

    report = make_plan(path, options)
    for text in report.warnings:
        warnings.warn(text)
    if as_json:
        render.print_json(report.to_json())
    else:
        render.print_rows(stdout, rows(report), title=f"{report.input} -> {report.output}")
    if report.refused is not None:
        raise LimitError(
            f"the run would be refused: {report.refused}",
            hint=report.advice or "cut the region with --bbox, --aoi or --window, lower --scale, or raise the limit",
        )


def rows(report: PlanReport) -> list[Row]:
    """The plan as labelled lines."""
    pitch = render.number(report.output_gsd_m)
    free = "" if report.free_bytes is None else f" of {render.size(report.free_bytes)} free"
    return [
        ("model", report.model.line),
        *([("mode", report.sampling.line)] if report.sampling.evaluations else []),
        ("input", f"{render.pixels(report.input_size)}, {render.count(report.bands, 'band')} {report.dtype}"),
        ("output", f"{render.pixels(report.output_size)} at {pitch} m, x{render.number(report.scale)}"),
        ("reference", report.reference or "none"),
        ("GSD", f"{' -> '.join(render.number(g) for g in report.gsd_m)} m ({render.count(report.stages, 'stage')})"),
        ("tiles", f"{report.tiles} of {report.tile} px, halo {report.halo} input px"),
        *([("shards", f"{report.shards}, each a file of its own")] if report.shards else []),
        *([("time", f"about {clock_text(report.seconds)} here: {_TIMED}")] if report.seconds is not None else []),
        ("networks", render.count(report.evaluations, "evaluation")),
        ("memory", f"{render.size(report.memory_bytes)}, limit {render.size(report.max_memory)}"),
        ("disk", f"{render.size(report.disk_bytes)}{free}; {render.size(report.output_bytes)} of pixels uncompressed"),
        ("refused", report.refused or "no"),
    ]
