"""What the file says about how it was made: the same for every machine, tile size and worker count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ursat
from ursat.tiling.levels import depth_of, reference_depth

if TYPE_CHECKING:
    from ursat.io.scene import Scene
    from ursat.run.closure import ClosureResult
    from ursat.run.options import UpscaleOptions
    from ursat.run.prepare import Prepared
    from ursat.run.region import Region
    from ursat.types import Encoding

_DIGITS = 6


def octaves_of(
    gsd_m: float, scale: float, prepared: Prepared, kind: str, *, guided: bool
) -> tuple[tuple[float, str], ...]:
    """(GSD, origin) of every level: observed, then reference as far as it goes, then what the model's kind makes.

    ``guided``: whether the reference was believed anywhere in the output.
    """
    detail = "interpolated" if kind == "classical" else "generated"
    depth = depth_of(scale)
    with_reference = prepared.reference.level if prepared.reference is not None and guided else 0
    levels = [(gsd_m, "observed")]
    for level in range(1, depth + 1):
        gsd = max(gsd_m / 2**level, gsd_m / scale)
        levels.append((gsd, "reference" if level <= with_reference else detail))
    return tuple(levels)


def effective_gsd(gsd_m: float, scale: float, prepared: Prepared, *, guided: bool) -> float:
    """The finest GSD at which a sensor has seen the ground: the reference's where it is used, else the input's."""
    if prepared.reference is None or prepared.summary is None or not guided:
        return gsd_m
    used = reference_depth(gsd_m / prepared.summary.gsd_m, depth_of(scale))
    return float(max(prepared.summary.gsd_m, gsd_m / min(2**used, scale)))


def provenance_of(
    scene: Scene,
    options: UpscaleOptions,
    scale: float,
    region: Region,
    prepared: Prepared,
    closure: ClosureResult,
    encoding: Encoding,
    *,
    guided: bool,
) -> dict[str, Any]:
    """The provenance as JSON-ready values; floats are rounded to six significant digits, the taps are exact."""
    from ursat.models.registry import MODELS  # noqa: PLC0415

    model = MODELS[options.model]
    info = scene.info
    window = region.window
    facts: dict[str, Any] = {
        "ursat": ursat.__version__,
        "model": {"name": model.name, "kind": model.kind, "sha256": model.sha256 or None},
        "seed": options.seed,
        "scale": scale,
        "window": None if window == info.grid.window else [window.col, window.row, window.width, window.height],
        "aoi": not region.whole,
        "bands": list(options.bands),
        "mask": options.mask if options.mask in {"auto", "none"} else "file",
        "dtype": options.dtype,
        "nodata": options.nodata,
        "input": {"gsd_m": _short(info.gsd_m), "sha256": scene.fingerprint(), "sensor": info.sensor},
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
            for gsd, origin in octaves_of(info.gsd_m, scale, prepared, model.kind, guided=guided)
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
