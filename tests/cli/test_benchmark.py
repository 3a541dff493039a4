"""`ursat benchmark` from its words to its outputs, on a folder of two small pictures."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from ursat.benchmark import evaluate
from ursat.benchmark.datasets import embedded
from ursat.cli import benchmark as module

METHODS = "bicubic,hpf"


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "pictures"
    for place, seed in (("moor", 0), ("town", 1)):
        (root / place).mkdir(parents=True)
        rng = np.random.default_rng(seed)
        pixels = np.clip(120 + np.cumsum(rng.normal(0, 4, (64, 64, 3)), axis=0), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(root / place / "a.png")
    return root


@pytest.fixture
def measure(cli, folder, tmp_path):
    def call(*more, dataset=("--dataset", "folder"), methods=METHODS):
        where = ("--root", str(folder)) if "--root" not in more and dataset[1] == "folder" else ()
        return cli(
            "benchmark",
            *dataset,
            *where,
            "--methods",
            methods,
            "--cache",
            str(tmp_path / "cache"),
            "--scales",
            "4",
            *more,
        )

    return call


def test_tables_on_stdout_and_what_is_measured_on_stderr(measure):
    done = measure()
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "folder: images of the folder pictures"
    row = next(line for line in lines if line.startswith("| x4 | bicubic | perfect | hpf |"))
    assert row.split(" | ")[4] == "2"
    assert "PSNR" in done.out
    assert "licence" in done.err
    assert "methods" in done.err


def test_a_terminal_gets_drawn_tables(measure, monkeypatch):
    drawn = io.StringIO()
    console = Console(file=drawn, force_terminal=True, width=200, soft_wrap=True, highlight=False, markup=False)
    monkeypatch.setattr(module, "stdout", console)
    assert measure().out == ""
    lines = [line for line in drawn.getvalue().splitlines() if "hpf" in line]
    assert "┃" in drawn.getvalue()
    assert "perfect" not in lines[0]  # said once, on the line of the first method


def test_json_is_the_only_thing_on_stdout_and_quiet_is_silent(measure, monkeypatch):
    monkeypatch.setattr("sys.argv", ["ursat", "benchmark", "--json", "two words"])
    done = measure("--json", "--quiet")
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    assert found["facts"]["dataset"] == "folder"
    assert found["facts"]["tracks"] == ["none", "perfect"]
    assert len(found["scores"]) == 2 * 3
    assert found["facts"]["command"] == "ursat benchmark --json 'two words'"


def test_a_second_run_computes_nothing(measure, monkeypatch):
    first = measure("--json", "-q")
    monkeypatch.setattr(evaluate, "_compute", lambda *_: pytest.fail("computed again"))
    again = measure("--json", "-q")
    assert json.loads(again.out)["scores"] == json.loads(first.out)["scores"]


def test_ctrl_c_shows_what_was_done_and_ends_with_130(measure, monkeypatch):
    real, done = evaluate._compute, []

    def stopping(shared, task):
        if done:
            raise KeyboardInterrupt
        done.append(task)
        return real(shared, task)

    monkeypatch.setattr(evaluate, "_compute", stopping)
    cut = measure("--json")
    assert cut.code == 130
    found = json.loads(cut.out)
    assert {score["image"] for score in found["scores"]} == {"moor/a.png"}
    assert not found["facts"]["complete"]
    assert "interrupted" in cut.err
    monkeypatch.setattr(evaluate, "_compute", real)
    assert len(json.loads(measure("--json", "-q").out)["scores"]) == 6


def test_a_failing_program_is_noted_and_ends_with_6(measure):
    done = measure("--external", "false {lr} {out}")
    assert done.code == 6
    assert "false ended with 1" in done.err
    assert "| hpf |" in done.out


def test_csv_and_html_are_not_overwritten_unawares(measure, tmp_path):
    table = tmp_path / "scores.csv"
    assert measure("--csv", str(table)).code == 0
    rows = list(csv.DictReader(table.open()))
    assert len(rows) == 6
    assert {row["method"] for row in rows} == {"bicubic", "hpf"}
    again = measure("--csv", str(table))
    assert (again.code, "--overwrite" in again.err) == (5, True)
    assert measure("--csv", str(table), "--overwrite").code == 0


def test_html_is_one_file(measure, tmp_path):
    pytest.importorskip("jinja2", reason="pip install 'ursat[bench]'")
    page = tmp_path / "report.html"
    assert measure("--html", str(page)).code == 0
    assert "<html" in page.read_text()[:300].lower()


def test_every_track_and_two_seeds(measure):
    done = measure("--tracks", "none,perfect,shifted,cast,changed,wrong", "--seeds", "0,1", "--protocol", "sensor")
    tracks = [line.split(" | ")[2] for line in done.out.splitlines() if line.startswith("| x4 | sensor")]
    assert list(dict.fromkeys(tracks)) == ["none", "perfect", "shifted", "cast", "changed", "wrong"]
    assert "sd over seeds" in done.out


def test_the_embedded_set_is_labelled_in_every_output(measure, monkeypatch, tmp_path):
    real = embedded.load

    def few(request):
        found = real(request)
        return type(found)(**{name: getattr(found, name) for name in found.__slots__} | {"images": found.images[2:3]})

    monkeypatch.setattr(embedded, "load", few)
    words = ("--crop", "64", "--tracks", "none")
    table = tmp_path / "scores.csv"
    shown = measure(*words, "--csv", str(table), dataset=("--dataset", "ddisr"))
    assert "embedded set" in shown.out.splitlines()[0]
    assert "embedded set" in shown.err
    assert "DDISR is not public" in shown.err
    assert "embedded set" in table.read_text().splitlines()[1]
    assert "embedded set" in json.loads(measure(*words, "--json", dataset=("--dataset", "ddisr")).out)["facts"]["label"]
    assert "as printed, Table 4" in shown.out
    assert "Why the printed numbers cannot be compared" in shown.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--scales", "1"), "a scale from 2 to 128"),
        (("--scales", "129"), "a scale from 2 to 128"),
        (("--tracks", "foggy"), "'foggy' is no track"),
        (("--protocol", "blur"), "--protocol: no such thing as blur"),
        (("--protocol", "real"), "has no real observations"),
        (("--metrics", "beauty"), "--metrics: no such thing as beauty"),
        (("--task", "chess"), "no task 'chess'"),
        (("--methods", "magic"), "no method 'magic'"),
        (("--crop", "32", "--resize", "32"), "exclude each other"),
        (("--cache", "none", "--html", "x.html"), "need a cache"),
        (("--images", "1", "--tracks", "wrong"), "need images of two places"),
        (("--html", "nowhere/x.html"), "no such folder"),
    ],
)
def test_words_that_mean_nothing_end_with_2(measure, words, said, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = measure(*words)
    assert done.code == 2
    assert said in done.err
    assert "hint:" in done.err


def test_a_missing_folder_ends_with_3_and_says_where_to_get_it(measure, tmp_path):
    done = measure("--root", str(tmp_path), dataset=("--dataset", "aid"))
    assert done.code == 3
    assert "captain-whu.github.io" in done.err or "captain-whu.com" in done.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--cache", "/dev/null"), 2, "--cache: /dev/null/folder cannot be written to"),
        (("--scales", "64"), 3, "none of the 2 images of folder can be used at x64"),
        (("--fid-weights", "{file}"), 3, "is no TorchScript archive"),
        (("--fid-weights", "nowhere.pt"), 3, "No such file"),
    ],
)
def test_what_cannot_end_well_does_not_begin(measure, words, code, said, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate, "_compute", lambda *_: pytest.fail("something was measured"))
    (tmp_path / "weights.pth").write_text("no weights")
    done = measure(*(word.format(file=tmp_path / "weights.pth") for word in words))
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert "hint:" in done.err
    assert "bug" not in done.err


def test_an_image_that_cannot_be_read_is_named(measure, folder):
    (folder / "text.tif").write_text("no image")
    done = measure()
    assert (done.code, done.out) == (3, "")
    assert "text.tif" in done.err


def test_definitions_stand_below_the_numbers(measure):
    shown = measure("--metrics", "psnr,sre").out.split("What the figures are:\n")[1]
    assert [line.split(":")[0] for line in shown.splitlines() if line.startswith("- ")] == ["- PSNR dB", "- SRE %"]


def test_the_columns_of_the_csv_are_always_the_same(measure, tmp_path):
    heads = []
    for k, words in enumerate((("--tracks", "none"), ("--tracks", "perfect", "--crop", "0"))):
        table = tmp_path / f"{k}.csv"
        assert measure(*words, "--csv", str(table)).code == 0
        heads.append(next(csv.reader(table.open())))
    assert heads[0] == heads[1]
    assert {"psnr", "niqe", "closure_max", "evaluations", "note"} <= set(heads[0])


def test_two_processes_and_three_seeds_give_the_same_numbers(measure):
    words = ("--json", "-q", "--seeds", "0,1,2", "--protocol", "sensor", "--tracks", "none,wrong", "--cache", "none")
    one, two = (json.loads(measure(*words, "--jobs", jobs).out) for jobs in ("1", "2"))
    untimed = [[{**score, "seconds": 0} for score in found["scores"]] for found in (one, two)]
    assert untimed[0] == untimed[1]
    assert {score["seed"] for score in one["scores"]} == {0, 1, 2}
    assert one["cells"][0]["methods"]["bicubic"]["psnr"]["images"] == 2  # an image counts once, with its seeds' mean


def test_few_images_are_said_to_be_few(measure):
    assert "few images (x4: 2)" in measure("--tracks", "none").err


def test_options_come_from_the_environment_too(cli, folder, tmp_path, monkeypatch):
    for name, value in {
        "DATASET": "folder", "ROOT": str(folder), "SCALES": "4", "TRACKS": "none", "METHODS": "bicubic",
        "BENCHMARK_CACHE": str(tmp_path / "c"), "METRICS": "psnr",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"URSAT_{name}", value)
    done = cli("benchmark", "-q")
    assert done.code == 0
    assert [line for line in done.out.splitlines() if line.startswith("| x4 | bicubic | none | bicubic | 2 |")]


def test_metrics_are_columns(measure):
    head = next(line for line in measure("--metrics", "psnr,ag_ratio").out.splitlines() if line.startswith("| scale"))
    assert [word.strip() for word in head.strip("| ").split("|")][5:7] == ["PSNR dB", "AG / truth's"]
