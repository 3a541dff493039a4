import json
import math

import numpy as np
import pytest
from made_places import place_image
from PIL import Image

from ursat.benchmark import evaluate, scores
from ursat.benchmark.baselines import BASELINES, bicubic
from ursat.benchmark.evaluate import run
from ursat.benchmark.images import FileImage
from ursat.benchmark.judge import Answer
from ursat.benchmark.scores import Cell
from ursat.benchmark.tables import psnr_table
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
    cut = measure(Counting(), cache)
    assert not cut.complete
    assert len({score.image_id for score in cut.scores}) == 1
    assert {score.key for score in cut.scores} < {score.key for score in whole.scores}
    monkeypatch.setattr(evaluate, "_compute", real)
    with cache.open("a") as file:
        file.write('{"image_id": "cut sho')
    second = Counting()
    assert psnr_table(measure(second, cache)) == psnr_table(whole)
    assert len(second.seen) == len(first.seen) // 2
    third = Counting()
    assert psnr_table(measure(third, cache)) == psnr_table(whole)
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
    healed = Counting()
    assert not measure(healed, cache, cells=CELLS[:1]).failures
    assert healed.seen == [("meadow/0", "noref")]


def test_more_processes_same_table():
    alone = run(BASELINES, CELLS, IMAGES)
    assert psnr_table(run(BASELINES, CELLS, IMAGES, jobs=2)) == psnr_table(alone)


def test_all_figures_are_kept_with_those_that_only_the_method_knows(tmp_path):
    cache = tmp_path / "scores.jsonl"
    cell = CELLS[0]
    method = {"mine": lambda o: Answer(bicubic(o), {"closure_rms": 0.25})}
    first = run(method, [cell], IMAGES, cache=cache)
    again = run(method, [cell], IMAGES, cache=cache)
    assert again.scores == first.scores
    assert again.mean(cell, "mine", "closure_rms") == 0.25
    assert 0 < again.mean(cell, "mine", "ag_ratio") < 1
    assert again.mean(cell, "mine", "spectrum_db") > 1
    assert again.values(cell, "mine", "niqe_eo") == {}  # too small


def test_scores_of_an_older_form_are_computed_again(tmp_path):
    cache = tmp_path / "scores.jsonl"
    cache.write_text(json.dumps({"image_id": "meadow/0", "method": "mine", "psnr": 30.0, "sources": "older"}) + "\n")
    assert not measure(Counting(), cache).failures


def test_how_it_is_shown_or_trained_changes_no_score(tmp_path, monkeypatch):
    package = tmp_path / "ursat"
    (package / "benchmark").mkdir(parents=True)
    monkeypatch.setattr(scores.ursat, "__file__", str(package / "__init__.py"))

    def prints():
        return [scores.fingerprint(whole_package=whole) for whole in (True, False)]

    before = prints()
    (package / "training").mkdir()
    (package / "training" / "loss.py").write_text("loss = 1")
    (package / "benchmark" / "tables.py").write_text("shown = 1")
    assert prints() == before
    (package / "weights.safetensors").write_bytes(b"trained")
    after = prints()
    assert (after[0] != before[0], after[1] == before[1]) == (True, True)
    before = after
    (package / "benchmark" / "tool.py").write_text("options = 1")
    after = prints()
    assert (after[0] != before[0], after[1] == before[1]) == (True, True)
    (package / "benchmark" / "degrade.py").write_text("bicubic = 1")
    assert all(now != then for now, then in zip(prints(), after, strict=True))


def test_several_seeds_are_one_value_an_image_and_a_spread():
    def noisy(o):
        return bicubic(o) + 40 * np.random.default_rng(o.seed).standard_normal(o.gt.shape)

    table = run({"mine": noisy}, CELLS[:1], IMAGES, seeds=(0, 1, 2))
    by_seed = [run({"mine": noisy}, CELLS[:1], IMAGES, seeds=(seed,)).mean(CELLS[0], "mine") for seed in (0, 1, 2)]
    assert len(table.values(CELLS[0], "mine")) == 2
    assert table.mean(CELLS[0], "mine") == pytest.approx(np.mean(by_seed))
    assert table.seeds_spread(CELLS[0], "mine") == pytest.approx(np.std(by_seed, ddof=1))
    assert math.isnan(run({"mine": noisy}, CELLS[:1], IMAGES).seeds_spread(CELLS[0], "mine"))


def test_each_answer_is_handed_on():
    kept = []
    run(
        {"bicubic": bicubic},
        CELLS[:1],
        IMAGES,
        keep=lambda o, name, pixels: kept.append((o.image_id, name, pixels.shape)),
    )
    assert kept == [("meadow/0", "bicubic", (3, 64, 64)), ("harbour/1", "bicubic", (3, 72, 64))]


def test_another_setting_is_another_measurement(tmp_path):
    cache = tmp_path / "scores.jsonl"
    run({"mine": Counting()}, CELLS[:1], IMAGES, cache=cache, setting="crop 64")
    again, other = Counting(), Counting()
    run({"mine": again}, CELLS[:1], IMAGES, cache=cache, setting="crop 64")
    run({"mine": other}, CELLS[:1], IMAGES, cache=cache, setting="crop 32")
    assert (again.seen, len(other.seen)) == ([], 2)


def test_an_image_that_cannot_be_read_fails_alone(tmp_path):
    broken = tmp_path / "broken.png"
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(broken)
    image = FileImage(broken, "broken", "ruin", 1.0)
    assert image.shape == (64, 64)
    broken.write_bytes(b"no image any more")
    table = run({"bicubic": bicubic}, CELLS[:1], [image, IMAGES[0]])
    assert [(s.image_id, s.note[:11]) for s in table.failures] == [("broken", "InputError:")]
    assert set(table.values(CELLS[0], "bicubic")) == {"meadow/0"}


def test_a_choosy_method_is_asked_where_it_applies():
    class Choosy:
        def applies(self, scale, track):
            return track == "noref"

        def __call__(self, o):
            return bicubic(o)

    table = run({"mine": Choosy()}, CELLS[:2], IMAGES)
    assert [len(table.values(cell, "mine")) for cell in CELLS[:2]] == [2, 0]
