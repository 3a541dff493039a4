from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ursat.benchmark.facts import RunFacts
from ursat.benchmark.job import BenchmarkOptions, prepare
from ursat.benchmark.observation import SCALES
from ursat.benchmark.scores import Cell
from ursat.benchmark.tasks import TASKS
from ursat.errors import UsageError


@pytest.fixture
def folder(tmp_path):
    for name in ("a/1.png", "b/2.png"):
        (tmp_path / name).parent.mkdir()
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (96, 96, 3), dtype=np.uint8)).save(tmp_path / name)
    return tmp_path


def options(folder, **more):
    return BenchmarkOptions(**{"dataset": "folder", "root": folder, "methods": ("bicubic", "hpf"), **more})


def test_options_override_what_the_task_says(folder):
    job = prepare(options(folder, task="sr", scales=(4,), tracks=("ref",)))
    assert job.cells == (Cell(4, "bicubic", "ref"),)
    assert job.ratio == 1.5
    assert list(job.methods) == ["bicubic", "hpf"]
    assert prepare(options(folder, task="sr", ref_ratio=2.0)).ratio == 2.0


@pytest.mark.parametrize("name", [name for name in TASKS if name != "cascade"])
def test_every_tasks_methods_exist(folder, name):
    job = prepare(options(folder, task=name, methods=()))
    assert job.methods
    assert {cell.scale for cell in job.cells} == set(TASKS[name].scales)


def test_the_papers_size_is_taken_where_it_has_one(tmp_path):
    for k in range(5):
        path = tmp_path / "Airport" / f"airport_{k}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.zeros((600, 600, 3), np.uint8)).save(path)
    aid = options(tmp_path, dataset="aid")
    assert [image.shape for image in prepare(replace(aid, task="sr")).dataset.images] == [(256, 256)]
    assert [image.shape for image in prepare(replace(aid, task="sr", crop=128)).dataset.images] == [(128, 128)]
    assert [image.shape for image in prepare(aid).dataset.images] == [(512, 512)]
    assert [image.shape for image in prepare(replace(aid, crop=0)).dataset.images] == [(600, 600)]


def test_facts_say_what_was_left_out_and_what_failed(folder):
    job = prepare(options(folder, scales=(4, 16), external=("false {lr} {out}",), tracks=("noref",)))
    facts = job.facts(job.run())
    assert facts.images == 2
    assert facts.notes[0] == "x16 bicubic: 2 of 2 images left out"
    assert facts.notes[1].startswith("few images (x4: 2)")
    assert facts.notes[2].startswith("2 failed, such as false@")
    assert facts.versions["ursat"]
    assert not facts.embedded
    assert facts.to_json()["label"] == "folder"


def test_weights_are_named_by_their_content(folder):
    facts = prepare(options(folder, methods=("ursat:faithful", "fusion", "bicubic"))).weights
    assert list(facts) == ["ursat:faithful"]
    assert len(facts["ursat:faithful"]) == 64


def test_pictures_of_cached_scores_are_made_when_they_are_asked_for(folder, tmp_path):
    plain = options(folder, scales=(4,), tracks=("noref",), methods=("bicubic",), cache=tmp_path / "cache")
    prepare(plain).run()
    job = prepare(replace(plain, pictures=True))
    assert job.panels is not None
    assert not job.panels.exists()
    job.run()
    first = {path: path.stat().st_mtime_ns for path in job.panels.glob("*.npz")}
    assert len(first) == 4  # a scene and an answer each
    prepare(replace(plain, pictures=True)).run()
    assert {path: path.stat().st_mtime_ns for path in job.panels.glob("*.npz")} == first


def test_the_embedded_set_reaches_x128(tmp_path):
    job = prepare(BenchmarkOptions(scales=SCALES, methods=("bicubic",)))
    for scale in SCALES:
        assert any(min(image.shape) // scale >= 8 for image in job.dataset.images)
    assert job.dataset.embedded


def test_real_observations_need_a_set_that_has_them():
    with pytest.raises(UsageError, match="the embedded set is simulated"):
        prepare(BenchmarkOptions(protocols=("real",), methods=("bicubic",)))


def test_a_label_says_embedded_once():
    facts = RunFacts("ddisr", "d", "CC0", "ursat benchmark", "bicubic", (4,), ("none",), (0,), embedded=True)
    assert facts.label.startswith("ddisr [embedded set")
    assert facts.to_json()["label"] == facts.label
