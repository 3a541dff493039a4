"""How much a method gains over the best classical baseline, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ursat.benchmark.baselines import BASELINES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ursat.benchmark.scores import Cell, Table

RESAMPLES = 2000
FEW = 10  # of fewer normal values than that, fewer than 90 % of the intervals hold the mean: docs/benchmark.md
_TAILS = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Gain:
    """A mean of paired differences in dB, and its 95 % interval; NaN of one image, which has none."""

    mean: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """'+0.31 [+0.12, +0.50]', '+0.31 [one image]'."""
        if math.isnan(self.low):
            return f"{self.mean:+.2f} [one image]"
        return f"{self.mean:+.2f} [{self.low:+.2f}, {self.high:+.2f}]"


def paired(table: Table, cell: Cell, method: str, rival: str) -> dict[str, float]:
    """PSNR of ``method`` less that of ``rival`` by image, dB, where both have one that is finite."""
    ours, theirs = table.values(cell, method), table.values(cell, rival)
    both = {image: ours[image] - theirs[image] for image in ours if image in theirs}
    return {image: difference for image, difference in both.items() if np.isfinite(difference)}


def average(differences: Sequence[dict[str, float]], seed: int = 0) -> Gain:
    """The mean over cells of the mean over images, and its percentile bootstrap interval.

    The images are drawn anew (2000 times, with replacement), each with all its cells: its differences in them go
    together. A draw without any image of a cell leaves that cell out.

    Args:
        differences: by image, one dictionary a cell, none empty.
        seed: of the draws.
    """
    images = sorted({image for cell in differences for image in cell})
    mean = float(np.mean([np.mean(list(cell.values())) for cell in differences]))
    if len(images) < 2:
        return Gain(mean, math.nan, math.nan)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(images), np.full(len(images), 1 / len(images)), size=RESAMPLES).astype(np.float64)
    means = np.stack([_means(cell, images, drawn) for cell in differences])
    usable = ~np.isnan(means)
    totals = np.where(usable, means, 0).sum(axis=0) / usable.sum(axis=0)
    low, high = np.percentile(totals, _TAILS)
    return Gain(mean, float(low), float(high))


def _means(cell: dict[str, float], images: list[str], drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.array([image in cell for image in images], dtype=np.float64)
    values = np.array([cell.get(image, 0.0) for image in images])
    with np.errstate(invalid="ignore"):
        return np.asarray((drawn @ values) / (drawn @ inside))


def over_best(table: Table, cell: Cell, method: str) -> Gain | None:
    """PSNR of a method over the best classical baseline of the cell; None for that one itself and without both."""
    best, _ = table.best(cell, BASELINES)
    found = paired(table, cell, method, best) if best and best != method else {}
    return average([found]) if found else None


def gains(table: Table, method: str) -> dict[str, Gain]:
    """A method's gain over the best classical baseline, by the name of the cell or group of cells.

    Each cell; then the averages over the scales of a degradation and track, over a scale, and over all cells, each in
    the table's order and only where it is of another set of cells than the last. The best baseline of a cell is the
    one with the highest mean over its images.
    """
    groups: dict[str, list[dict[str, float]]] = {}
    tracks: dict[str, list[dict[str, float]]] = {}
    scales: dict[str, list[dict[str, float]]] = {}
    for cell in table.cells:
        best, _ = table.best(cell, BASELINES)
        found = paired(table, cell, method, best)
        if not found:
            continue
        groups[f"x{cell.scale} {cell.degradation} {cell.track}"] = [found]
        tracks.setdefault(f"{cell.degradation} {cell.track}, all scales", []).append(found)
        scales.setdefault(f"x{cell.scale}, all cells", []).append(found)
    averages = {} if len(tracks) == 1 else tracks
    averages |= {} if len(scales) == 1 else scales
    averages["all cells"] = [cell for cells in groups.values() for cell in cells]
    groups |= {name: cells for name, cells in averages.items() if len(cells) > 1}
    return {name: average(cells) for name, cells in groups.items()}
