import csv
from importlib.resources import files

import pytest

from ursat.benchmark.printed import REASONS, all_printed, printed


def test_every_row_of_the_tables_is_there():
    rows = all_printed()
    counts = {
        (t, d): sum(r.table == t and r.dataset == d for r in rows) for t, d in {(r.table, r.dataset) for r in rows}
    }
    assert counts == {
        (2, "imagenet"): 9, (2, "aid"): 18, (3, "dota"): 18, (3, "dior"): 17,  # the last row is unreadable
        (4, "dota"): 48, (4, "dior"): 48, (4, "ddisr"): 48,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("dataset", "scale", "method", "figure", "value", "pseudo"),
    [
        ("imagenet", 2, "Proposed", "psnr", 52.97, False),
        ("dior", 128, "EDiffSR", "psnr", 5.32, True),
        ("dota", 16, "CSP-WaveDiffUR", "sre", 8.03, False),
        ("ddisr", 128, "CSP-WaveDiffUR", "psnr", 23.48, False),
        ("aid", 4, "SR3", "niqe", 14.86, False),
    ],
)
def test_numbers_are_the_papers(dataset, scale, method, figure, value, pseudo):
    (row,) = [r for r in printed(dataset, (scale,)) if r.method == method and figure in r.figures]
    assert (row.figures[figure], row.pseudo) == (value, pseudo)


def test_the_reasons_quote_numbers_that_are_in_the_file():
    text = (files("ursat.benchmark") / "printed.csv").read_text()
    values = {value for row in csv.reader(text.splitlines()) for value in row}
    assert {"52.97", "5.79", "5.32", "20.15", "22.14", "22.34"} <= values
    assert len(REASONS) >= 5
    assert printed("folder", (4,)) == ()
