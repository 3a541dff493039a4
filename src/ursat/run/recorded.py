"""A run as an output's provenance tells it; missing or odd entries are listed, never raised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ursat.grid import Window

if TYPE_CHECKING:
    from collections.abc import Mapping

_NEEDED = (
    "ursat", "model.name", "model.kind", "sampling.mode", "sampling.fidelity", "sampling.steps", "seed", "scale",
    "window", "input.gsd_m", "input.sha256", "input.sensor", "sensor.name", "sensor.mtf", "sensor.taps",
    "closure.mode", "closure.tolerance_dn", "closure.max_dn", "closure.rmse_dn", "closure.infeasible_px", "noise_dn",
    "reference", "octaves", "effective_gsd_m",
)  # fmt: skip
CLOSURE_MODES = ("auto", "exact", "off")
_SMALLEST_SCALE = 2
_MISSING = object()
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """What verification needs to know of a run; None where the provenance does not tell it.

    scale: K. window: of the input, None for the whole. taps: F on the half grid. mode: of the closure.
    tolerance_dn, noise_dn: per band. infeasible: pixels the run could not close. aoi: a polygon left pixels out.
    bands: the ``--bands`` of the run. mask: its ``--mask``, "auto" unless recorded. dtype, nodata: what the run
    changed on request. input_sha256: the fingerprint of its input.
    """

    scale: float | None = None
    window: Window | None = None
    taps: tuple[float, ...] | None = None
    mode: str | None = None
    tolerance_dn: tuple[float, ...] | None = None
    noise_dn: tuple[float, ...] | None = None
    infeasible: int = 0
    aoi: bool = False
    bands: tuple[str, ...] = ()
    mask: str = "auto"
    dtype: str | None = None
    nodata: float | None = None
    nodata_dropped: bool = False
    input_sha256: str | None = None
    problems: tuple[str, ...] = ()


def recorded_run(provenance: Mapping[str, Any]) -> RecordedRun:
    """Read a provenance without trusting it."""
    problems = [f"{name} is missing" for name in _NEEDED if _at(provenance, name) is _MISSING]

    def understood(name: str, value: _T | None) -> _T | None:
        if value is None and _at(provenance, name) is not _MISSING:
            problems.append(f"{name} makes no sense")
        return value

    window = _at(provenance, "window")
    bands = _at(provenance, "bands")
    return RecordedRun(
        scale=understood("scale", _number(_at(provenance, "scale"), lowest=_SMALLEST_SCALE)),
        window=None if window is None else understood("window", _window(window)),
        taps=understood("sensor.taps", _taps(_at(provenance, "sensor.taps"))),
        mode=understood("closure.mode", _mode(_at(provenance, "closure.mode"))),
        tolerance_dn=understood("closure.tolerance_dn", _numbers(_at(provenance, "closure.tolerance_dn"))),
        noise_dn=understood("noise_dn", _numbers(_at(provenance, "noise_dn"))),
        infeasible=int(
            understood("closure.infeasible_px", _number(_at(provenance, "closure.infeasible_px"), lowest=0)) or 0
        ),
        aoi=_at(provenance, "aoi") is True,
        bands=tuple(str(band) for band in bands) if isinstance(bands, list) else (),
        mask=_text(_at(provenance, "mask")) or "auto",
        dtype=_text(_at(provenance, "dtype")),
        nodata=_nodata(_at(provenance, "nodata")),
        nodata_dropped=_text(_at(provenance, "nodata")) == "none",
        input_sha256=understood("input.sha256", _text(_at(provenance, "input.sha256"))),
        problems=tuple(problems),
    )


def _at(provenance: Mapping[str, Any], name: str) -> Any:
    value: Any = provenance
    for key in name.split("."):
        if not isinstance(value, dict) or key not in value:
            return _MISSING
        value = value[key]
    return value


def _number(value: Any, *, lowest: float) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and value >= lowest
    return float(value) if good else None


def _numbers(value: Any) -> tuple[float, ...] | None:
    if not isinstance(value, list) or not value:
        return None
    numbers = [_number(item, lowest=float("-inf")) for item in value]
    return None if None in numbers else tuple(number for number in numbers if number is not None)


def _taps(value: Any) -> tuple[float, ...] | None:
    """F has an even number of taps, symmetric, of sum 1."""
    taps = _numbers(value)
    good = taps is not None and len(taps) % 2 == 0 and taps == taps[::-1] and abs(sum(taps) - 1) < 1e-6
    return taps if good else None


def _mode(value: Any) -> str | None:
    return value if isinstance(value, str) and value in CLOSURE_MODES else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _nodata(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, int | float | str) else None
    except ValueError:
        return None


def _window(value: Any) -> Window | None:
    numbers = _numbers(value)
    if numbers is None or len(numbers) != 4 or any(n != int(n) for n in numbers):
        return None
    col, row, width, height = (int(n) for n in numbers)
    return Window(row, col, height, width) if width > 0 and height > 0 else None
