"""From a decided run to its plan: the scene measured, the output cut up, what is empty left out."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import ursat
from ursat.errors import UsageError
from ursat.io.versions import gdal_version, proj_version
from ursat.run.job import output_window
from ursat.run.prepare import open_reference, pixels_to_map
from ursat.run.shards.lattice import Shard, blocks
from ursat.run.shards.plan import FORMAT, Inputs, Measured, Plan, Target, Versions, normal
from ursat.types import SensorModel, Shift

if TYPE_CHECKING:
    from ursat.grid import Window
    from ursat.models.registry import ModelInfo
    from ursat.run.job import Job
    from ursat.run.options import UpscaleOptions
    from ursat.run.prepare import Prepared

_SEARCH = 256  # input pixels a side that are looked through at once
_MASKS = {"auto", "none"}
_NOT_YET = Measured(SensorModel("", 0.0, (), (), ()), None, Shift(), (), None, (), (), ())


def unmeasured(job: Job) -> Plan:
    """The plan of a run before its scene has been measured and searched: enough to compare it with another's.

    Raises:
        UsageError: the input or the reference is a stream, which no worker could open.
        InputError: the reference cannot be opened.
    """
    if job.sharding is None:
        raise ValueError("the run is not in shards")
    info, options, polygon = job.scene.info, _absolute(job.options), job.region.polygon
    if "-" in (info.path, options.ref):
        raise UsageError(
            "an output in shards cannot be made from stdin: a resumed run would not find it again",
            hint="save the input to a file, or write one file with --shard-size 0",
        )
    full = job.scene.grid.finer(job.scale)
    plan = Plan(
        versions=versions(),
        inputs=Inputs(
            path=_path(info.path),
            sha256=job.scene.fingerprint(),
            reference=options.ref,
            reference_sha256=_reference_sha256(job),
            model=job.model.name,
            weights=weights_of(job.model),
        ),
        options=options,
        target=Target(
            scale=job.scale,
            width=full.width,
            height=full.height,
            transform=tuple(full.transform)[:6],
            crs=full.crs,
            region=job.region.window,
            polygon=None if polygon is None else polygon.wkb_hex,
            encoding=job.encoding,
        ),
        measured=_NOT_YET,
        side=job.sharding.side,
        shards=(),
        empty=0,
    )
    return normal(plan)


def complete(plan: Plan, job: Job, prepared: Prepared) -> Plan:
    """The plan with what was measured, and with its shards."""
    summary = prepared.summary
    shift = Shift() if summary is None else pixels_to_map(job.scene.grid, summary.drow, summary.dcol)
    measured = Measured(
        prepared.sensor,
        prepared.reference,
        shift,
        prepared.noise,
        None if summary is None else replace(summary, path=_path(summary.path)),
        prepared.warnings,
        prepared.p99_dn,
        prepared.ranges,
    )
    parts = [
        Shard(row, col, source, output_window(source, job.scene.grid, job.scale))
        for row, col, source in blocks(job.region.window, plan.side)
    ]
    shards = tuple(shard for shard in parts if _holds_anything(job, shard.source))
    return normal(replace(plan, measured=measured, shards=shards, empty=len(parts) - len(shards)))


def weights_of(model: ModelInfo) -> str:
    """sha256 of all weights that a model loads, its plug-in's after its own; empty for a classical model."""
    return " ".join(filter(None, (model.sha256, model.sr.sha256 if model.sr else "")))


def versions() -> Versions:
    """Of this installation."""
    return Versions(FORMAT, ursat.__version__, version("torch"), version("numpy"), gdal_version(), proj_version())


def _holds_anything(job: Job, source: Window) -> bool:
    for part in source.blocks(_SEARCH, _SEARCH):
        if job.scene.unwritten(part):
            continue
        valid = job.scene.read(part).valid
        if valid.any() and (job.region.whole or (valid & job.region.keep(part)).any()):
            return True
    return False


def _reference_sha256(job: Job) -> str | None:
    if job.options.ref is None:
        return None
    with open_reference(job.scene, job.options) as reference:
        return reference.fingerprint()


def _absolute(options: UpscaleOptions) -> UpscaleOptions:
    """The options with every path such that a worker started elsewhere finds the file."""
    return replace(
        options,
        output=None if options.output is None else _path(options.output),
        ref=None if options.ref is None else _path(options.ref),
        model=_path(options.model) if options.model.endswith(".safetensors") else options.model,
        mask=options.mask if options.mask in _MASKS else _path(options.mask),
    )


def _path(text: str) -> str:
    """Absolute where it names something on this machine's disks; addresses stay."""
    return text if text == "-" or "://" in text else str(Path(text).absolute())
