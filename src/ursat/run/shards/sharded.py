"""`upscale` for outputs in shards: plan (or resume), make what is left, tie it together, report."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from ursat.errors import PartialError, UsageError
from ursat.run.job import decide
from ursat.run.shards.index import write_index
from ursat.run.shards.local import run_here
from ursat.run.shards.manifest import Manifest, worker_name
from ursat.run.shards.outcome import shards_report
from ursat.run.shards.places import run_folder
from ursat.run.shards.plan import read_plan
from ursat.run.shards.resume import planned
from ursat.run.shards.session import open_session
from ursat.run.shards.stalls import given_up, patience_of
from ursat.run.shards.tally import Standing, Tally, Watch

if TYPE_CHECKING:
    from pathlib import Path

    from ursat.run.job import Job
    from ursat.run.options import UpscaleOptions
    from ursat.run.report import UpscaleReport
    from ursat.run.shards.lattice import Shard
    from ursat.run.shards.session import Session

EXECUTORS = ("local", "dask")
# What a resumed run takes from its own command line rather than from the plan
_OF_THIS_RUN = ("device", "jobs", "tile", "max_memory", "max_pixels", "shards")


def upscale_in_shards(job: Job, watch: Watch | None = None) -> UpscaleReport:
    """Make an output in shards, or what is left of one; where all is done, only the index is written again.

    Args:
        job: with a `Job.sharding`.
        watch: called after every shard.

    Raises:
        UsageError: the folder holds another run; the difference is named.
        OutputExistsError: the folder is not a run's, or is one and may not be resumed.
        PartialError: some shards have failed.
        LimitError: over a limit; what is done stays done.
    """
    began = time.monotonic()
    _check_executor(job.options)
    places, plan = planned(job)
    options = replace(plan.options, **{name: getattr(job.options, name) for name in _OF_THIS_RUN})
    with ExitStack() as stack:
        session = open_session(places, plan, options, stack)
        make(session, plan.shards, watch)
        write_index(session)
        return shards_report(session, seconds=time.monotonic() - began)


def plan_in_shards(input: str, options: UpscaleOptions) -> Path:  # noqa: A002  (the word users say)
    """Measure the scene and write ``plan.json``, for `run_part` on any number of machines; the plan's path.

    Raises:
        UsageError: the output would be one file; or the folder holds another run.
    """
    with ExitStack() as stack:
        job = decide(input, options, stack)
        if job.sharding is None:
            raise UsageError(
                f"{job.output} would be one file, which needs no plan",
                hint="name a folder with -o FOLDER/, or set --shard-size",
            )
        return planned(job)[0].plan


def run_part(
    path: str, *, part: int, parts: int, options: dict[str, object] | None = None, watch: Watch | None = None
) -> tuple[Standing, bool]:
    """Make every ``parts``-th shard of a plan, beginning with number ``part``.

    Whoever finds that all shards of the plan are done writes the index.

    Args:
        path: a plan, or its folder.
        part: from 0.
        parts: how many share the work.
        options: of `UpscaleOptions`, where this worker differs from the plan: device, jobs, tile, max_memory, shards.
        watch: called after every shard.

    Returns:
        Where this part stands, and whether the whole is complete.

    Raises:
        UsageError: no such part; another installation than the plan's.
        InputError: the plan is damaged, or an input is not what it was.
        PartialError: some shards have failed.
        LimitError: over a limit; what is done stays done.
    """
    if not 0 <= part < parts:
        raise UsageError(f"there is no part {part} of {parts}", hint="parts count from 0: --shard 0/8 ... 7/8")
    places = run_folder(path)
    plan = read_plan(places)
    with ExitStack() as stack:
        session = open_session(places, plan, replace(plan.options, **(options or {})), stack)  # type: ignore[arg-type]
        tally = make(session, plan.shards[part::parts], watch)
        whole = Tally(places, session.plan_sha256, plan.shards)
        whole.start()
        if not whole.left:
            write_index(session)
        return tally.standing, not whole.left


def make(session: Session, shards: tuple[Shard, ...], watch: Watch | None) -> Tally:
    """Make shards with the executor that the session's options name.

    Raises:
        PartialError: some have failed.
        LimitError: the disk or the memory is full.
    """
    options, places = session.whole.options, session.places
    tally = Tally(places, session.plan_sha256, shards, watch)
    tally.start()
    if tally.left:  # something was deleted from a finished run: it is not finished any more
        places.vrt.unlink(missing_ok=True)
    if options.shards.executor == "dask":
        from ursat.run.shards.dask_executor import run_with_dask  # noqa: PLC0415  (an extra)

        run_with_dask(places, options, tally)
    else:
        run_here(session, tally, Manifest(places, worker_name()))
    if tally.failed:
        name, why = next(iter(tally.failed.items()))
        raise PartialError(
            f"{len(tally.failed)} of {len(shards)} shards in {places.folder} have failed; the first, {name}: {why}",
            hint=_way_on(session, [shard for shard in shards if shard.name in tally.failed]),
        )
    return tally


def _way_on(session: Session, failed: list[Shard]) -> str:
    """What makes shards that have failed: the same command, unless it would not try one that has hung too often."""
    patience = patience_of(session.whole.options.shards.timeout)
    if any(given_up(session.places, shard, patience) for shard in failed):
        return f"mend the cause and run it with --shard-timeout {patience * 2:g}s: only what is missing is made"
    return "mend the cause and run the same command again: only what is missing is made"


def _check_executor(options: UpscaleOptions) -> None:
    shards = options.shards
    if shards.executor not in EXECUTORS:
        raise UsageError(f"--executor {shards.executor!r} is neither local nor dask")
    if shards.executor == "local" and (shards.scheduler is not None or shards.workers):
        raise UsageError("--scheduler and --workers are for --executor dask", hint="--executor dask")
