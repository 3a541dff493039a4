import numpy as np
from made_places import place_image

from ursat.benchmark.baselines import BASELINES, bicubic
from ursat.benchmark.evaluate import run
from ursat.benchmark.peers import PEERS
from ursat.benchmark.scores import Cell, Score, Table
from ursat.benchmark.tables import figure_table, gain_table, psnr_table

IMAGES = [place_image(0, (64, 64)), place_image(1, (72, 64), place="harbour")]
CELLS = [Cell(4, "bicubic", track) for track in ("noref", "ref", "ref-wrong")]


def cells_of(line):
    return [word.strip() for word in line.strip("| ").split("|")]


def test_psnr_has_a_line_a_cell_and_the_distances():
    table = run({**BASELINES, "mine": lambda o: bicubic(o) + 100}, CELLS, IMAGES)
    lines = psnr_table(table).splitlines()
    assert len(lines) == 2 + len(CELLS)
    assert lines[0].endswith("| best baseline | mine - best | - ref | - noref |")
    assert lines[2].startswith("| x4 | bicubic | noref | 2 |")
    assert lines[2].endswith("| +0.00 |")


def test_a_peer_is_shown_but_is_no_baseline():
    scores = [
        Score("i", "p", CELLS[0], method, 0, 1.0, {"psnr": value})
        for method, value in {"ibp": 30.0, "dat-light": 31.0, "mine": 30.5}.items()
    ]
    assert "dat-light" in PEERS
    table = Table(tuple(scores), tuple(CELLS[:1]), ("ibp", "dat-light", "mine"))
    head, _, line = (cells_of(text) for text in psnr_table(table).splitlines())
    row = dict(zip(head, line, strict=True))
    assert (row["dat-light"], row["best baseline"], row["mine - best"]) == ("31.00", "ibp", "+0.50")
    assert gain_table(table).splitlines()[2] == "| x4 bicubic noref | +0.50 [+0.50, +0.50] |"


def test_figures_are_means_over_the_images_that_have_them():
    scores = [
        Score("small", "p", CELLS[0], "mine", 0, 1.0, {"psnr": 30.0, "ag": 4.0, "ag_ratio": 0.8}),
        Score(
            "big", "p", CELLS[0], "mine", 0, 1.0,
            {"psnr": 32.0, "ag": 6.0, "ag_ratio": 0.6, "niqe_eo": 5.0, "niqe_eo_truth": 4.0},
        ),
    ]  # fmt: skip
    table = Table(tuple(scores), tuple(CELLS), ("mine",))
    head, _, line = (cells_of(text) for text in figure_table(table, ["psnr", "ag", "niqe", "closure"]).splitlines())
    assert head[4:] == [
        "PSNR dB", "AG", "AG / truth's", "NIQE", "truth's", "NIQE-EO", "truth's", "closure rms DN",
        "closure max DN", "images with NIQE",
    ]  # fmt: skip
    assert line == ["x4", "bicubic", "noref", "mine", "31.00", "5.00", "0.70", "-", "-", "5.00", "4.00", "-", "-", "1"]


def test_a_method_without_a_score_in_a_cell_has_no_line():
    table = run({"hpf": BASELINES["hpf"], "bicubic": bicubic}, CELLS[:2], IMAGES)
    methods = [cells_of(line)[2:4] for line in figure_table(table, ["ag"]).splitlines()[2:]]
    assert methods == [["noref", "bicubic"], ["ref", "hpf"], ["ref", "bicubic"]]
    assert np.isnan(table.mean(CELLS[0], "hpf"))
