import numpy as np
import pytest
from scipy.stats import bootstrap

from ursat.benchmark.gains import average, gains, over_best
from ursat.benchmark.scores import Cell, Score, Table

CELLS = (Cell(4, "bicubic", "noref"), Cell(8, "bicubic", "noref"), Cell(4, "bicubic", "ref"))


def table(ours, theirs):
    """Scores from (cells, images) of PSNR; NaN leaves one out."""
    scores = [
        Score(f"i{i}", "p", cell, method, 0, 1.0, {"psnr": float(value)})
        for method, values in (("mine", ours), *theirs.items())
        for cell, row in zip(CELLS, values, strict=True)
        for i, value in enumerate(row)
        if not np.isnan(value)
    ]
    return Table(tuple(scores), CELLS, ("mine", *theirs))


def test_a_constant_gain_is_certain():
    level = np.array([[20.0, 30, 40], [21, 33, 35], [22, 24, 26]])
    found = gains(table(level + 0.5, {"ibp": level, "bicubic": level - 1}), "mine")
    assert found["all cells"].text == "+0.50 [+0.50, +0.50]"
    assert list(found) == [
        "x4 bicubic noref",
        "x8 bicubic noref",
        "x4 bicubic ref",
        "bicubic noref, all scales",
        "x4, all cells",
        "all cells",
    ]


def test_averages_come_in_the_tables_order_and_none_twice():
    cells = [Cell(scale, "bicubic", track) for scale in (4, 16, 128) for track in ("noref", "ref")]

    def named(cells):
        scores = tuple(
            Score(f"i{i}", "place", cell, method, 0, 0.0, {"psnr": value + i})
            for cell in cells
            for i in range(2)
            for method, value in (("mine", 31.0), ("ibp", 30.0))
        )
        return list(gains(Table(scores, tuple(cells), ("mine", "ibp")), "mine"))[len(cells) :]

    assert named(cells) == [
        "bicubic noref, all scales", "bicubic ref, all scales",
        "x4, all cells", "x16, all cells", "x128, all cells", "all cells",
    ]  # fmt: skip
    assert named(cells[::2]) == named(cells[:2]) == ["all cells"]
    assert named(cells[:1]) == []


def test_the_best_baseline_is_each_cells_own():
    base = np.full((3, 2), 30.0)
    other = base + np.array([[1], [-1], [0.5]])
    found = gains(table(base + 2, {"ibp": base, "hpf": other}), "mine")
    assert [found[f"x{c.scale} {c.degradation} {c.track}"].mean for c in CELLS] == [1, 2, 1.5]
    assert found["all cells"].mean == 1.5


def test_the_interval_is_that_of_the_mean():
    rng = np.random.default_rng(0)
    differences = {f"i{n}": d for n, d in enumerate(rng.normal(1, 2, 100))}
    gain = average([differences])
    half = 1.96 * np.std(list(differences.values())) / 10
    assert gain.mean == pytest.approx(np.mean(list(differences.values())))
    assert (gain.high - gain.low) / 2 == pytest.approx(half, rel=0.1)
    assert gain.low < gain.mean < gain.high


def test_the_interval_is_scipys():
    rng = np.random.default_rng(3)
    differences = {f"i{n}": d for n, d in enumerate(rng.gamma(1.0, 2.0, 40))}  # far from normal
    gain = average([differences], seed=5)
    theirs = bootstrap(
        (list(differences.values()),), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert gain.low == pytest.approx(theirs.low, abs=0.05 * width)
    assert gain.high == pytest.approx(theirs.high, abs=0.05 * width)
    assert average([differences], seed=5) == gain != average([differences], seed=6)


def test_the_best_baseline_itself_has_no_gain():
    level = np.full((3, 2), 30.0)
    found = table(level + 1, {"ibp": level, "hpf": level - 2})
    assert over_best(found, CELLS[0], "ibp") is None
    assert over_best(found, CELLS[0], "hpf").text == "-2.00 [-2.00, -2.00]"
    assert over_best(found, CELLS[0], "mine").mean == 1


def test_an_images_cells_are_drawn_together():
    """Twice the same cell is no more certain than once; two cells of other images are."""
    rng = np.random.default_rng(1)
    one, other = ({f"{tag}{n}": d for n, d in enumerate(rng.normal(0, 1, 60))} for tag in "ab")
    width = {name: (g := average(cells)).high - g.low for name, cells in
             {"once": [one], "twice": [one, one], "both": [one, other]}.items()}  # fmt: skip
    assert width["twice"] == pytest.approx(width["once"])
    assert width["both"] < 0.85 * width["once"]


def test_images_without_a_rival_or_with_an_infinite_score_are_left_out():
    ours = np.array([[20.0, np.inf, 25], [20, 20, 20], [20, 20, 20]])
    theirs = np.array([[19.0, 19, np.nan], [19, 19, 19], [19, 19, 19]])
    assert gains(table(ours, {"ibp": theirs}), "mine")["x4 bicubic noref"].mean == 1


def test_without_any_baseline_there_is_no_gain():
    assert gains(table(np.full((3, 2), 30.0), {}), "mine") == {}
