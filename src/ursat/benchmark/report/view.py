"""From a table to what the page shows: groups of cells, rows of text, plots."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ursat.benchmark.encoding import STEPS
from ursat.benchmark.metrics.spectrum import OCTAVES
from ursat.benchmark.report.pictures import data_uri
from ursat.benchmark.report.plots import Axes, Series, line_plot, nice_ticks
from ursat.benchmark.report.summary import SHOWN, Value, best_methods
from ursat.benchmark.tables import named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ursat.benchmark.gains import Gain
    from ursat.benchmark.report.panels import Panel
    from ursat.benchmark.scores import Cell

    Rows = Mapping[str, Mapping[str, Value]]
    Gains = Mapping[tuple[Cell, str], Gain]

FIRST = (
    "psnr", "ssim", "sam", "sre", "fid", "kid", "fd_effnet", "kd_effnet", "niqe", "niqe_eo", "ag", "ag_ratio",
    "parameters_m", "gflop_mpx", "seconds_mpx", "cpu_seconds_mpx", "peak_mb",
)  # fmt: skip
BY_OCTAVE = tuple(f"octave_{j}" for j in range(OCTAVES, 0, -1))
SECOND = tuple(name for name in SHOWN if name not in {*FIRST, *BY_OCTAVE})
# Figure 10 of the paper, the two of its Table 4, and its Figure 14.
PLOTTED = ("psnr", "sre", "niqe", "niqe_eo", "ag", "gflop_mpx", "seconds_mpx", "peak_mb")
_WAYS = {"higher": "↑", "lower": "↓", "": ""}
_NO_INTERVAL = math.nan, math.nan
_BESIDE = 0.05  # octaves of scale between the bars of two methods
_TRIM = 0.002  # of the pixels at either end of a histogram that are not drawn


@dataclass(frozen=True, slots=True)
class Entry:
    """One number of a table: its text, its interval, and whether it is the best of its column."""

    text: str
    interval: str
    best: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table."""

    method: str
    images: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of one scale."""

    scale: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: heads with the way that is better, and blocks of rows."""

    heads: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """All scales of one degradation and track."""

    degradation: str
    track: str
    first: Grid
    second: Grid
    plots: tuple[str, ...]
    octaves: tuple[str, ...]
    methods: frozenset[str]


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a panel: a caption, a figure below it, and the pixels as a data URI."""

    label: str
    note: str
    uri: str
    pixelated: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """A panel: the whole image with a box, the pieces inside the box, and histograms."""

    title: str
    overview: str
    box: tuple[float, float, float, float]
    pictures: tuple[Picture, ...]
    histograms: tuple[str, ...]
    methods: frozenset[str]


def grid(cells: Mapping[Cell, Rows], names: Sequence[str]) -> Grid:
    """A table of the figures ``names`` that any of the cells has."""
    used = [name for name in names if any(name in found for rows in cells.values() for found in rows.values())]
    blocks = []
    for cell, rows in cells.items():
        best = {name: best_methods(rows, name) for name in used}
        lines = [
            Line(
                method,
                max((value.images for value in found.values()), default=0),
                tuple(_entry(name, found.get(name), best=method in best[name]) for name in used),
            )
            for method, found in rows.items()
        ]
        blocks.append(Block(cell.scale, tuple(lines)))
    return Grid(tuple((SHOWN[name].label, _WAYS[SHOWN[name].better]) for name in used), tuple(blocks))


def _entry(name: str, value: Value | None, *, best: bool) -> Entry:
    if value is None:
        return Entry("-", "", best=False)
    text = SHOWN[name].text
    interval = f"{text(value.low)} to {text(value.high)}" if value.has_interval else ""
    return Entry(text(value.mean), interval, best)


def groups(summary: Mapping[Cell, Rows], colours: Mapping[str, int], gained: Gains) -> list[Group]:
    """One group a degradation and track, in the order of the table; ``gained`` is what the first plot shows."""
    keys = dict.fromkeys((cell.degradation, cell.track) for cell in summary)
    out = []
    for degradation, track in keys:
        cells = {cell: rows for cell, rows in summary.items() if (cell.degradation, cell.track) == (degradation, track)}
        plots = (_gain_plot(cells, colours, gained), *_against_scale(cells, colours)) if len(cells) > 1 else ()
        out.append(
            Group(
                degradation,
                track,
                grid(cells, FIRST),
                grid(cells, SECOND),
                tuple(plot for plot in plots if plot),
                tuple(_octaves(cell, rows, colours) for cell, rows in cells.items() if cell.scale > 2),
                frozenset(method for rows in cells.values() for method in rows),
            )
        )
    return out


def _gain_plot(cells: Mapping[Cell, Rows], colours: Mapping[str, int], gained: Gains) -> str:
    """Paired differences with their intervals: those of the means hold how much images differ, and hide all else."""
    lines = []
    for place, method in enumerate(dict.fromkeys(method for _, method in gained)):
        found = [(cell, gained[cell, method]) for cell in cells if (cell, method) in gained]
        points = tuple((math.log2(cell.scale) + _BESIDE * place, g.mean, g.low, g.high) for cell, g in found)
        lines.append(Series(method, colours[method], points))
    return line_plot(Axes("PSNR over the best baseline, dB", "scale", _ticks(cells), "above 0 is better"), lines)


def _ticks(cells: Mapping[Cell, Rows]) -> tuple[tuple[float, str], ...]:
    return tuple((math.log2(cell.scale), f"x{cell.scale}") for cell in cells)


def _against_scale(cells: Mapping[Cell, Rows], colours: Mapping[str, int]) -> tuple[str, ...]:
    ticks = _ticks(cells)
    plots = []
    for name in PLOTTED:
        shown = SHOWN[name]
        lines = []
        for method, colour in colours.items():
            points = tuple(
                (math.log2(cell.scale), value.mean, *_NO_INTERVAL)
                for cell, rows in cells.items()
                if (value := rows.get(method, {}).get(name)) is not None
            )
            lines.append(Series(method, colour, points))
        hint = f"{shown.better} is better" if shown.better else ""
        plots.append(line_plot(Axes(shown.label, "scale", ticks, hint, shown.digits), lines))
    return tuple(plot for plot in plots if plot)


def _octaves(cell: Cell, rows: Rows, colours: Mapping[str, int]) -> str:
    """Power against the truth's by octave of wavelength, coarse to fine."""
    used = [name for name in BY_OCTAVE if any(name in found for found in rows.values())]
    ticks = tuple((float(i), f"{2 ** (int(name.removeprefix('octave_')) + 1)}") for i, name in enumerate(used))
    lines = [
        Series(
            method,
            colours[method],
            tuple((float(i), found[name].mean, *_NO_INTERVAL) for i, name in enumerate(used) if name in found),
        )
        for method, found in rows.items()
    ]
    title = f"x{cell.scale}: power against the truth's, dB"
    return line_plot(Axes(title, "longest wavelength of the octave, output pixels", ticks, "0 is right"), lines)


def scene(panel: Panel, colours: Mapping[str, int]) -> Scene:
    """A panel with its pictures as data URIs, input first, truth last.

    Raises:
        UsageError: Pillow is not installed.
    """
    held, cell = panel.scene, panel.cell
    pictures = [Picture(f"input (1 px = {cell.scale} px)", "", data_uri(held["lr"]), pixelated=True)]
    if "ref" in held:
        pictures.append(Picture("reference", "", data_uri(held["ref"]), pixelated=True))
    for method, answer in panel.answers.items():
        psnr = f"PSNR {SHOWN['psnr'].text(panel.psnr[method])} dB" if method in panel.psnr else ""
        pictures.append(Picture(method, psnr, data_uri(answer["window"])))
    if "truth" in held:
        pictures.append(Picture("ground truth", "", data_uri(held["truth"])))
    top, left, bottom, right = (float(v) for v in held["box"])
    scale, protocol, track = named(cell)
    title = f"{panel.image_id}, {scale}, {protocol}, reference {track}"
    box = (top, left, bottom, right)
    histograms = _histograms(panel, colours)
    return Scene(title, data_uri(held["overview"]), box, tuple(pictures), histograms, frozenset(panel.answers))


def _histograms(panel: Panel, colours: Mapping[str, int]) -> tuple[str, ...]:
    """Distributions of each band over the whole image: Figures 8 and 9 of the paper."""
    base = panel.scene["histogram"]
    share = base.sum(axis=0).cumsum() / max(1, base.sum())
    bins = base.shape[1]
    first = max(0, int(np.searchsorted(share, _TRIM)) - 2)
    last = min(bins, int(np.searchsorted(share, 1 - _TRIM)) + 3)
    names = ("red", "green", "blue") if len(base) == 3 else tuple(f"band {i + 1}" for i in range(len(base)))
    top = float(panel.scene["top"])
    edges = np.linspace(0, top, bins + 1)
    unit = "value, 0..255" if top == STEPS else "reflectance x 10000"
    centres = (edges[:-1] + edges[1:]) / 2
    span = float(centres[first]), float(centres[last - 1])
    ticks = tuple((v, f"{v:g}") for v in nice_ticks(*span) if span[0] <= v <= span[1])

    def shares(counts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> tuple[tuple[float, float, float, float], ...]:
        total = max(1, int(counts.sum()))
        return tuple((float(centres[i]), 100 * int(counts[i]) / total, *_NO_INTERVAL) for i in range(first, last))

    plots = []
    for band, name in enumerate(names):
        base_name = "ground truth" if "truth" in panel.scene else "input"
        lines = [Series(m, colours[m], shares(a["histogram"][band])) for m, a in panel.answers.items()]
        lines.append(Series(base_name, -1, shares(base[band]), area=True))
        plots.append(line_plot(Axes(f"{name}, % of pixels", unit, ticks), lines, marks=False))
    return tuple(plots)
