import math
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from ursat.benchmark.report.plots import Axes, Series, legend_mark, line_plot, nice_ticks

AXES = Axes("PSNR <dB>", "scale", ((2.0, "x4"), (3.0, "x8"), (4.0, "x16")), "higher is better")
NONE = math.nan


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(21.3, 30.9, [20, 22, 24, 26, 28, 30, 32]), (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (-3, 11, [-5, 0, 5, 10, 15])],
)
def test_ticks_are_round_and_enclose(low, high, ticks):
    assert nice_ticks(low, high) == ticks


@pytest.mark.parametrize("value", [0.0, 7.0, -0.002])
def test_ticks_of_a_single_value(value):
    ticks = nice_ticks(value, value)
    assert ticks[0] <= value <= ticks[-1]
    assert ticks[0] < ticks[-1]


def drawn(*series, **more):
    return ET.fromstring(line_plot(AXES, series, **more))


def test_points_lie_where_their_numbers_say():
    root = drawn(Series("mine", 0, ((2.0, 30, 29, 31), (3.0, 25, NONE, NONE), (4.0, 20, NONE, NONE))))
    at = [(float(c.get("cx")), float(c.get("cy"))) for c in root.iter("circle")]
    assert at[1][0] - at[0][0] == pytest.approx(at[2][0] - at[1][0], abs=0.2)
    assert at[1][1] - at[0][1] == pytest.approx(at[2][1] - at[1][1], abs=0.2)
    assert at[0][1] < at[2][1]  # up is more
    whiskers = [e for e in root.iter("line") if e.get("class") == "whisker"]
    assert len(whiskers) == 1
    assert float(whiskers[0].get("y2")) < at[0][1] < float(whiskers[0].get("y1"))
    titles = [title.text for title in root.iter("title")]
    assert titles == ["mine", "mine, x4: 30.00 [29.00, 31.00]", "mine, x8: 25.00", "mine, x16: 20.00"]


def test_points_beside_the_ticks_stay_inside_and_zero_is_told_from_other_lines():
    root = drawn(Series("mine", 0, ((2.0, -1, NONE, NONE), (4.3, 1, NONE, NONE))))
    xs = [float(c.get("cx")) for c in root.iter("circle")]
    lines = [e for e in root.iter("line") if "grid" in e.get("class")]
    assert float(lines[0].get("x1")) < xs[0] < xs[1] < float(lines[0].get("x2"))
    (zero,) = [e for e in lines if "zero" in e.get("class")]
    assert float(zero.get("y1")) == pytest.approx(np.mean([float(c.get("cy")) for c in root.iter("circle")]), abs=0.1)
    above = drawn(Series("mine", 0, ((2.0, 0, NONE, NONE), (4.0, 1, NONE, NONE))))
    assert not [e for e in above.iter("line") if "zero" in e.get("class")]


def test_what_has_no_finite_point_is_not_drawn():
    gone = Series("gone", 1, ((2.0, math.inf, NONE, NONE), (3.0, NONE, NONE, NONE)))
    there = Series("there", 2, ((2.0, 1.0, NONE, NONE), (3.0, math.inf, NONE, NONE)))
    assert line_plot(AXES, [gone]) == ""
    assert [g.get("class") for g in drawn(gone, there) if g.tag == "g"] == ["s2"]


def test_areas_and_lines_without_marks():
    root = drawn(Series("truth", -1, ((2.0, 1.0, NONE, NONE), (4.0, 3.0, NONE, NONE)), area=True), marks=False)
    assert len(list(root.iter("polygon"))) == 1
    assert not list(root.iter("circle"))


def test_colours_beyond_the_palette_differ_in_their_mark():
    assert "s0" in legend_mark(10)
    assert legend_mark(10) != legend_mark(0)
    assert "PSNR &lt;dB&gt;" in line_plot(AXES, [Series("a", 0, ((2.0, 1.0, NONE, NONE),))])
