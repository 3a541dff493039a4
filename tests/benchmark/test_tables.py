import numpy as np
from made_places import place_image

from ursat.benchmark.baselines import BASELINES, bicubic
from ursat.benchmark.evaluate import run
from ursat.benchmark.peers import PEERS
from ursat.benchmark.scores import Cell, Score, Table
from ursat.benchmark.tables import (
    difference_table,
    figure_table,
    gain_table,
    in_words,
    labels,
    printed_table,
    psnr_table,
    trend_table,
)

IMAGES = [place_image(0, (64, 64)), place_image(1, (72, 64), place="harbour")]
CELLS = [Cell(4, "bicubic", track) for track in ("noref", "ref", "ref-wrong")]


def cells_of(line):
    return [word.strip() for word in line.strip("| ").split("|")]


def lines_of(sheet):
    """Head, rule and rows as markdown."""
    return sheet.markdown().splitlines()[2:]


def test_psnr_has_a_line_a_cell_and_the_distances():
    table = run({**BASELINES, "mine": lambda o: bicubic(o) + 100}, CELLS, IMAGES)
    lines = lines_of(psnr_table(table))
    assert len(lines) == 2 + len(CELLS)
    assert lines[0].endswith("| best baseline | mine - best | - ref | - noref |")
    assert lines[2].startswith("| x4 | bicubic | none | 2 |")
    assert lines[2].endswith("| - |")


def test_a_peer_is_shown_but_is_no_baseline():
    scores = [
        Score("i", "p", CELLS[0], method, 0, 1.0, {"psnr": value})
        for method, value in {"ibp": 30.0, "dat-light": 31.0, "mine": 30.5}.items()
    ]
    assert "dat-light" in PEERS
    table = Table(tuple(scores), tuple(CELLS[:1]), ("ibp", "dat-light", "mine"))
    head, _, line = (cells_of(text) for text in lines_of(psnr_table(table)))
    row = dict(zip(head, line, strict=True))
    assert (row["dat-light"], row["best baseline"], row["mine - best"]) == ("31.00", "ibp", "+0.50")
    assert lines_of(gain_table(table))[2] == "| x4 bicubic none | +0.50 [one image] |"


def test_figures_are_means_over_the_images_that_have_them():
    scores = [
        Score("small", "p", CELLS[0], "mine", 0, 1.0, {"psnr": 30.0, "ag": 4.0, "ag_ratio": 0.8}),
        Score(
            "big", "p", CELLS[0], "mine", 0, 1.0,
            {"psnr": 32.0, "ag": 6.0, "ag_ratio": 0.6, "niqe_eo": 5.0, "niqe_eo_truth": 4.0},
        ),
    ]  # fmt: skip
    table = Table(tuple(scores), tuple(CELLS), ("mine",))
    head, _, line = (
        cells_of(text)
        for text in lines_of(
            figure_table(table, ["psnr", "ag", "ag_ratio", "niqe", "niqe_eo", "niqe_eo_truth", "closure_rms"])
        )
    )
    assert head[4:] == [
        "images",
        *labels(["psnr", "ag", "ag_ratio", "niqe_eo", "niqe_eo_truth"]),
        "over best baseline [95 %]",
    ]
    assert line == ["x4", "bicubic", "none", "mine", "2", "31.00", "5.00", "0.700", "5.00", "4.00", "-"]


def test_a_method_without_a_score_in_a_cell_has_no_line():
    table = run({"hpf": BASELINES["hpf"], "bicubic": bicubic}, CELLS[:2], IMAGES)
    methods = [cells_of(line)[2:4] for line in lines_of(figure_table(table, ["ag"]))[2:]]
    assert methods == [["none", "bicubic"], ["perfect", "hpf"], ["perfect", "bicubic"]]
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
    head, _, line = (cells_of(text) for text in lines_of(difference_table(table, ["psnr", "spectrum_db"])))
    assert head[3:] == ["method", "PSNR less mean", "spectrum error over its"]
    assert line[:4] == ["x4", "bicubic", "none", "drawn"]
    assert line[4].startswith("-2.50 [-3.00, -2.00]")
    assert line[5:] == ["0.250"]
    assert "spectrum" not in difference_table(table, ["psnr", "ag"]).markdown()


def test_the_trend_is_over_images_that_both_ends_have():
    near, middle, far = (Cell(scale, "sensor", "ref") for scale in (4, 16, 128))
    scores = [
        *scored("mine", near, ag=[5.0, 6.0, 90.0], niqe=[4.0, None, None]),
        *scored("mine", middle, ag=[1.0, 1.0, 1.0], niqe=[9.0, 9.0, 9.0]),
        *scored("mine", far, ag=[4.5, 4.3], niqe=[5.0, 7.0]),
        *scored("hpf", near, ag=[5.0]),
    ]
    table = Table(tuple(scores), (near, middle, far), ("mine", "hpf"))
    head, _, *lines = (cells_of(text) for text in lines_of(trend_table(table, ["niqe", "niqe_eo", "psnr", "ag"])))
    assert head[3:] == ["AG, x4 to x128", "NIQE, x4 to x128", "NIQE-EO, x4 to x128"]
    assert lines == [
        ["sensor", "perfect", "mine", "5.50 to 4.40, -20.00 % (2 images)", "4.00 to 5.00, +25.00 % (1 image)", "-"]
    ]
    assert "NIQE" not in trend_table(table, ["ag"]).markdown()
    assert trend_table(Table(tuple(scored("hpf", near, ag=[5.0])), (near, far), ("hpf",)), ["ag"]).rows == ()


def test_a_flat_image_has_no_change_in_per_cent():
    ends = [Cell(4, "sensor", "ref"), Cell(8, "sensor", "ref")]
    table = Table(tuple(score for cell in ends for score in scored("mine", cell, ag=[0.0])), tuple(ends), ("mine",))
    assert "0.00 to 0.00, - % (1 image)" in trend_table(table, ["ag"]).markdown()


def test_the_difference_to_the_best_baseline_has_its_interval_and_seeds_their_spread():
    cell = CELLS[0]
    scores = [
        Score(image, image, cell, method, seed, 1.0, {"psnr": psnr + 0.1 * seed})
        for method, values in {"mine": (30.0, 33.0), "ibp": (29.0, 31.0), "bicubic": (20.0, 20.0)}.items()
        for image, psnr in zip("ab", values, strict=True)
        for seed in (0, 1)
    ]
    table = Table(tuple(scores), (cell,), ("mine", "ibp", "bicubic"))
    head, _, mine, ibp, bicubic = (cells_of(text) for text in lines_of(figure_table(table, ["psnr"])))
    assert head[4:] == ["images", "PSNR dB", "over best baseline [95 %]", "sd over seeds"]
    assert mine[4:] == ["2", "31.55", "+1.50 [+1.00, +2.00]", "0.071"]
    assert ibp[6] == "-"
    assert bicubic[6].startswith("-10.00 [")


def test_figures_of_sets_are_columns():
    cell = CELLS[0]
    table = Table(tuple(scored("mine", cell, psnr=[30.0])), (cell,), ("mine",))
    head, _, line = (
        cells_of(text) for text in lines_of(figure_table(table, ["psnr"], {(cell, "mine"): {"fid": 12.5}}))
    )
    assert (head[6], line[6]) == ("FID", "12.50")


def test_the_papers_numbers_stand_beside_ours_only_where_the_paper_has_them():
    cell = Cell(128, "bicubic", "ref")
    table = Table(tuple(scored("mine", cell, psnr=[20.0, 22.0], sre=[9.0, 11.0])), (cell,), ("mine",))
    rows = printed_table(table, "dior").rows
    assert rows[-1] == ("x128", "bicubic perfect", "mine", "-", "21.00", "-", "-", "10.00", "-", "-")
    assert ("x128", "as printed, Table 4 *", "EDiffSR", "-", "5.32", "-", "-", "26.93", "-", "-") in rows
    assert len(rows) == 9
    assert printed_table(table, "folder").rows == ()


def test_names_of_gains_have_the_words_of_the_command_line():
    assert in_words("x4 bicubic ref") == "x4 bicubic perfect"
    assert in_words("sensor ref-shift, all scales") == "sensor shifted, all scales"
    assert in_words("all cells") == "all cells"


def test_gains_of_a_method_that_is_asked_in_some_cells_stand_in_the_tables_order():
    cells = [Cell(scale, "bicubic", track) for scale in (4, 8) for track in ("noref", "ref")]
    scores = [s for cell in cells for method in ("mine", "ibp") for s in scored(method, cell, psnr=[30.0, 31.0])]
    scores += [s for cell in cells[::2] for s in scored("net", cell, psnr=[29.0, 30.0])]
    rows = gain_table(Table(tuple(scores), tuple(cells), ("net", "mine", "ibp"))).rows
    assert [row[0] for row in rows] == [
        "x4 bicubic none", "x4 bicubic perfect", "x8 bicubic none", "x8 bicubic perfect",
        "bicubic none, all scales", "bicubic perfect, all scales", "x4, all cells", "x8, all cells", "all cells",
    ]  # fmt: skip
    assert [row[1] for row in rows].count("-") == 6
