"""The plan of a run: the one that its folder holds, if it is the same run's, or a new one."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ursat.errors import InputError, LimitError, OutputError, OutputExistsError, UsageError
from ursat.io.part_files import sweep_stale
from ursat.run.prepare import prepare
from ursat.run.shards.cost import in_shards
from ursat.run.shards.done import read_done
from ursat.run.shards.places import Places
from ursat.run.shards.plan import Plan, difference, read_plan, write_plan
from ursat.run.shards.planning import complete, unmeasured
from ursat.run.systems import without_detail

if TYPE_CHECKING:
    from ursat.run.job import Job


def planned(job: Job) -> tuple[Places, Plan]:
    """The run's folder, with its plan in it.

    ========================  =====================  ==========================
    the folder holds          without --overwrite    with it
    ========================  =====================  ==========================
    nothing, or is not there  a new run              a new run
    this run, unfinished      goes on                goes on
    this run, finished        nothing is left to do  begins anew
    another run               refused (exit code 2)  begins anew
    anything else             refused (exit code 5)  refused (exit code 5)
    ========================  =====================  ==========================

    Raises:
        UsageError: it holds another run.
        OutputExistsError: it is not a run's, or is one and may not be resumed.
        LimitError: over a limit of pixels, memory or disk.
        OutputError: it cannot be written to.
    """
    if job.sharding is None:
        raise ValueError("the run is not in shards")
    if job.sampling.samples:
        raise UsageError(
            "--samples is not written in shards", hint="write one file with --shard-size 0, or leave --samples out"
        )
    places = Places(job.sharding.folder.absolute())
    now = unmeasured(job)
    if places.plan.exists() and not _resumable(job, places, now):
        discard(places)
    if places.plan.exists():
        sweep_stale(places.plan)
    else:
        _check_new(places)
        _refuse(job, 1.0)
        plan = _measured(job, now)
        try:
            places.folder.mkdir(exist_ok=True)
            write_plan(places, plan)
        except OutputExistsError:  # a twin was faster; its plan is as good, if it is the same run's
            _resumable(job, places, now)
        except OSError as error:
            raise OutputError(
                f"cannot write to {places.folder}: {error.strerror}", hint="choose another folder with -o"
            ) from error
    plan = read_plan(places)
    left = sum(s.pixels for s in plan.shards if read_done(places, s, plan.sha256) is None)
    _refuse(job, left / max(job.budget.pixels, 1))
    return places, plan


def _resumable(job: Job, places: Places, now: Plan) -> bool:
    """Whether to go on with what is there; False: discard it."""
    overwrite = job.options.overwrite
    try:
        found = difference(read_plan(places), now)
    except InputError:
        if overwrite:
            return False
        raise
    if found is None:
        if not job.options.shards.resume:
            raise OutputExistsError(f"{places.folder} holds this run already", hint="leave out --no-resume")
        return not (overwrite and places.vrt.exists())
    if not overwrite:
        raise UsageError(
            f"{places.folder} holds another run: {found}",
            hint="run the same command as before to resume it, add --overwrite to begin anew, or choose another -o",
        )
    return False


def discard(places: Places) -> None:
    """Remove a run: what shows it as complete first, its plan last, so that a crash leaves a run to resume."""
    for path in (places.vrt, places.gti, places.footprints, places.item):
        path.unlink(missing_ok=True)
    for folder in (places.folder / "shards", places.leases):
        shutil.rmtree(folder, ignore_errors=True)
    for path in places.folder.glob("manifest-*.jsonl"):
        path.unlink(missing_ok=True)
    places.plan.unlink(missing_ok=True)


def _check_new(places: Places) -> None:
    folder = places.folder
    if not folder.parent.is_dir():
        raise UsageError(f"the folder {folder.parent} does not exist", hint=f"create it: mkdir -p {folder.parent}")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputExistsError(f"{folder} is a file; the output goes into a folder of that name", hint="another -o")
    # a writer of the plan that died leaves hidden temporaries
    foreign = [entry for entry in folder.iterdir() if not entry.name.startswith(f".{places.plan.name}.")]
    if foreign:
        raise OutputExistsError(
            f"{folder} exists and is not the folder of a sharded run ({foreign[0].name} is in it)",
            hint="choose another -o, or empty it",
        )


def _refuse(job: Job, left: float) -> None:
    if job.sharding is None:
        raise ValueError("the run is not in shards")
    budget = in_shards(job.budget, job.sharding, job.scale, job.options, left=left)
    if budget.refused is not None:
        raise LimitError(budget.refused, hint=budget.advice)


def _measured(job: Job, now: Plan) -> Plan:
    with ExitStack() as reading:
        prepared = without_detail(prepare(job.scene, job.scale, job.options, reading), job.model)
        plan = complete(now, job, prepared)
    if not plan.shards:
        raise InputError(f"{job.scene.info.path} holds no valid pixel in the region", hint="check its nodata value")
    return plan
