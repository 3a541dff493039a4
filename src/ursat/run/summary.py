"""From a finished (or planned) run to its report."""

from __future__ import annotations

import resource
import sys
from typing import TYPE_CHECKING, Any

from ursat.errors import UsageError
from ursat.run.provenance import effective_gsd, octaves_of
from ursat.run.report import (
    ClosureSummary,
    ModelSummary,
    Octave,
    PlanReport,
    SensorSummary,
    UpscaleReport,
)
from ursat.tiling.levels import depth_of

if TYPE_CHECKING:
    from pathlib import Path

    from ursat.grid import Grid
    from ursat.run.budget import Budget
    from ursat.run.closure import ClosureResult
    from ursat.run.options import UpscaleOptions
    from ursat.run.prepare import Prepared
    from ursat.types import Encoding, SceneInfo


def model_summary(name: str) -> ModelSummary:
    """What the registry says of a model.

    Raises:
        UsageError: an unknown model.
    """
    from ursat.models.registry import MODELS  # noqa: PLC0415

    if name not in MODELS:
        raise UsageError(f"unknown model {name!r}", hint=f"one of: {', '.join(MODELS)}")
    model = MODELS[name]
    kind = "classical, nothing learned" if model.kind == "classical" else model.kind
    return ModelSummary(model.name, kind, model.sha256 or None)


def peak_memory() -> int:
    """Peak resident memory of this process so far, bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def upscale_report(
    info: SceneInfo,
    options: UpscaleOptions,
    scale: float,
    grid: Grid,
    encoding: Encoding,
    path: Path,
    budget: Budget,
    prepared: Prepared,
    closure: ClosureResult,
    facts: dict[str, Any],
    *,
    trust: float | None,
    seconds: float,
) -> UpscaleReport:
    """What `upscale` returns."""
    from ursat.models.registry import MODELS  # noqa: PLC0415

    guided = bool(trust)
    octaves = octaves_of(info.gsd_m, scale, prepared, MODELS[options.model].kind, guided=guided)
    return UpscaleReport(
        output=str(path),
        input=info.path,
        model=model_summary(options.model),
        scale=scale,
        input_size=(info.grid.width, info.grid.height),
        output_size=(grid.width, grid.height),
        bands=len(encoding.scales),
        dtype=encoding.dtype,
        gsd_m=info.gsd_m,
        output_gsd_m=info.gsd_m / scale,
        effective_gsd_m=effective_gsd(info.gsd_m, scale, prepared, guided=guided),
        stages=depth_of(scale),
        tiles=budget.tiles,
        seconds=seconds,
        peak_memory=peak_memory(),
        sensor=SensorSummary(prepared.sensor.name, prepared.sensor.mtf),
        noise_dn=tuple(n / abs(s) for n, s in zip(prepared.noise, encoding.scales, strict=True)),
        closure=ClosureSummary(
            options.closure, closure.max_dn, closure.rmse_dn, closure.over if options.closure == "exact" else 0
        ),
        octaves=tuple(Octave(gsd, origin) for gsd, origin in octaves),
        reference=prepared.summary,
        reference_share=trust,
        warnings=(*info.warnings, *prepared.warnings),
        provenance=facts,
    )


def plan_report(
    info: SceneInfo,
    options: UpscaleOptions,
    scale: float,
    grid: Grid,
    encoding: Encoding,
    output: Path,
    budget: Budget,
    halo: int,
) -> PlanReport:
    """What `plan` returns."""
    depth = depth_of(scale)
    levels = tuple(max(info.gsd_m / 2**level, info.gsd_m / scale) for level in range(depth + 1))
    return PlanReport(
        input=info.path,
        output=str(output),
        model=model_summary(options.model),
        scale=scale,
        input_size=(info.grid.width, info.grid.height),
        output_size=(grid.width, grid.height),
        bands=len(encoding.scales),
        dtype=encoding.dtype,
        gsd_m=levels,
        output_gsd_m=info.gsd_m / scale,
        stages=depth,
        halo=halo,
        tile=budget.tile,
        tiles=budget.tiles,
        evaluations=0,
        output_bytes=budget.output_bytes,
        disk_bytes=budget.disk_bytes,
        free_bytes=budget.free_bytes,
        memory_bytes=budget.memory_bytes,
        max_memory=options.max_memory,
        reference=options.ref,
        refused=budget.refused,
        advice=budget.advice,
        warnings=info.warnings,
    )
