"""Tables of a run: heads and rows of text, for a terminal to draw or as markdown."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ursat.benchmark.baselines import BASELINES, NEEDS_REFERENCE
from ursat.benchmark.efficiency import FIGURES as COSTS
from ursat.benchmark.gains import average, gains, over_best, paired
from ursat.benchmark.metrics.registry import figures as registered
from ursat.benchmark.metrics.scene import Figure
from ursat.benchmark.metrics.sets import SET_FIGURES
from ursat.benchmark.printed import FIGURES as PRINTED
from ursat.benchmark.printed import printed
from ursat.benchmark.scores import Cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ursat.benchmark.scores import Table

Sets = Mapping[tuple[Cell, str], Mapping[str, float]]
_DIGITS = Figure("").digits
TREND = ("ag", "niqe", "niqe_eo")  # figures of an image alone
TRACK_NAMES = {
    "noref": "none", "ref": "perfect", "ref-shift": "shifted", "ref-cast": "cast", "ref-changed": "changed",
    "ref-wrong": "wrong",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of text. words: how many of the first columns are words, and so stand to the left."""

    title: str
    head: tuple[str, ...]
    words: int
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """With its title above; empty without rows."""
        if not self.rows:
            return ""
        rule = ("---",) * self.words + ("---:",) * (len(self.head) - self.words)
        lines = [self.head, rule, *self.rows]
        return f"{self.title}\n\n" + "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _known() -> dict[str, Figure]:
    return {**registered(), **SET_FIGURES, **COSTS}


def labels(figures: Sequence[str]) -> tuple[str, ...]:
    """Column heads of figures; the name itself where none is known."""
    known = _known()
    return tuple(known[name].label if name in known else name for name in figures)


def _text(name: str, value: float) -> str:
    """A value of a figure with the digits that it asks for; of most `_number`."""
    figure = _known().get(name)
    return _number(value) if figure is None or figure.digits == _DIGITS else figure.text(value)


def _number(value: float, sign: str = "") -> str:
    """Two decimals, of small numbers three, of very small ones three digits; '-' for NaN."""
    if math.isnan(value):
        return "-"
    if sign or abs(value) >= 1 or value == 0:
        return f"{value:{sign}.2f}"
    return f"{value:.3f}" if abs(value) >= 0.01 else f"{value:.3g}"


def named(cell: Cell) -> tuple[str, ...]:
    """('x4', 'bicubic', 'none'): the words of the command line."""
    track = "real" if cell.degradation == "real" and cell.track == "ref" else TRACK_NAMES[cell.track]
    return f"x{cell.scale}", cell.degradation, track


def in_words(name: str) -> str:
    """A name of `gains` with the command line's word for its track: 'x4 bicubic noref' -> 'x4 bicubic none'."""
    return re.sub(r"\b(no)?ref(-\w+)?\b", lambda track: TRACK_NAMES[track[0]], name)


def _images(table: Table, cell: Cell, method: str) -> int:
    return len({s.image_id for s in table.scores if s.cell == cell and s.method == method and s.figures})


def psnr_table(table: Table) -> Sheet:
    """Mean PSNR in dB by cell and method; then, for what is no baseline, its distance to the rivals.

    ``best``: over the best classical baseline of the cell; ``ref``: over the best one that uses the reference;
    ``noref``: over the same method without a reference.
    """
    head = ["scale", "protocol", "reference", "images", *table.methods, "best baseline"]
    for method in table.measured:
        head += [f"{method} - best", "- ref", "- noref"]
    rows = []
    for cell in table.cells:
        count = table.images(cell)
        row = [*named(cell), str(count), *(_number(table.mean(cell, m)) for m in table.methods)]
        row.append(table.best(cell, BASELINES)[0] or "-")
        for method in table.measured:
            row += [
                _number(table.over(cell, method, BASELINES), "+"),
                _number(table.over(cell, method, NEEDS_REFERENCE), "+"),
                _number(table.over_noref(cell, method), "+"),
            ]
        if count:
            rows.append(tuple(row))
    return Sheet("Mean PSNR, dB", tuple(head), 3, tuple(rows))


def figure_table(table: Table, figures: Sequence[str], sets: Sets | None = None) -> Sheet:
    """A line a cell and method, a column a figure: means over the images (and seeds) that have it.

    With ``psnr`` among them: the mean difference to the best classical baseline of the cell with its 95 % interval
    (`gains.average`), and with several seeds the standard deviation of the mean PSNR over them. ``sets`` (figures of
    whole sets of images by cell and method) are columns of their own.
    """
    shown = [name for name in figures if any(name in score.figures for score in table.scores)]
    judged = "psnr" in shown
    seeds = judged and len({score.seed for score in table.scores}) > 1
    head = ["scale", "protocol", "reference", "method", "images", *labels(shown)]
    of_sets = tuple(dict.fromkeys(name for found in (sets or {}).values() for name in found))
    head += labels(of_sets)
    head += ["over best baseline [95 %]"] * judged + ["sd over seeds"] * seeds
    rows = []
    for cell in table.cells:
        for method in table.methods:
            count = _images(table, cell, method)
            if not count:
                continue
            row = [*named(cell), method, str(count), *(_text(name, table.mean(cell, method, name)) for name in shown)]
            row += [_text(name, (sets or {}).get((cell, method), {}).get(name, math.nan)) for name in of_sets]
            if judged:
                gain = over_best(table, cell, method)
                row.append(gain.text if gain else "-")
            rows.append(tuple(row + [_number(table.seeds_spread(cell, method))] * seeds))
    return Sheet("Means over images", tuple(head), 4, tuple(rows))


def gain_table(table: Table) -> Sheet:
    """PSNR over the best classical baseline by cell and averaged over cells, dB, with 95 % bootstrap intervals."""
    by_method = {method: gains(table, method) for method in table.measured}
    fullest = sorted(by_method.values(), key=len, reverse=True)  # some methods are asked in some cells only
    names = list(dict.fromkeys(name for found in fullest for name in found))
    rows = []
    for name in names:
        found = [gains_of[name].text if name in gains_of else "-" for gains_of in by_method.values()]
        rows.append((in_words(name), *found))
    return Sheet("PSNR over the best baseline, dB", ("cells", *by_method), 1, tuple(rows))


def difference_table(table: Table, figures: Sequence[str]) -> Sheet:
    """Every measured method against the first: a line a cell and method.

    PSNR less the first one's, dB with 95 % intervals; with ``spectrum_db`` among the figures its spectrum error over
    the first one's, as a ratio of means over the images of both; and the spread of samples where a method has one.
    """
    base, *others = table.measured or ("",)
    spectrum = "spectrum_db" in figures
    spread = any("spread" in score.figures for score in table.scores)
    rows = []
    for cell in table.cells:
        for method in others:
            found = paired(table, cell, method, base)
            row = [*named(cell), method, average([found]).text if found else "-"]
            if spectrum:
                ours, theirs, _ = _means(*(table.values(cell, name, "spectrum_db") for name in (method, base)))
                row.append(_number(_over(ours, theirs)))
            rows.append(tuple(row + [_number(table.mean(cell, method, "spread"))] * spread))
    head = ["scale", "protocol", "reference", "method", f"PSNR less {base}"]
    head += ["spectrum error over its"] * spectrum + ["spread DN"] * spread
    return Sheet(f"Against {base}", tuple(head), 4, tuple(rows))


def trend_table(table: Table, figures: Sequence[str]) -> Sheet:
    """Sharpness and naturalness at the smallest scale and at the largest: a line a protocol, track and method.

    Means over the images that both scales have, and the change in per cent of the smallest scale's.
    """
    names = [name for name in TREND if name in figures]
    low, high = (pick((cell.scale for cell in table.cells), default=0) for pick in (min, max))
    rows = []
    for degradation, track in dict.fromkeys((cell.degradation, cell.track) for cell in table.cells):
        ends = [Cell(scale, degradation, track) for scale in (low, high)]
        for method in table.methods:
            changes = [_change(*(table.values(cell, method, name) for cell in ends)) for name in names]
            if low != high and any(changes):
                rows.append((*named(ends[0])[1:], method, *(change or "-" for change in changes)))
    head = ("protocol", "reference", "method", *(f"{label}, x{low} to x{high}" for label in labels(names)))
    return Sheet("From the smallest scale to the largest", head, 3, tuple(rows))


def printed_table(table: Table, dataset: str) -> Sheet:
    """The paper's numbers as printed, and below those of each scale what was measured here, in the same columns."""
    scales = tuple(dict.fromkeys(cell.scale for cell in table.cells))
    rows = []
    for scale in scales:
        theirs = printed(dataset, (scale,))
        for row in theirs:
            star = " *" if row.pseudo else ""
            figures = (_number(row.figures.get(name, math.nan)) for name in PRINTED)
            rows.append((f"x{scale}", f"as printed, Table {row.table}{star}", row.method, *figures))
        for cell in (cell for cell in table.cells if cell.scale == scale and theirs):
            for method in table.measured:
                means = [table.mean(cell, method, name) for name in PRINTED]
                if not all(map(math.isnan, means)):
                    rows.append((f"x{scale}", " ".join(named(cell)[1:]), method, *map(_number, means)))
    head = ("scale", "source", "method", *(name.upper() for name in PRINTED))
    return Sheet("The paper's numbers, as printed: not comparable", head, 3, tuple(rows))


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
