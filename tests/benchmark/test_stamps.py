import os

import numpy as np
import pytest
from PIL import Image

from ursat.benchmark.baselines import BASELINES
from ursat.benchmark.evaluate import run
from ursat.benchmark.images import FileImage
from ursat.benchmark.report.panels import PanelKeeper, load_panels
from ursat.benchmark.scores import Cell
from ursat.benchmark.sidefiles import found_paths
from ursat.benchmark.stamps import file_stamp, stamp_of

WRONG = Cell(4, "bicubic", "ref-wrong")
METHODS = {"hpf": BASELINES["hpf"]}


def picture(path, seed):
    rng = np.random.default_rng(seed)
    pixels = np.clip(120 + np.cumsum(rng.normal(0, 4, (64, 64, 3)), axis=0), 0, 255).astype(np.uint8)
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(path)
    return FileImage(path, path.name, path.stem, 1.0)


@pytest.fixture
def three(tmp_path):
    return [picture(tmp_path / "in" / f"{name}.png", k) for k, name in enumerate("abc")]


def test_a_stamp_is_of_the_files_that_are_there(three, tmp_path):
    a, b, _ = three
    assert stamp_of(a) == file_stamp(a.path) != stamp_of(b) != ""
    assert stamp_of(a, b) == f"{a.stamp} {b.stamp}"
    before = a.stamp
    os.utime(a.path, ns=(1, 1))
    assert a.stamp != before
    assert file_stamp(tmp_path / "gone", None) == ""


def test_a_picture_that_was_changed_is_measured_again(three, tmp_path):
    a, cache = three[0], tmp_path / "scores.jsonl"
    cell = Cell(4, "bicubic", "noref")
    methods = {"bicubic": BASELINES["bicubic"]}
    first = run(methods, (cell,), (a,), cache=cache).scores[0]
    picture(a.path, 9)
    assert run(methods, (cell,), (a,), cache=cache).scores[0].figures != first.figures


def test_two_runs_with_other_strangers_keep_their_own_pictures(three, tmp_path):
    """The image that stands for the wrong reference depends on which images a run has."""
    a, b, c = three
    keep = PanelKeeper(tmp_path / "panels")
    tables = [run(METHODS, (WRONG,), pair, keep=keep, cache=tmp_path / "s.jsonl") for pair in ((a, b), (a, c))]
    scores = [table.scores[0] for table in tables]
    assert [score.other for score in scores] == ["b.png", "c.png"]
    assert found_paths(keep.folder, scores[0]) != found_paths(keep.folder, scores[1])
    shown = [load_panels(keep.folder, table)[0] for table in tables]
    assert not np.array_equal(shown[0].scene["ref"], shown[1].scene["ref"])
    assert not np.array_equal(shown[0].answers["hpf"]["window"], shown[1].answers["hpf"]["window"])
