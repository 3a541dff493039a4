from made_table import CELLS, NASTY, made_table

from ursat.benchmark.gains import Gain
from ursat.benchmark.report.summary import SHOWN, Value, summarise
from ursat.benchmark.report.view import BY_OCTAVE, FIRST, SECOND, grid, groups

TABLE = made_table()
COLOURS = {method: i for i, method in enumerate(TABLE.methods)}


def test_no_figure_is_lost():
    assert {*FIRST, *SECOND, *BY_OCTAVE} == set(SHOWN)


def test_a_table_has_a_block_a_scale_and_a_column_a_figure():
    cells = {CELLS[3]: {"a": {"psnr": Value(30.0, 29.0, 31.0, 2)}, "b": {"psnr": Value(31.0), "ag": Value(4.0)}}}
    made = grid(cells, ("psnr", "sam", "ag"))
    assert made.heads == (("PSNR dB", "↑"), ("AG", ""))
    (block,) = made.blocks
    assert (block.scale, [line.method for line in block.lines]) == (4, ["a", "b"])
    first, second = (line.entries for line in block.lines)
    assert (first[0].text, first[0].interval, first[0].best, first[1].text) == ("30.00", "29.00 to 31.00", False, "-")
    assert (second[0].best, second[0].interval, second[1].best) == (True, "", False)


def test_a_group_a_track_with_plots_against_scale():
    gained = {(cell, NASTY): Gain(0.5, 0.25, 0.75) for cell in CELLS}
    noref, ref = groups(summarise(TABLE), COLOURS, gained)
    assert (noref.track, ref.track) == ("noref", "ref")
    assert len(noref.plots) == 4  # the gain, PSNR, SRE, AG: the images are too small for NIQE
    assert [plot.count('class="whisker"') for plot in noref.plots] == [2, 0, 0, 0]  # both scales
    assert "x2: 0.50 [0.25, 0.75]" in noref.plots[0]
    assert len(noref.octaves) == 1  # x2 has a single octave
    assert noref.methods == {NASTY, "bicubic"}


def test_one_scale_makes_no_line():
    summary = {cell: rows for cell, rows in summarise(TABLE).items() if cell.scale == 4}
    assert groups(summary, COLOURS, {})[0].plots == ()
