"""From a finished (or planned) run to its report."""

from __future__ import annotations

import resource
import sys
from typing import TYPE_CHECKING, Any

from ursat.run.provenance import effective_gsd, octaves_of
from ursat.run.report import (
    ClosureSummary,
    ModelSummary,
    Octave,
    PlanReport,
    SensorSummary,
    UpscaleReport,
)
from ursat.run.shards.lattice import blocks
from ursat.run.shards.places import Places

if TYPE_CHECKING:
    from ursat.models.registry import ModelInfo
    from ursat.run.job import Job
    from ursat.run.prepare import Prepared
    from ursat.run.render import Made


def model_summary(model: ModelInfo) -> ModelSummary:
    """A model of the registry in words."""
    kind = "classical, nothing learned" if model.kind == "classical" else model.kind
    if model.sr is not None:
        kind += f", SR module {model.sr.name}"
    return ModelSummary(model.name, kind, model.sha256 or None)


def peak_memory() -> int:
    """Peak resident memory of this process so far, bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def upscale_report(job: Job, prepared: Prepared, made: Made, facts: dict[str, Any], *, seconds: float) -> UpscaleReport:
    """What `upscale` returns; ``facts`` is the provenance."""
    info, scale, encoding, closure = job.scene.info, job.scale, job.encoding, made.closure
    guided = bool(made.trust)
    octaves = octaves_of(info.gsd_m, scale, prepared, job.sampling, guided=guided)
    return UpscaleReport(
        output=str(job.output),
        input=info.path,
        model=model_summary(job.model),
        sampling=job.sampling,
        scale=scale,
        input_size=(info.grid.width, info.grid.height),
        output_size=(job.grid.width, job.grid.height),
        bands=len(encoding.scales),
        dtype=encoding.dtype,
        gsd_m=info.gsd_m,
        output_gsd_m=info.gsd_m / scale,
        effective_gsd_m=effective_gsd(info.gsd_m, scale, prepared, guided=guided),
        stages=job.depth,
        tiles=job.budget.tiles,
        seconds=seconds,
        peak_memory=peak_memory(),
        sensor=SensorSummary(prepared.sensor.name, prepared.sensor.mtf),
        noise_dn=tuple(n / abs(s) for n, s in zip(prepared.noise, encoding.scales, strict=True)),
        closure=ClosureSummary(
            job.options.closure,
            closure.max_dn,
            closure.rmse_dn,
            closure.over if job.options.closure == "exact" else 0,
        ),
        octaves=tuple(Octave(gsd, origin) for gsd, origin in octaves),
        reference=prepared.summary,
        reference_share=made.trust,
        spread=None if job.spread is None else str(job.spread),
        warnings=(*info.warnings, *prepared.warnings),
        provenance=facts,
    )


def plan_report(job: Job, halo: int, evaluations: int, seconds: float | None) -> PlanReport:
    """What `plan` returns; halo: input pixels, evaluations: of the network, over blocks, seconds: None if unknown."""
    info, scale, budget = job.scene.info, job.scale, job.budget
    levels = tuple(max(info.gsd_m / 2**level, info.gsd_m / scale) for level in range(job.depth + 1))
    return PlanReport(
        input=info.path,
        output=str(job.output if job.sharding is None else Places(job.sharding.folder).vrt),
        model=model_summary(job.model),
        sampling=job.sampling,
        scale=scale,
        input_size=(info.grid.width, info.grid.height),
        output_size=(job.grid.width, job.grid.height),
        bands=len(job.encoding.scales),
        dtype=job.encoding.dtype,
        gsd_m=levels,
        output_gsd_m=info.gsd_m / scale,
        stages=job.depth,
        halo=halo,
        tile=budget.tile,
        tiles=budget.tiles,
        evaluations=evaluations,
        seconds=seconds,
        output_bytes=budget.output_bytes,
        disk_bytes=budget.disk_bytes,
        free_bytes=budget.free_bytes,
        memory_bytes=budget.memory_bytes,
        max_memory=job.options.max_memory,
        shards=0 if job.sharding is None else sum(1 for _ in blocks(job.region.window, job.sharding.side)),
        reference=job.options.ref,
        refused=budget.refused,
        advice=budget.advice,
        warnings=info.warnings,
    )
