import numpy as np
from made_places import place_image

from ursat.benchmark.baselines import BASELINES, bicubic
from ursat.benchmark.evaluate import run
from ursat.benchmark.peers import PEERS
from ursat.benchmark.scores import Cell, Score, Table
from ursat.benchmark.tables import difference_table, figure_table, gain_table, psnr_table, trend_table

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


def scored(method, cell, **figures):
    """One score an image, from lists of figures; None leaves a figure out."""
    images = range(max(len(values) for values in figures.values()))
    return [
        Score(f"i{i}", "p", cell, method, 0, 1.0, {name: v[i] for name, v in figures.items() if v[i] is not None})
        for i in images
    ]


def test_a_sample_stands_beside_the_mean():
    cell = CELLS[0]
    scores = [
        *scored("mean", cell, psnr=[30.0, 32.0, 40.0], spectrum_db=[8.0, 4.0, None]),
        *scored("drawn", cell, psnr=[28.0, 29.0, None], spectrum_db=[2.0, 1.0, 50.0]),
        *scored("ibp", cell, psnr=[20.0, 20.0, 20.0], spectrum_db=[20.0, 20.0, 20.0]),
    ]
    table = Table(tuple(scores), (cell,), ("mean", "drawn", "ibp"))
    head, _, line = (cells_of(text) for text in difference_table(table, ["psnr", "spectrum"]).splitlines())
    assert head[3:] == ["method", "PSNR less mean", "spectrum error over its"]
    assert line[:4] == ["x4", "bicubic", "noref", "drawn"]
    assert line[4].startswith("-2.50 [-3.00, -2.00]")
    assert line[5:] == ["0.25"]
    assert "spectrum" not in difference_table(table, ["psnr", "ag"])


def test_the_trend_is_over_images_that_both_ends_have():
    near, middle, far = (Cell(scale, "sensor", "ref") for scale in (4, 16, 128))
    scores = [
        *scored("mine", near, ag=[5.0, 6.0, 90.0], niqe=[4.0, None, None]),
        *scored("mine", middle, ag=[1.0, 1.0, 1.0], niqe=[9.0, 9.0, 9.0]),
        *scored("mine", far, ag=[4.5, 4.3], niqe=[5.0, 7.0]),
        *scored("hpf", near, ag=[5.0]),
    ]
    table = Table(tuple(scores), (near, middle, far), ("mine", "hpf"))
    head, _, *lines = (cells_of(text) for text in trend_table(table, ["niqe", "psnr", "ag"]).splitlines())
    assert head[3:] == ["AG, x4 to x128", "NIQE, x4 to x128", "NIQE-EO, x4 to x128"]
    assert lines == [
        ["sensor", "ref", "mine", "5.50 to 4.40, -20.00 % (2 images)", "4.00 to 5.00, +25.00 % (1 image)", "-"]
    ]
    assert "NIQE" not in trend_table(table, ["ag"])
    assert trend_table(Table(tuple(scored("hpf", near, ag=[5.0])), (near, far), ("hpf",)), ["ag"]) == ""


def test_a_flat_image_has_no_change_in_per_cent():
    ends = [Cell(4, "sensor", "ref"), Cell(8, "sensor", "ref")]
    table = Table(tuple(score for cell in ends for score in scored("mine", cell, ag=[0.0])), tuple(ends), ("mine",))
    assert "0.00 to 0.00, - % (1 image)" in trend_table(table, ["ag"])
