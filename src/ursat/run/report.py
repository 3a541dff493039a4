"""What a run says about itself: frozen values that the Python API returns and the command line renders.

Unlike the provenance inside the file, a report may hold times, memory and paths. Nothing here imports more than the
standard library, so that the command line can render without loading torch or rasterio.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

Levels = Literal["all", "first", "first alone", "last"]
_WHERE = {
    "all": "a level",
    "first": "on the first level, 1 on the others",
    "first alone": "on the first level, none on the others",
    "last": "on the last level, none before it",
}


def to_plain(value: Any) -> Any:
    """Frozen values as what JSON can hold: tuples become lists, dataclasses dictionaries, NaN and infinities null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """Which model drew the detail. ``kind`` says in words what it is ("classical, nothing learned")."""

    name: str
    kind: str
    sha256: str | None = None

    @property
    def line(self) -> str:
        """'fusion: classical, nothing learned'."""
        return f"{self.name}: {self.kind}"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the detail was drawn.

    mode: "faithful" (the posterior mean), "realistic" (a sample) or "between"; fidelity: 1, 0, or between. steps: a
    sample's evaluations after the mean's; 0 for the mean. evaluations: of the network, a level and group of three
    bands; 0 for a classical model. seed: of the sample. samples: behind the spread, 0 where none was asked for.
    levels: that take these evaluations. With "first" the others take one each, with "first alone" and "last" none.
    """

    mode: str
    fidelity: float
    steps: int
    evaluations: int
    seed: int
    samples: int = 0
    levels: Levels = "all"

    @property
    def line(self) -> str:
        """'realistic: a sample, seed 0, 3 evaluations a level'."""
        if self.evaluations == 0:
            return f"{self.mode}: no network, no noise"
        count = "1 evaluation" if self.evaluations == 1 else f"{self.evaluations} evaluations"
        what = {"faithful": "the mean", "realistic": f"a sample, seed {self.seed}"}.get(
            self.mode, f"fidelity {self.fidelity:g}, seed {self.seed}"
        )
        return f"{self.mode}: {what}, {count} {_WHERE[self.levels]}"

    def on(self, level: int, depth: int) -> int:
        """Evaluations on one level of ``depth``, on a block of three bands."""
        if self.levels == "all" or level == (depth if self.levels == "last" else 1):
            return self.evaluations
        return min(self.evaluations, 1) if self.levels == "first" else 0


@dataclass(frozen=True, slots=True)
class ReferenceSummary:
    """What became of the reference.

    status: "used", "partial" (covers a part of the input), "down-weighted" or "dropped"; why: one line.
    dx_m, dy_m: metres by which the reference was moved, east and north positive in the input's CRS;
    dcol, drow: the same in input pixels. reliability 0..1; overlap: share of the input that the reference covers;
    trust: per input band, how far the reference is believed, 0..1; gsd_m: the reference's own GSD.
    """

    path: str
    status: str
    why: str
    gsd_m: float
    overlap: float
    dx_m: float
    dy_m: float
    dcol: float
    drow: float
    reliability: float
    trust: tuple[float, ...] = ()
    pairing: tuple[str, ...] = ()

    @property
    def trust_mean(self) -> float:
        """Mean trust over the bands; 0 without any."""
        return sum(self.trust) / len(self.trust) if self.trust else 0.0


@dataclass(frozen=True, slots=True)
class SensorSummary:
    """The sensor operator H that the run used: its name and its total MTF at the input's Nyquist frequency."""

    name: str
    mtf: float


@dataclass(frozen=True, slots=True)
class ClosureSummary:
    """How well H(output) equals the input, per band, in stored units (DN). infeasible: pixels with no solution."""

    mode: str
    max_dn: tuple[float, ...]
    rmse_dn: tuple[float, ...]
    infeasible: int = 0


@dataclass(frozen=True, slots=True)
class Octave:
    """One doubling of the resolution: its GSD in metres, and whence its detail comes.

    origin: "observed", "reference", "interpolated" (a classical model), "predicted" (a learned model's mean: what is
    likely from the coarser levels) or "generated" (a sample: plausible, not observed).
    """

    gsd_m: float
    origin: str


@dataclass(frozen=True, slots=True)
class UpscaleReport:
    """What `ursat upscale` did.

    input_size and output_size are (width, height); seconds is wall time, peak_memory bytes of the whole process.
    reference_share: mean local trust in the reference over the output, 0..1 (None without one).
    spread: the side-car of ``samples``. shards: files behind ``output``, 0 where it is one file itself.
    noise_dn: per band, the input's noise as estimated. effective_gsd_m: the finest
    GSD at which the detail was measured by a sensor rather than interpolated, predicted or generated.
    """

    output: str
    input: str
    model: ModelSummary
    sampling: Sampling
    scale: float
    input_size: tuple[int, int]
    output_size: tuple[int, int]
    bands: int
    dtype: str
    gsd_m: float
    output_gsd_m: float
    effective_gsd_m: float
    stages: int
    tiles: int
    seconds: float
    peak_memory: int
    sensor: SensorSummary
    noise_dn: tuple[float, ...]
    closure: ClosureSummary
    octaves: tuple[Octave, ...]
    reference: ReferenceSummary | None = None
    reference_share: float | None = None
    spread: str | None = None
    shards: int = 0
    warnings: tuple[str, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def mpx_per_s(self) -> float:
        """Output megapixels (all bands as one) a second of wall time."""
        width, height = self.output_size
        return width * height / 1e6 / self.seconds if self.seconds > 0 else 0.0

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {**to_plain(self), "mpx_per_s": self.mpx_per_s}


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What a run would do and cost, before anything runs.

    Sizes are (width, height) in pixels, ``tile`` in output pixels, ``halo`` in input pixels. output_bytes: the
    uncompressed pixels; disk_bytes: temporaries and output at their common peak, estimated; free_bytes: what the
    destination's file system has left (None when unknown). evaluations counts network passes over blocks: 0 for a
    classical model. shards: pieces of an output in shards, empty ones included; 0: one file.
    memory_bytes: estimated peak of the process. gsd_m: one entry a level, the input's first.
    seconds: of the run on this machine, estimated from one block or tile timed here and a rate for everything else;
    None where the run would be refused.
    refused: why the run would be refused (over a limit), or None; advice: what to do about it.
    """

    input: str
    output: str
    model: ModelSummary
    sampling: Sampling
    scale: float
    input_size: tuple[int, int]
    output_size: tuple[int, int]
    bands: int
    dtype: str
    gsd_m: tuple[float, ...]
    output_gsd_m: float
    stages: int
    halo: int
    tile: int
    tiles: int
    evaluations: int
    output_bytes: int
    disk_bytes: int
    free_bytes: int | None
    memory_bytes: int
    max_memory: int
    seconds: float | None = None
    shards: int = 0
    reference: str | None = None
    refused: str | None = None
    advice: str = ""
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        out: dict[str, Any] = to_plain(self)
        return out


@dataclass(frozen=True, slots=True)
class CoregReport:
    """What `ursat coreg` found: where the reference's content lies relative to the input's.

    dx_m, dy_m: metres to add to the reference's position (east, north positive); dcol, drow: the same in input
    pixels (right, down positive). reliability 0..1; residual_px: robust scatter of the windows' own estimates;
    windows were looked at, inliers agree; reason says in one line why the result is reliable or not.
    """

    input: str
    reference: str
    mode: str
    dx_m: float
    dy_m: float
    dcol: float
    drow: float
    reliable: bool
    reliability: float
    residual_px: float
    windows: int
    inliers: int
    reason: str
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        out: dict[str, Any] = to_plain(self)
        return out
