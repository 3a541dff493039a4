import json
import math

import numpy as np
import pytest
from made_places import place_image

from ursat.benchmark import evaluate
from ursat.benchmark.baselines import BASELINES, bicubic
from ursat.benchmark.evaluate import run
from ursat.benchmark.scores import Cell
from ursat.errors import InputError

IMAGES = [place_image(0, (64, 64)), place_image(1, (72, 64), place="harbour"), place_image(2, (40, 40), place="tiny")]
CELLS = [Cell(4, "bicubic", track) for track in ("noref", "ref", "ref-wrong")]


class Counting:
    """Bicubic plus a constant, with a memory."""

    def __init__(self, fail_on=""):
        self.seen = []
        self.fail_on = fail_on

    def __call__(self, o):
        self.seen.append((o.image_id, o.track))
        if o.image_id == self.fail_on:
            raise InputError("lr.tif: cannot be read")
        return bicubic(o) + 100


def measure(method, cache=None, jobs=1, cells=CELLS):
    return run({**BASELINES, "mine": method}, cells, IMAGES, cache=cache, jobs=jobs)


def test_means_are_over_images_of_per_image_figures():
    table = measure(Counting())
    cell = CELLS[0]
    values = table.values(cell, "mine")
    assert set(values) == {"meadow/0", "harbour/1"}  # the third is too small for x4
    assert table.mean(cell, "mine") == pytest.approx(np.mean(list(values.values())))
    assert math.isnan(table.mean(cell, "hpf"))


def test_reference_free_baselines_stand_in_every_track_and_the_best_is_named():
    table = measure(Counting())
    noref, ref, wrong = CELLS
    assert table.mean(ref, "ibp") == table.mean(noref, "ibp") == table.mean(wrong, "ibp")
    assert table.best(ref, BASELINES)[0] == "reference-bicubic"
    assert table.best(wrong, BASELINES)[0] == "ibp"
    assert table.over(noref, "bicubic", ["bicubic"]) == 0
    assert table.over_noref(wrong, "mine") == pytest.approx(0)


def test_an_interrupted_run_goes_on(tmp_path, monkeypatch):
    cache = tmp_path / "scores.jsonl"
    first = Counting()
    whole = measure(first)
    real = evaluate._compute
    done = []

    def stopping(methods, task):
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(task)
        return real(methods, task)

    monkeypatch.setattr(evaluate, "_compute", stopping)
    with pytest.raises(KeyboardInterrupt):
        measure(Counting(), cache)
    monkeypatch.setattr(evaluate, "_compute", real)
    with cache.open("a") as file:
        file.write('{"image_id": "cut sho')
    second = Counting()
    assert measure(second, cache).markdown() == whole.markdown()
    assert len(second.seen) == len(first.seen) // 2
    third = Counting()
    assert measure(third, cache).markdown() == whole.markdown()
    assert third.seen == []


def test_scores_of_other_sources_do_not_count(tmp_path):
    cache = tmp_path / "scores.jsonl"
    measure(Counting(), cache)
    entries = [json.loads(line) for line in cache.read_text().splitlines()]
    cache.write_text("".join(json.dumps({**entry, "sources": "older"}) + "\n" for entry in entries))
    again = Counting()
    measure(again, cache)
    assert again.seen


def test_another_wrong_reference_is_another_measurement(tmp_path):
    cache = tmp_path / "scores.jsonl"
    measure(Counting(), cache, cells=CELLS[2:])
    again = Counting()
    run({"mine": again}, CELLS[2:], [IMAGES[0], place_image(5, (64, 64), place="quarry")], cache=cache)
    assert ("meadow/0", "ref-wrong") in again.seen


def test_a_failure_is_shown_and_tried_again(tmp_path):
    cache = tmp_path / "scores.jsonl"
    table = measure(Counting(fail_on="meadow/0"), cache, cells=CELLS[:1])
    assert [s.note for s in table.failures] == ["InputError: lr.tif: cannot be read"]
    assert "lr.tif: cannot be read" in table.markdown()
    healed = Counting()
    assert not measure(healed, cache, cells=CELLS[:1]).failures
    assert healed.seen == [("meadow/0", "noref")]


def test_more_processes_same_table():
    alone = run(BASELINES, CELLS, IMAGES)
    assert run(BASELINES, CELLS, IMAGES, jobs=2).markdown() == alone.markdown()


def test_markdown_has_a_line_a_cell_and_the_distances():
    lines = measure(Counting()).markdown().splitlines()
    assert len(lines) == 2 + len(CELLS)
    assert lines[0].endswith("| best baseline | mine - best | - ref | - noref |")
    assert lines[2].startswith("| x4 | bicubic | noref | 2 |")
    assert lines[2].endswith("| +0.00 |")
