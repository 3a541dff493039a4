from dataclasses import replace

import numpy as np
from made_places import place_image

from ursat.benchmark import sidefiles
from ursat.benchmark.observation import make_observation

SCENE = make_observation(place_image(0, (64, 64)), 4, "bicubic", "ref")


def test_arrays_come_back_whole_and_nothing_else_lies_about(tmp_path):
    path = tmp_path / "deep" / "one.npz"
    arrays = {"a": np.arange(6).reshape(2, 3), "b": np.float32([1.5])}
    sidefiles.write(path, arrays)
    found = sidefiles.read(path)
    assert list(found) == ["a", "b"]
    np.testing.assert_array_equal(found["a"], arrays["a"])
    assert list(sidefiles.read(path, ("b",))) == ["b"]
    assert list(path.parent.iterdir()) == [path]


def test_a_scene_is_made_again_only_where_it_is_another(tmp_path):
    made = []

    def make(observation):
        made.append(observation)
        return {"first": observation.lr[:, :1, :1]}

    other = SCENE.lr.copy()
    other[0, 0, 0] += 1
    for observation in (SCENE, SCENE, replace(SCENE, lr=other), replace(SCENE, lr=other, gt=None)):
        sidefiles.keep_scene(tmp_path, observation, make)
    assert len(made) == 3
    held = sidefiles.read(sidefiles.scene_path(tmp_path, SCENE))
    np.testing.assert_array_equal(held["first"], other[:, :1, :1])


def test_every_part_of_the_key_counts(tmp_path):
    changes = (
        {},
        {"scale": 8},
        {"degradation": "sensor"},
        {"track": "noref"},
        {"seed": 1},
        {"image_id": "x"},
        {"other": "y"},
        {"stamp": "z"},
    )
    paths = {sidefiles.answer_path(tmp_path, replace(SCENE, **change), "mine") for change in changes}
    assert len(paths | {sidefiles.answer_path(tmp_path, SCENE, "other")}) == 9
