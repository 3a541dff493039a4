import math

import pytest
from made_table import CELLS, NASTY, made_table

from ursat.benchmark.report.summary import SHOWN, best_methods, mean_of, summarise

TABLE = made_table()


def test_a_mean_has_an_interval_around_it():
    value = mean_of({"a": 1.0, "b": 2.0, "c": 6.0})
    assert (value.mean, value.images, value.has_interval) == (3.0, 3, True)
    assert 1 <= value.low < 3 < value.high <= 6


@pytest.mark.parametrize("values", [{"a": 30.0}, {"a": 30.0, "b": math.inf}])
def test_one_image_and_perfect_images_have_none(values):
    value = mean_of(values)
    assert value.mean == max(values.values())
    assert not value.has_interval


def test_everything_that_was_measured_is_in_the_summary():
    sets = {(CELLS[3], "bicubic"): {"fd_effnet": 12.5, "set_patches": 2.0}}
    summary = summarise(TABLE, sets)
    assert list(summary) == list(CELLS)
    assert list(summary[CELLS[3]]) == [NASTY, "bicubic", "hpf"]
    assert "hpf" not in summary[CELLS[0]]
    found = summary[CELLS[3]]["bicubic"]
    assert found["psnr"].mean == pytest.approx(TABLE.mean(CELLS[3], "bicubic"))
    assert (found["fd_effnet"].mean, found["fd_effnet"].has_interval) == (12.5, False)
    assert "niqe_eo" not in found
    assert summary[CELLS[3]][NASTY]["psnr"].mean == math.inf


def test_the_best_is_the_one_that_reads_best():
    rows = {
        "a": {"psnr": mean_of({"i": 30.001}), "sam": mean_of({"i": 2.0}), "ag": mean_of({"i": 1.0})},
        "b": {"psnr": mean_of({"i": 29.999}), "sam": mean_of({"i": 1.0}), "ag": mean_of({"i": 2.0})},
    }
    assert best_methods(rows, "psnr") == {"a", "b"}  # both read 30.00
    assert best_methods(rows, "sam") == {"b"}
    assert best_methods(rows, "ag") == set()  # more is not better
    assert best_methods({"a": rows["a"]}, "sam") == set()  # no contest


def test_numbers_as_people_read_them():
    assert SHOWN["psnr"].text(math.inf) == "∞"
    assert SHOWN["ssim"].text(0.91234) == "0.9123"
    assert SHOWN["psnr"].text(math.nan) == "-"
