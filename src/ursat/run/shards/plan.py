"""`plan.json`: everything a shard needs to know, settled once, hashed, and never changed afterwards."""

# ruff: noqa: TC001  (plans are decoded by their annotations)
from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from ursat.errors import InputError
from ursat.grid import Window
from ursat.run.options import UpscaleOptions
from ursat.run.report import ReferenceSummary
from ursat.run.shards.files import publish_text
from ursat.run.shards.lattice import Shard
from ursat.run.shards.values import DamagedError, canonical, decode, plain, sha256_of
from ursat.types import Encoding, ReferenceModel, SensorModel, Shift

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursat.run.shards.places import Places

FORMAT = 1
# What may differ between two runs of one plan: how and where they run, and what the plan holds in another form.
_FREE = {
    "input", "output", "ref", "scale", "gsd", "model", "window", "bbox", "bbox_crs", "aoi", "device", "jobs", "tile",
    "max_memory", "max_pixels", "overwrite", "trusted", "allow_remote",
    "shards",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Versions:
    """Of all that may change a pixel."""

    format: int
    ursat: str
    torch: str
    numpy: str
    gdal: str
    proj: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """Paths, for workers to open, and fingerprints, by which they know what they have opened.

    sha256 of the scenes: see `ursat.io.fingerprint` (whole files up to 64 MB, 64 evenly placed pieces and the size of
    larger ones). weights: sha256 of the files of weights, empty for a classical model.
    """

    path: str
    sha256: str
    reference: str | None
    reference_sha256: str | None
    model: str
    weights: str


@dataclass(frozen=True, slots=True)
class Target:
    """What is written: K, the full output's grid, the part of the input, and the encoding.

    transform: the first six numbers, of the whole output. polygon: of the area in input pixels, hexadecimal WKB.
    """

    scale: float
    width: int
    height: int
    transform: tuple[float, float, float, float, float, float]
    crs: str
    region: Window
    polygon: str | None
    encoding: Encoding


@dataclass(frozen=True, slots=True)
class Measured:
    """What `ursat.run.prepare.prepare` has found in the scenes; see `Prepared`. shift: of the reference, map units."""

    sensor: SensorModel
    reference: ReferenceModel | None
    shift: Shift
    noise: tuple[float, ...]
    summary: ReferenceSummary | None
    warnings: tuple[str, ...]
    p99_dn: tuple[float, ...]
    ranges: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A sharded run.

    side: of a shard, input pixels. shards: those that hold anything. empty: how many were left out.
    """

    versions: Versions
    inputs: Inputs
    options: UpscaleOptions
    target: Target
    measured: Measured
    side: int
    shards: tuple[Shard, ...]
    empty: int

    @property
    def sha256(self) -> str:
        """Of the plan's canonical JSON."""
        return sha256_of(canonical(self))

    @property
    def pixels(self) -> int:
        """Of all shards together."""
        return sum(shard.pixels for shard in self.shards)


def normal(plan: Plan) -> Plan:
    """The plan as it is read back: whole numbers where fractions may stand have become floats."""
    return decode(Plan, plain(plan), "plan")


def write_plan(places: Places, plan: Plan) -> None:
    """Put the plan into its folder.

    Raises:
        OutputExistsError: somebody else has put one there meanwhile.
        LimitError, OutputError: the disk would not take it.
    """
    publish_text(places.plan, canonical({"plan": plain(plan), "sha256": plan.sha256}) + "\n", overwrite=False)


def read_plan(places: Places) -> Plan:
    """The plan of a folder.

    Raises:
        InputError: it is damaged: not JSON, not of its sha256, or of another format.
    """
    try:
        data = json.loads(places.plan.read_bytes())
        body, sha256 = data["plan"], data["sha256"]
        if body["versions"]["format"] != FORMAT:
            raise DamagedError(f"format {body['versions']['format']!r} is not {FORMAT}")
        if sha256_of(canonical(body)) != sha256:
            raise DamagedError("its sha256 is not the one that it names")
        return decode(Plan, body, "plan")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        why = error if isinstance(error, DamagedError) else type(error).__name__
        raise InputError(
            f"{places.plan} cannot be used: {why}",
            hint="start the run anew with ursat upscale --overwrite, or in another folder",
        ) from error


def difference(planned: Plan, now: Plan) -> str | None:
    """The first thing in which a new run differs from a planned one, in words; None: it is the same run.

    The measurements follow from the rest and are not compared.
    """
    for name, was, is_ in _compared(planned, now):
        if canonical([was]) != canonical([is_]):
            return f"{name} was {_shown(was)}, now it is {_shown(is_)}"
    return None


def _compared(planned: Plan, now: Plan) -> Iterator[tuple[str, Any, Any]]:
    yield "the input's content (sha256)", planned.inputs.sha256, now.inputs.sha256
    yield "the reference's content (sha256)", planned.inputs.reference_sha256, now.inputs.reference_sha256
    yield "the model", planned.inputs.model, now.inputs.model
    yield "the model's weights (sha256)", planned.inputs.weights, now.inputs.weights
    for field in fields(Versions):
        yield f"the version of {field.name}", *(getattr(plan.versions, field.name) for plan in (planned, now))
    for field in fields(UpscaleOptions):
        if field.name not in _FREE:
            name = "--" + field.name.replace("_", "-")
            yield name, getattr(planned.options, field.name), getattr(now.options, field.name)
    yield "the region", planned.target.region, now.target.region
    yield "the area's polygon", planned.target.polygon, now.target.polygon
    yield "the scale", planned.target.scale, now.target.scale
    yield "the output's encoding", planned.target.encoding, now.target.encoding
    yield "--shard-size (input pixels a side)", planned.side, now.side


def _shown(value: Any) -> str:
    text = str(plain(value)) if not isinstance(value, str) else value
    return text if len(text) <= 60 else f"{text[:12]}..."
