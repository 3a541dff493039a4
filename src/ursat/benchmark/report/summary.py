"""Means of a table with their intervals: what every output shows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ursat.benchmark.efficiency import FIGURES as COSTS
from ursat.benchmark.gains import average
from ursat.benchmark.metrics.registry import REGISTRY, figures
from ursat.benchmark.metrics.scene import Figure
from ursat.benchmark.metrics.sets import SET_DEFINITION, SET_FIGURES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ursat.benchmark.scores import Cell, Table

    Sets = Mapping[tuple[Cell, str], Mapping[str, float]]

OF_METHODS = {"spread": Figure("spread DN")}
SHOWN: dict[str, Figure] = {**figures(), **SET_FIGURES, **OF_METHODS, **COSTS}


@dataclass(frozen=True, slots=True)
class Value:
    """The mean over images of a figure, or the figure of a whole set.

    low, high: the 95 % percentile bootstrap interval over images; NaN with one image, an infinite value or a set.
    images: how many have the figure; 0 for a set.
    """

    mean: float
    low: float = math.nan
    high: float = math.nan
    images: int = 0

    @property
    def has_interval(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.low)


def mean_of(values: Mapping[str, float]) -> Value:
    """Values by image, at least one, as their mean with its interval."""
    mean = math.fsum(values.values()) / len(values) if all(map(math.isfinite, values.values())) else math.inf
    if len(values) < 2 or not math.isfinite(mean):
        return Value(mean, images=len(values))
    gain = average([dict(values)])
    return Value(gain.mean, gain.low, gain.high, len(values))


def summarise(table: Table, sets: Sets | None = None) -> dict[Cell, dict[str, dict[str, Value]]]:
    """Values by cell, method and figure, in the order of the table and of the registry; what is missing is left out.

    Args:
        table: scores of a run.
        sets: figures of whole sets, as `metrics.sets.set_figures` gives them.
    """
    out: dict[Cell, dict[str, dict[str, Value]]] = {}
    for cell in table.cells:
        rows = {}
        for method in table.methods:
            found = {name: mean_of(values) for name in SHOWN if (values := table.values(cell, method, name))}
            found |= {name: Value(value) for name, value in (sets or {}).get((cell, method), {}).items()}
            if found:
                rows[method] = found
        if rows:
            out[cell] = rows
    return out


def best_methods(rows: Mapping[str, Mapping[str, Value]], figure: str) -> frozenset[str]:
    """The methods with the best mean of a figure, as it is written; none where no way is better."""
    shown = SHOWN[figure]
    means = {method: found[figure].mean for method, found in rows.items() if figure in found}
    if not shown.better or len(means) < 2:
        return frozenset()
    best = (max if shown.better == "higher" else min)(means.values())
    return frozenset(method for method, mean in means.items() if shown.text(mean) == shown.text(best))


def definitions(used: Collection[str]) -> list[tuple[str, str]]:
    """Labels and definitions of the metrics of which any of the figures ``used`` is shown."""
    listed = [(metric.figures, metric.definition) for metric in REGISTRY.values()]
    listed.append(({name: shown for name, shown in SET_FIGURES.items() if name != "set_patches"}, SET_DEFINITION))
    return [
        (", ".join(figure.label for name, figure in shown.items() if name in used), definition)
        for shown, definition in listed
        if not set(shown).isdisjoint(used)
    ]
