"""What can be said of the models, as plain values for lists and reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ursat.errors import InputError
from ursat.models.registry import FUSION, find_model, load_network, model_names
from ursat.models.shipped import DEFAULT_MODEL, SHA256
from ursat.run.summary import model_summary


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model as ``ursat models`` shows it.

    mode: what it does unless told otherwise. default: runs when no model is named. The rest is 0 or empty for a
    classical model. pinned: its sha256 is one that this version was published with. parameters: of the network; size:
    of the file, bytes. halo: cells around a cell that one evaluation sees. evaluations: by mode, a level and group of
    three bands.
    """

    name: str
    kind: str
    summary: str
    mode: str
    default: bool
    sha256: str | None
    pinned: bool = False
    parameters: int = 0
    size: int = 0
    halo: int = 0
    evaluations: dict[str, int] | None = None
    config: dict[str, Any] | None = None
    data: dict[str, Any] | None = None
    licence: str = ""
    steps: int = 0
    date: str = ""
    calibration: list[dict[str, Any]] | None = None
    scores: dict[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a model's weights can be used; detail: their sha256, or what is wrong and what to do."""

    name: str
    ok: bool
    detail: str


def known_models() -> tuple[ModelFacts, ...]:
    """Every model that can be named without a path.

    Raises:
        InputError: weights that ship are missing or damaged.
    """
    return tuple(model_facts(name) for name in model_names())


def model_facts(name: str) -> ModelFacts:
    """A model by name, or by the path of its weights.

    Raises:
        UsageError: no such model.
        InputError: its weights cannot be used.
    """
    model = find_model(name)
    summary = model_summary(model)
    common = (summary.name, summary.kind, model.summary, model.mode, name == DEFAULT_MODEL, summary.sha256)
    info = model.weights
    if info is None:
        return ModelFacts(*common)
    return ModelFacts(
        *common,
        pinned=model.pinned,
        parameters=info.parameters,
        size=info.size,
        halo=info.config.halo,
        evaluations={"faithful": 1, "realistic": 1 + model.steps},
        config=info.config.to_json(),
        data=info.data,
        licence=info.licence,
        steps=info.steps,
        date=info.date,
        calibration=info.calibration.to_json(),
        scores=info.scores,
    )


def verify_models(names: tuple[str, ...]) -> tuple[Verdict, ...]:
    """Load the weights of models, all that ship where none is named, and check every number.

    Raises:
        UsageError: no such model.
    """
    return tuple(_verdict(name) for name in names or model_names())


def _verdict(name: str) -> Verdict:
    if name == FUSION:
        return Verdict(name, ok=True, detail="nothing learned, no weights")
    try:
        _, info = load_network(name)
    except InputError as error:
        return Verdict(name, ok=False, detail=f"{error.message} ({error.hint})")
    known = "as published" if info.sha256 in SHA256.values() else "not one that ships"
    return Verdict(name, ok=True, detail=f"{info.config.name}, sha256 {info.sha256} ({known})")
