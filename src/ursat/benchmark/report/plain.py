"""Scores for programs: a table of comma-separated values, and a value that JSON can hold."""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING, Any

from ursat.benchmark.gains import gains
from ursat.benchmark.metrics.registry import REGISTRY
from ursat.benchmark.metrics.sets import SET_DEFINITION, SET_FIGURES
from ursat.benchmark.report.summary import SHOWN, Value, summarise

if TYPE_CHECKING:
    from pathlib import Path

    from ursat.benchmark.facts import RunFacts
    from ursat.benchmark.report.summary import Sets
    from ursat.benchmark.scores import Score, Table

SCHEMA = 1
COLUMNS = tuple(name for name in SHOWN if name not in SET_FIGURES)  # a distance of sets is of no single score
_HEAD = ("dataset", "image", "place", "scale", "degradation", "track", "method", "seed", "other", "seconds")


def number(value: float) -> float | str | None:
    """A float as JSON holds it: NaN as null, infinity as "inf" or "-inf" (an identical image has PSNR "inf")."""
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")


def write_csv(table: Table, path: Path, *, dataset: str = "") -> None:
    """One line a score, the same columns always: empty where a score has no such figure, ``inf`` where infinite.

    Args:
        table: scores of a run.
        path: replaced where it exists.
        dataset: `RunFacts.label`, the same on every line, so that an embedded set stays known as such.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*_HEAD, *COLUMNS, "note"])
        for s in table.scores:
            cell = s.cell.scale, s.cell.degradation, s.cell.track
            first = dataset, s.image_id, s.place, *cell, s.method, s.seed, s.other, s.seconds
            figures = (s.figures.get(name, math.nan) for name in COLUMNS)
            writer.writerow([*first, *("" if math.isnan(value) else value for value in figures), s.note])


def to_json(table: Table, facts: RunFacts, sets: Sets | None = None) -> dict[str, Any]:
    """The whole run: facts, definitions, means with intervals, gains over the best baseline, and every score.

    Args:
        table: scores of a run.
        facts: about it.
        sets: figures of whole sets, as `metrics.sets.set_figures` gives them.

    Returns:
        Plain values without NaN and infinity (see `number`); figures that are missing are left out.
    """
    cells = [
        {
            "scale": cell.scale,
            "degradation": cell.degradation,
            "track": cell.track,
            "methods": {
                method: {name: _value(value) for name, value in found.items()} for method, found in rows.items()
            },
        }
        for cell, rows in summarise(table, sets).items()
    ]
    return {
        "schema": SCHEMA,
        "facts": facts.to_json(),
        "metrics": _definitions(),
        "cells": cells,
        "gains": {
            method: {
                name: {"mean": number(gain.mean), "low": number(gain.low), "high": number(gain.high)}
                for name, gain in gains(table, method).items()
            }
            for method in table.measured
        },
        "failures": [_score(score) for score in table.failures],
        "scores": [_score(score) for score in table.scores],
    }


def _definitions() -> dict[str, Any]:
    listed = {name: (metric.definition, metric.figures) for name, metric in REGISTRY.items()}
    listed["sets"] = SET_DEFINITION, SET_FIGURES
    return {
        metric: {
            "definition": definition,
            "figures": {name: {"label": figure.label, "better": figure.better} for name, figure in shown.items()},
        }
        for metric, (definition, shown) in listed.items()
    }


def _value(value: Value) -> dict[str, Any]:
    plain: dict[str, Any] = {"mean": number(value.mean)}
    if value.has_interval:
        plain |= {"low": number(value.low), "high": number(value.high)}
    return plain | {"images": value.images} if value.images else plain


def _score(score: Score) -> dict[str, Any]:
    return {
        "image": score.image_id,
        "place": score.place,
        "scale": score.cell.scale,
        "degradation": score.cell.degradation,
        "track": score.cell.track,
        "method": score.method,
        "seed": score.seed,
        "seconds": score.seconds,
        "figures": {name: number(value) for name, value in score.figures.items()},
        "note": score.note,
        "other": score.other,
    }
