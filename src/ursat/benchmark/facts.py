"""What a reader must know to judge or repeat a table: on what it was measured, with what, and by which command."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

EMBEDDED = "embedded set: a few small crops for a first look, not the published data set"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Everything about a run but its scores; no date and no host, so that the same run gives the same text.

    dataset: its name; description: one sentence; licence: of the images, with `attribution` lines to print; source:
    where it can be had; embedded: the images came with the package and stand in for a set that is not public.
    split: the part of the data set, as in the paper's Table 1 where it is one. images: how many were used.
    protocol: ``bicubic``, ``sensor`` or ``real``; scales, tracks and seeds as asked for. command: can be pasted into a
    shell. versions: by package. weights: sha256 by method. notes: what else has to be said beside the numbers (images
    left out, scales without ground truth, failures, an interrupted run).
    """

    dataset: str
    description: str
    licence: str
    command: str
    protocol: str
    scales: tuple[int, ...]
    tracks: tuple[str, ...]
    seeds: tuple[int, ...]
    images: int = 0
    split: str = ""
    source: str = ""
    embedded: bool = False
    complete: bool = True
    attribution: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The data set's name as every output shows it: 'ddisr [embedded set: ...]'."""
        return f"{self.dataset} [{EMBEDDED}]" if self.embedded else self.dataset

    def to_json(self) -> dict[str, Any]:
        """Plain values, in the order above, with ``label``."""
        return {"label": self.label, **asdict(self)}
