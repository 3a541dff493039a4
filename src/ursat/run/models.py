"""The models that a run can name, as plain values for reports and lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursat.run.summary import model_summary

if TYPE_CHECKING:
    from ursat.run.report import ModelSummary


def known_models() -> tuple[ModelSummary, ...]:
    """Every registered model, in the registry's order."""
    from ursat.models.registry import MODELS  # noqa: PLC0415  (loads torch; only where a model is asked for)

    return tuple(model_summary(name) for name in MODELS)
