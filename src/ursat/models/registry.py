"""The models that a run can name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ursat.errors import UsageError
from ursat.models.fusion import FusionStage

if TYPE_CHECKING:
    from collections.abc import Callable

    from ursat.models.stage import Stage, StageSettings


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the tool says of a model: in the run report, in the file's provenance, in ``ursat models``.

    kind: "classical" (no learned weights) or "diffusion". sha256: of the weights; empty where there are none.
    """

    name: str
    kind: str
    summary: str
    sha256: str
    build: Callable[[StageSettings], Stage]


MODELS: dict[str, ModelInfo] = {
    info.name: info
    for info in (
        ModelInfo(
            name="fusion",
            kind="classical",
            summary="least-squares deconvolution of the input and detail of the harmonised reference; nothing learned",
            sha256="",
            build=FusionStage,
        ),
    )
}


def get_stage(name: str, settings: StageSettings) -> Stage:
    """The stage of model ``name``, made for one run.

    Raises:
        UsageError: no such model.
    """
    info = MODELS.get(name)
    if info is None:
        known = ", ".join(sorted(MODELS))
        raise UsageError(f"--model: there is no model '{name}'", hint=f"known models: {known}")
    return info.build(settings)
