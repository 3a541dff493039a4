"""Tables of a run as markdown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ursat.benchmark.baselines import BASELINES, NEEDS_REFERENCE
from ursat.benchmark.gains import average, gains, paired
from ursat.benchmark.judge import METRICS
from ursat.benchmark.scores import Cell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ursat.benchmark.scores import Table

TREND = {"ag": ("ag",), "niqe": ("niqe", "niqe_eo")}  # figures of an image alone, by metric
_HEADS = {
    "psnr": "PSNR dB",
    "ag": "AG",
    "ag_ratio": "AG / truth's",
    "spectrum_db": "spectrum error dB",
    "niqe": "NIQE",
    "niqe_truth": "truth's",
    "niqe_eo": "NIQE-EO",
    "niqe_eo_truth": "truth's",
    "closure_rms": "closure rms DN",
    "closure_max": "closure max DN",
}


def _lines(head: list[str], words: int, rows: list[list[str]]) -> str:
    """A markdown table whose first ``words`` columns are text; empty without rows."""
    if not rows:
        return ""
    table = [head, ["---"] * words + ["---:"] * (len(head) - words), *rows]
    return "".join("| " + " | ".join(row) + " |\n" for row in table)


def _number(value: float, sign: str = "") -> str:
    return "-" if math.isnan(value) else f"{value:{sign}.2f}"


def _named(cell: Cell) -> list[str]:
    return [f"x{cell.scale}", cell.degradation, cell.track]


def psnr_table(table: Table) -> str:
    """Mean PSNR in dB by cell and method; then, for what is no baseline, its distance to the rivals.

    ``best``: over the best classical baseline of the cell; ``ref``: over the best one that uses the reference;
    ``noref``: over the same method without a reference. Failures stand below.
    """
    head = ["scale", "degradation", "track", "images", *table.methods, "best baseline"]
    for method in table.measured:
        head += [f"{method} - best", "- ref", "- noref"]
    rows = []
    for cell in table.cells:
        count = max((len(table.values(cell, m)) for m in table.methods), default=0)
        row = [*_named(cell), str(count), *(_number(table.mean(cell, m)) for m in table.methods)]
        row.append(table.best(cell, BASELINES)[0] or "-")
        for method in table.measured:
            row += [
                _number(table.over(cell, method, BASELINES), "+"),
                _number(table.over(cell, method, NEEDS_REFERENCE), "+"),
                _number(table.over_noref(cell, method), "+"),
            ]
        rows.append(row)
    failed = [f"\nfailed: {s.image_id} {s.cell} {s.method}: {s.note}" for s in table.failures]
    return _lines(head, 3, rows) + "\n".join(failed) + "\n" * bool(failed)


def figure_table(table: Table, metrics: Sequence[str]) -> str:
    """A line a cell and method, a column a figure: means over the images that have it; NIQE says over how many."""
    figures = [name for metric in metrics for name in METRICS[metric]]
    niqe = "niqe" in metrics
    head = ["scale", "degradation", "track", "method", *(_HEADS[name] for name in figures)]
    rows = []
    for cell in table.cells:
        for method in table.methods:
            if not table.values(cell, method):
                continue
            row = [*_named(cell), method, *(_number(table.mean(cell, method, name)) for name in figures)]
            rows.append(row + [str(len(table.values(cell, method, "niqe_eo")))] * niqe)
    return _lines(head + ["images with NIQE"] * niqe, 4, rows)


def gain_table(table: Table) -> str:
    """PSNR over the best classical baseline by cell and averaged over cells, dB, with 95 % bootstrap intervals."""
    by_method = {method: gains(table, method) for method in table.measured}
    names = list(dict.fromkeys(name for found in by_method.values() for name in found))
    rows = [[name, *(found[name].text if name in found else "-" for found in by_method.values())] for name in names]
    return _lines(["PSNR over the best baseline", *by_method], 1, rows)


def difference_table(table: Table, metrics: Sequence[str]) -> str:
    """Every measured method against the first: a line a cell and method.

    PSNR less the first one's, dB with 95 % intervals; with ``spectrum`` among the metrics its spectrum error over the
    first one's, as a ratio of means over the images of both; and the spread of samples where a method has one.
    """
    base, *others = table.measured
    spectrum = "spectrum" in metrics
    spread = any("spread" in score.figures for score in table.scores)
    rows = []
    for cell in table.cells:
        for method in others:
            found = paired(table, cell, method, base)
            row = [*_named(cell), method, average([found]).text if found else "-"]
            if spectrum:
                ours, theirs, _ = _means(*(table.values(cell, name, "spectrum_db") for name in (method, base)))
                row.append(_number(_over(ours, theirs)))
            rows.append(row + [_number(table.mean(cell, method, "spread"))] * spread)
    head = ["scale", "degradation", "track", "method", f"PSNR less {base}"]
    return _lines(head + ["spectrum error over its"] * spectrum + ["spread DN"] * spread, 4, rows)


def trend_table(table: Table, metrics: Sequence[str]) -> str:
    """Sharpness and naturalness at the smallest scale and at the largest: a line a degradation, track and method.

    Means over the images that both scales have, and the change in per cent of the smallest scale's.
    """
    figures = [name for metric in TREND if metric in metrics for name in TREND[metric]]
    low, high = (pick(cell.scale for cell in table.cells) for pick in (min, max))
    rows = []
    for degradation, track in dict.fromkeys((cell.degradation, cell.track) for cell in table.cells):
        ends = [Cell(scale, degradation, track) for scale in (low, high)]
        for method in table.methods:
            changes = [_change(*(table.values(cell, method, name) for cell in ends)) for name in figures]
            if any(changes):
                rows.append([degradation, track, method, *(change or "-" for change in changes)])
    return _lines(["degradation", "track", "method", *(f"{_HEADS[n]}, x{low} to x{high}" for n in figures)], 3, rows)


def _change(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    """'5.31 to 4.20, -20.90 % (2 images)'; empty where no image has both."""
    first, last, count = _means(before, after)
    images = f"{count} image{'s' * (count != 1)}"
    change = _number(100 * _over(last - first, first), "+")
    return f"{first:.2f} to {last:.2f}, {change} % ({images})" if count else ""


def _over(value: float, base: float) -> float:
    return value / base if base else math.nan


def _means(one: Mapping[str, float], other: Mapping[str, float]) -> tuple[float, float, int]:
    """Means of both over the images in both, and how many those are; NaN without any."""
    both = [image for image in one if image in other]
    if not both:
        return math.nan, math.nan, 0
    return math.fsum(one[i] for i in both) / len(both), math.fsum(other[i] for i in both) / len(both), len(both)
