"""What the file says about how it was made: the same for every machine, tile size and worker count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ursat
from ursat.run.systems import system_facts
from ursat.tiling.levels import depth_of, reference_depth

if TYPE_CHECKING:
    from ursat.run.closure import ClosureResult
    from ursat.run.job import Job
    from ursat.run.prepare import Prepared
    from ursat.run.report import Sampling

_DIGITS = 6


def detail_origin(sampling: Sampling, level: int, depth: int) -> str:
    """What the detail of a level of ``depth`` is called that no sensor saw: see `ursat.run.report.Octave`."""
    if sampling.on(level, depth) == 0:
        return "interpolated"
    return "predicted" if sampling.fidelity == 1 else "generated"


def octaves_of(
    gsd_m: float, scale: float, prepared: Prepared, sampling: Sampling, *, guided: bool
) -> tuple[tuple[float, str], ...]:
    """(GSD, origin) of every level: observed, then reference as far as it goes, then what the model makes.

    ``guided``: whether the reference was believed anywhere in the output.
    """
    depth = depth_of(scale)
    with_reference = prepared.reference.level if prepared.reference is not None and guided else 0
    levels = [(gsd_m, "observed")]
    for level in range(1, depth + 1):
        gsd = max(gsd_m / 2**level, gsd_m / scale)
        levels.append((gsd, "reference" if level <= with_reference else detail_origin(sampling, level, depth)))
    return tuple(levels)


def effective_gsd(gsd_m: float, scale: float, prepared: Prepared, *, guided: bool) -> float:
    """The finest GSD at which a sensor has seen the ground: the reference's where it is used, else the input's."""
    if prepared.reference is None or prepared.summary is None or not guided:
        return gsd_m
    used = reference_depth(gsd_m / prepared.summary.gsd_m, depth_of(scale))
    return float(max(prepared.summary.gsd_m, gsd_m / min(2**used, scale)))


def provenance_of(job: Job, prepared: Prepared, closure: ClosureResult, *, guided: bool) -> dict[str, Any]:
    """The provenance as JSON-ready values; floats are rounded to six significant digits, the taps are exact."""
    options, scale, model, sampling, info = job.options, job.scale, job.model, job.sampling, job.scene.info
    encoding = job.encoding
    window = job.region.window
    facts: dict[str, Any] = {
        "ursat": ursat.__version__,
        "model": {"name": model.name, "kind": model.kind, "sha256": model.sha256 or None},
        **system_facts(options, model),
        "sampling": {
            "mode": sampling.mode,
            "fidelity": _short(sampling.fidelity),
            "steps": sampling.steps,
            "evaluations": sampling.evaluations,
        },
        "seed": options.seed,
        "scale": scale,
        "window": None if window == info.grid.window else [window.col, window.row, window.width, window.height],
        "aoi": not job.region.whole,
        "bands": list(options.bands),
        "mask": options.mask if options.mask in {"auto", "none"} else "file",
        "dtype": options.dtype,
        "nodata": options.nodata,
        "input": {"gsd_m": _short(info.gsd_m), "sha256": job.scene.fingerprint(), "sensor": info.sensor},
        "sensor": {
            "name": prepared.sensor.name,
            "mtf": _short(prepared.sensor.mtf),
            "taps": list(prepared.sensor.taps),
        },
        "closure": {
            "mode": options.closure,
            "tolerance_dn": [_short(v) for v in closure.tolerance_dn],
            "max_dn": [_short(v) for v in closure.max_dn],
            "rmse_dn": [_short(v) for v in closure.rmse_dn],
            "infeasible_px": closure.over if options.closure == "exact" else 0,
        },
        "noise_dn": [_short(n / abs(s)) for n, s in zip(prepared.noise, encoding.scales, strict=True)],
        "reference": _reference(prepared),
        "octaves": [
            {"gsd_m": _short(gsd), "origin": origin}
            for gsd, origin in octaves_of(info.gsd_m, scale, prepared, sampling, guided=guided)
        ],
        "effective_gsd_m": _short(effective_gsd(info.gsd_m, scale, prepared, guided=guided)),
    }
    return facts


def _reference(prepared: Prepared) -> dict[str, Any] | None:
    summary = prepared.summary
    if summary is None:
        return None
    facts: dict[str, Any] = {"status": summary.status, "why": summary.why, "gsd_m": _short(summary.gsd_m)}
    if prepared.reference is not None:
        facts |= {
            "sha256": prepared.reference_sha256,
            "shift_m": [_short(summary.dx_m), _short(summary.dy_m)],
            "reliability": _short(summary.reliability),
            "trust": [_short(t) for t in prepared.reference.trust],
            "mtf": _short(prepared.reference.mtf),
        }
    return facts


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
