"""`ursat run-shard`, `ursat status` and `ursat merge`: the commands on the folder of a run in shards."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ursat.cli import options as o
from ursat.cli import render
from ursat.cli import shard_options as s
from ursat.cli.console import start_logging, stdout
from ursat.cli.progress import clock_text, progress
from ursat.cli.shard_progress import json_progress, watch_beside
from ursat.errors import PartialError
from ursat.run.options import UpscaleOptions
from ursat.run.shards.options import ShardOptions

if TYPE_CHECKING:
    from ursat.cli.render import Row
    from ursat.run.shards.status import RunStatus, WorkerStatus

_DEFAULT = UpscaleOptions()


def run_shard(
    plan: s.PlanFile,
    shard: s.Part,
    device: o.Device = _DEFAULT.device,
    jobs: o.Jobs = _DEFAULT.jobs,
    max_memory: o.MaxMemory = _DEFAULT.max_memory,
    shard_timeout: s.ShardTimeout = s.TIMEOUT,
    quiet: o.Quiet = False,
    verbose: o.Verbose = 0,
    log_format: s.LogFormat = "text",
) -> None:
    """Make one part of the shards of PLAN, as one job of an array; whoever ends last writes the index.

    Prints the index once all shards of the plan are done, and nothing before. Ends with exit code 6 when shards of this
    part have failed.
    """
    as_json = log_format == "json"
    start_logging(-1 if quiet else verbose, as_json=as_json)
    from ursat.run.shards.places import run_folder
    from ursat.run.shards.sharded import run_part

    with (json_progress if as_json else progress)(quiet=quiet) as show:
        number, count = shard
        shards = ShardOptions(timeout=shard_timeout)
        here: dict[str, object] = {"device": device, "jobs": jobs, "max_memory": max_memory, "shards": shards}
        _, complete = run_part(plan, part=number, parts=count, options=here, watch=watch_beside(show))
    if complete:
        sys.stdout.write(f"{run_folder(plan).vrt}\n")


def merge(
    folder: s.Folder,
    output: s.MergeOutput,
    overwrite: o.Overwrite = False,
    max_pixels: o.MaxPixels = _DEFAULT.max_pixels,
    quiet: o.Quiet = False,
    verbose: o.Verbose = 0,
) -> None:
    """Write the shards in DIR into one COG, the very file that a run without shards would have written.

    Ends with exit code 6 while shards are missing.
    """
    start_logging(-1 if quiet else verbose)
    from ursat.run.shards.merge import merge as run
    from ursat.run.shards.places import run_folder

    with progress(quiet=quiet, doing="merging") as show:
        path = run(run_folder(folder), Path(output), overwrite=overwrite, max_pixels=max_pixels, progress=show)
    sys.stdout.write(f"{path}\n")


def status(folder: s.Folder, json: o.Json = False, quiet: o.Quiet = False, verbose: o.Verbose = 0) -> None:
    """Say how far the run in DIR is, who works on it, and how long it still takes.

    Ends with exit code 6 while shards are missing.
    """
    start_logging(-1 if quiet else verbose)
    from ursat.run.shards.places import run_folder
    from ursat.run.shards.status import run_status

    found = run_status(run_folder(folder))
    if json:
        render.print_json(found.to_json())
    else:
        render.print_rows(stdout, rows(found), title=found.folder)
    if found.index is None:
        raise PartialError(
            f"{found.done} of {found.total} shards are done",
            hint="run the same ursat upscale again to make what is missing" if not found.making else "",
        )


def rows(found: RunStatus) -> list[Row]:
    """The status as labelled lines."""
    empty = f" ({found.empty} more hold nothing)" if found.empty else ""
    left = "" if found.seconds_left is None else f", {clock_text(found.seconds_left)} left"
    speed = "nobody works" if found.px_per_s is None else f"{render.number(found.px_per_s / 1e6, 3)} Mpx/s{left}"
    failed = [("failed" if not n else "", f"{name}: {why}") for n, (name, why) in enumerate(found.failed.items())]
    return [
        ("shards", f"{found.done} of {found.total} done{empty}"),
        ("under way", str(found.making)),
        ("left", str(found.left)),
        *failed,
        ("speed", speed),
        ("index", found.index or "not yet"),
        *[("workers" if not n else "", _worker(w)) for n, w in enumerate(found.workers)],
        *([("torn", render.count(found.torn, "line"))] if found.torn else []),
    ]


def _worker(worker: WorkerStatus) -> str:
    speed = "" if worker.px_per_s is None else f", {render.number(worker.px_per_s / 1e6, 3)} Mpx/s"
    failed = f", {worker.failed} failed" if worker.failed else ""
    doing = worker.making or f"last heard of {clock_text(max(0.0, time.time() - worker.last))} ago"
    return f"{worker.name}: {worker.done} done{failed}{speed}, {doing}"
