"""Tables of a run as markdown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ursat.benchmark.baselines import BASELINES, NEEDS_REFERENCE
from ursat.benchmark.gains import average, gains, paired
from ursat.benchmark.judge import METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ursat.benchmark.scores import Cell, Table

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
    """A markdown table whose first ``words`` columns are text."""
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


def difference_table(table: Table) -> str:
    """PSNR of every measured method less the first one's, dB with 95 % intervals, by cell; and the samples' spread."""
    base, *others = table.measured
    rows = []
    for cell in table.cells:
        row = [*_named(cell), _number(table.mean(cell, base))]
        for method in others:
            found = paired(table, cell, method, base)
            row.append(average([found]).text if found else "-")
        spreads = [v for method in others for v in table.values(cell, method, "spread").values()]
        rows.append([*row, _number(sum(spreads) / len(spreads) if spreads else math.nan)])
    head = ["scale", "degradation", "track", base, *(f"{method} less it" for method in others), "spread DN"]
    return _lines(head, 3, rows)
