import csv
import json
import math

import pytest
from made_table import CELLS, FACTS, NASTY, made_table

from ursat.benchmark.facts import EMBEDDED
from ursat.benchmark.report import to_json, write_csv
from ursat.benchmark.report.plain import number

TABLE = made_table()


def test_every_score_is_a_line(tmp_path):
    path = tmp_path / "scores.csv"
    write_csv(TABLE, path, dataset=FACTS.label)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(TABLE.scores)
    first, last = rows[0], rows[-1]
    assert float(first["psnr"]) == TABLE.scores[0].figures["psnr"]
    assert (first["image"], first["scale"], first["track"], first["method"]) == ("meadow/1", "2", "noref", NASTY)
    assert EMBEDDED in first["dataset"]
    assert (last["psnr"], last["note"]) == ("", "UrsatError: out of <memory>")
    perfect = [row for row in rows if row["psnr"] == "inf"]
    assert [(row["scale"], row["track"]) for row in perfect] == [("4", "ref")] * 2
    assert first["niqe"] == ""  # nothing has it


def test_json_holds_the_run_and_no_number_that_is_none():
    whole = json.loads(json.dumps(to_json(TABLE, FACTS), allow_nan=False))
    assert whole["facts"]["label"] == FACTS.label
    assert len(whole["scores"]) == len(TABLE.scores)
    cell = whole["cells"][3]
    assert (cell["scale"], cell["track"]) == (4, "ref")
    assert cell["methods"][NASTY]["psnr"] == {"mean": "inf", "images": 2}
    bicubic = cell["methods"]["bicubic"]["psnr"]
    assert bicubic["low"] < bicubic["mean"] < bicubic["high"]
    assert bicubic["mean"] == pytest.approx(TABLE.mean(CELLS[3], "bicubic"))
    assert "||output - truth||" in whole["metrics"]["sre"]["definition"]
    assert whole["metrics"]["psnr"]["figures"]["psnr"] == {"label": "PSNR dB", "better": "higher"}
    assert whole["gains"][NASTY]["x2 bicubic ref"]["mean"] == 0  # it is the reference's enlargement itself
    assert [failure["note"] for failure in whole["failures"]] == ["UrsatError: out of <memory>"]


def test_sets_are_in_the_cells():
    whole = to_json(TABLE, FACTS, {(CELLS[0], "bicubic"): {"kid": -0.5}})
    assert whole["cells"][0]["methods"]["bicubic"]["kid"] == {"mean": -0.5}


@pytest.mark.parametrize(("value", "plain"), [(1.5, 1.5), (math.nan, None), (math.inf, "inf"), (-math.inf, "-inf")])
def test_numbers_that_json_does_not_have(value, plain):
    assert number(value) == plain
