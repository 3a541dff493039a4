"""A plan opened in one process: its files recognised, its model known, ready to make any of its shards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ursat.errors import InputError, UsageError
from ursat.io.scene import open_scene
from ursat.models.registry import find_model
from ursat.run.job import Job, assemble, check_options
from ursat.run.memory import within_memory
from ursat.run.prepare import Prepared
from ursat.run.region import Region
from ursat.run.sampling import sampling_of
from ursat.run.shards.planning import versions, weights_of
from ursat.run.shards.sound import check_plan

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from ursat.grid import Window
    from ursat.io.scene import Scene
    from ursat.run.options import UpscaleOptions
    from ursat.run.shards.lattice import Shard
    from ursat.run.shards.places import Places
    from ursat.run.shards.plan import Plan


@dataclass(frozen=True, slots=True)
class Session:
    """What all shards of a process share. plan_sha256 is computed once: plans may be long."""

    places: Places
    plan: Plan
    plan_sha256: str
    scene: Scene
    prepared: Prepared
    whole: Job

    def job(self, shard: Shard) -> Job:
        """The shard as a run of its own, over its part of the input."""
        return self._part(shard.source, shard.window, self.places.shard(shard))

    def _part(self, source: Window, window: Window, output: Path) -> Job:
        grid = self.scene.grid.crop(source).finer(self.whole.scale)
        grid = replace(grid, height=window.height, width=window.width)
        region = replace(self.whole.region, window=source)
        return replace(self.whole, region=region, grid=grid, window=window, output=output)


def open_session(places: Places, plan: Plan, options: UpscaleOptions, stack: ExitStack) -> Session:
    """Open what a plan names; ``stack`` closes it.

    Args:
        places: the run's folder.
        plan: read from it.
        options: the plan's own, but for what may differ from worker to worker (device, jobs, tile, memory).
        stack: keeps the input and the reference open.

    Raises:
        UsageError: this installation is not the one that the plan was made with.
        InputError: a file is missing, or is not what it was when the plan was made.
        LimitError: ``max_memory`` is too little.
    """
    _check_versions(plan)
    model = find_model(options.model, options.sr)
    if weights_of(model) != plan.inputs.weights:
        raise InputError(
            f"the weights of {options.model} are not those of the plan", hint="restore the file, or plan anew"
        )
    scene = _open(plan.inputs.path, options.bands, plan.inputs.sha256, options, stack)
    check_plan(plan, scene)
    check_options(options)
    prepared = _prepared(plan, options, scene, stack)
    target = plan.target
    polygon = None
    if target.polygon is not None:
        import shapely  # noqa: PLC0415

        try:
            polygon = shapely.from_wkb(target.polygon)
        except shapely.errors.ShapelyError as error:
            raise InputError(
                f"{places.plan}: its area of interest is damaged", hint="begin anew with --overwrite"
            ) from error
    sampling = sampling_of(options, model)
    region = Region(target.region, polygon)
    whole = assemble(scene, options, model, sampling, target.scale, region, target.encoding, places.vrt)
    return Session(places, plan, plan.sha256, scene, prepared, within_memory(whole, prepared))


def _prepared(plan: Plan, options: UpscaleOptions, scene: Scene, stack: ExitStack) -> Prepared:
    measured = plan.measured
    warped, sha256 = None, None
    if measured.reference is not None and plan.inputs.reference is not None:
        sha256 = plan.inputs.reference_sha256
        reference = _open(plan.inputs.reference, options.ref_bands, sha256, options, stack)
        grid = scene.grid.finer(2**measured.reference.level)
        warped = stack.enter_context(reference.warp(grid, shift=measured.shift))
    return Prepared(
        sensor=measured.sensor,
        reference=measured.reference,
        warped=warped,
        noise=measured.noise,
        summary=measured.summary,
        warnings=measured.warnings,
        p99_dn=measured.p99_dn,
        ranges=measured.ranges,
        reference_sha256=sha256,
    )


def _check_versions(plan: Plan) -> None:
    here = versions()
    if here != plan.versions:
        raise UsageError(
            f"the plan was made with {_words(plan)}, here is another version",
            hint="install the same versions on every worker, or begin anew with ursat upscale --overwrite",
        )


def _words(plan: Plan) -> str:
    v = plan.versions
    return f"ursat {v.ursat}, torch {v.torch}, numpy {v.numpy}, GDAL {v.gdal}, PROJ {v.proj}"


def _open(path: str, bands: tuple[str, ...], sha256: str | None, options: UpscaleOptions, stack: ExitStack) -> Scene:
    scene = stack.enter_context(
        open_scene(path, bands=bands, mask=options.mask, trusted=options.trusted, allow_remote=options.allow_remote)
    )
    if scene.fingerprint() != sha256:
        raise InputError(
            f"{path} is not the file that the plan was made from (its sha256 differs)",
            hint="restore it, or begin anew with ursat upscale --overwrite",
        )
    return scene
