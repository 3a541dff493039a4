"""Line plots as SVG inside the page: they follow its light and dark colours, print sharp, and need no library."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 380, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 26, 40
_TICKS = 5
_MARKS = ("circle", "square", "diamond", "triangle")
_COLOURS = 10
_NEAR = 0.45  # of a tick: a point beside it belongs to it


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its name and colour number, and points (x, y, low, high); low and high NaN without an interval.

    area: filled down to the axis, without a line.
    """

    name: str
    colour: int
    points: tuple[tuple[float, float, float, float], ...]
    area: bool = False


@dataclass(frozen=True, slots=True)
class Axes:
    """What a plot is of.

    title: what is drawn upwards, with its unit. ticks: x positions and their text; x is linear in position (take the
    logarithm before). hint: a word beside the title, such as 'higher is better'.
    """

    title: str
    x_label: str
    ticks: tuple[tuple[float, str], ...]
    hint: str = ""
    digits: int = 2


def nice_ticks(low: float, high: float, count: int = _TICKS) -> list[float]:
    """About ``count`` round numbers (1, 2, 2.5 or 5 times a power of ten apart) that enclose low..high.

    Args:
        low: finite.
        high: finite, at least ``low``.
        count: of intervals aimed at.
    """
    span = high - low or abs(high) or 1.0
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    return [round(i * step, 12) for i in range(first, last + 1)]


def line_plot(axes: Axes, series: Sequence[Series], *, marks: bool = True) -> str:
    """The plot as an ``<svg>`` element; empty without a finite point.

    Every point has a title with its numbers, which browsers show under the pointer and screen readers read.
    """
    finite = [
        (s, [p for p in s.points if math.isfinite(p[1])]) for s in series if any(math.isfinite(p[1]) for p in s.points)
    ]
    if not finite:
        return ""
    bounds = [v for _, points in finite for _, *ys in points for v in ys if math.isfinite(v)]
    ticks = nice_ticks(min(bounds), max(bounds))
    xs = [*(x for x, _ in axes.ticks), *(x for _, points in finite for x, *_ in points)]
    frame = _Frame((min(xs), max(xs)), (ticks[0], ticks[-1]))
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    hint = f'<tspan class="plot-hint" dx="8">{escape(axes.hint)}</tspan>'
    parts = [
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(axes.title)}">',
        _text("plot-title", _LEFT, 14, escape(axes.title) + hint, "start"),
        *(_grid(frame, y, zero=y == 0 and ticks[0] < 0) for y in ticks),
        *(_text("tick", frame.x(x), HEIGHT - _BOTTOM + 16, escape(text)) for x, text in axes.ticks),
        _text("axis", middle, HEIGHT - 6, escape(axes.x_label)),
    ]
    # the first method, which is what was measured, lies on top
    parts += [_line(frame, s, points, axes, marks=marks) for s, points in reversed(finite)]
    return "".join([*parts, "</svg>"])


@dataclass(frozen=True, slots=True)
class _Frame:
    """From values to pixels of the drawing."""

    x_span: tuple[float, float]
    y_span: tuple[float, float]

    def x(self, value: float) -> float:
        low, high = self.x_span
        share = (value - low) / (high - low) if high > low else 0.5
        return _LEFT + 8 + share * (WIDTH - _LEFT - _RIGHT - 16)

    def y(self, value: float) -> float:
        low, high = self.y_span
        return _TOP + (high - value) / (high - low) * (HEIGHT - _TOP - _BOTTOM)


def _text(kind: str, x: float, y: float, content: str, anchor: str = "middle") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{content}</text>'


def _grid(frame: _Frame, y: float, *, zero: bool) -> str:
    at = frame.y(y)
    kind = "grid zero" if zero else "grid"
    line = f'<line class="{kind}" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
    return line + _text("tick", _LEFT - 6, at + 3.5, f"{y:g}", "end")


def _line(frame: _Frame, s: Series, points: list[tuple[float, float, float, float]], axes: Axes, *, marks: bool) -> str:
    shape = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y, _, _ in points)
    parts = [f'<g class="s{s.colour % _COLOURS}"><title>{escape(s.name)}</title>']
    if s.area:
        base = frame.y(frame.y_span[0])
        first, last = frame.x(points[0][0]), frame.x(points[-1][0])
        parts.append(f'<polygon class="area" points="{first:.1f},{base:.1f} {shape} {last:.1f},{base:.1f}"/>')
    else:
        parts.append(f'<polyline class="line" points="{shape}"/>')
    if marks:
        parts += [_point(frame, s, point, axes) for point in points]
    return "".join([*parts, "</g>"])


def _point(frame: _Frame, s: Series, point: tuple[float, float, float, float], axes: Axes) -> str:
    value, y, low, high = point
    near, at = min(axes.ticks, key=lambda tick: abs(tick[0] - value))
    at = at if abs(near - value) < _NEAR else f"{value:g}"
    text = f"{s.name}, {at}: {y:.{axes.digits}f}"
    x_at, y_at = frame.x(value), frame.y(y)
    whisker = ""
    if math.isfinite(low):
        text += f" [{low:.{axes.digits}f}, {high:.{axes.digits}f}]"
        whisker = (
            f'<line class="whisker" x1="{x_at:.1f}" x2="{x_at:.1f}" y1="{frame.y(low):.1f}" y2="{frame.y(high):.1f}"/>'
        )
    return f'{whisker}<g class="mark"><title>{escape(text)}</title>{_mark(s.colour, x_at, y_at)}</g>'


def _mark(colour: int, x: float, y: float) -> str:
    """A shape of its own for every colour in turn, for eyes and printers that do not tell the colours apart."""
    match _MARKS[colour % len(_MARKS)]:
        case "circle":
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
        case "square":
            return f'<rect x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6"/>'
        case "diamond":
            return f'<path d="M{x:.1f} {y - 4.5:.1f}l4.5 4.5l-4.5 4.5l-4.5 -4.5z"/>'
        case _:
            return f'<path d="M{x:.1f} {y - 4.5:.1f}l4.5 8h-9z"/>'


def legend_mark(colour: int) -> str:
    """The mark of a colour as a small ``<svg>`` for a legend."""
    line = '<line class="line" x1="0" x2="22" y1="6" y2="6"/>'
    mark = f'<g class="mark">{_mark(colour, 11, 6)}</g>'
    return f'<svg class="key s{colour % _COLOURS}" viewBox="0 0 22 12" aria-hidden="true">{line}{mark}</svg>'
