"""What the steps of a run draw."""

from __future__ import annotations

import torch
from made_tiles import exact_scene, options

from ursat.training.distributed import World
from ursat.training.loop import Loop


def test_a_step_deeper_than_the_scenes_meant_for_it_takes_those_that_are_deep_enough(made, tmp_path):
    """Guided scenes have two levels and answered ones one, so every kind of step meets its gap."""
    shallow, deep = exact_scene(2), exact_scene(4, guided=False)
    answered = exact_scene(1, guided=False)
    answered.expert = torch.zeros(3, 1024, 1024, dtype=torch.int16).numpy()
    asked = options(made, tmp_path, steps=40, batch=1)
    run = Loop(asked, World(0, 1, torch.device("cpu")), [shallow, answered, deep], [], {})
    drawn = [run._draw(step).batch for step in range(100)]
    assert {batch.levels[-1].level for batch in drawn} == {1, 2, 3, 4}
    guided = [batch for batch in drawn if any(context.rho is not None for context in batch.levels[-1].contexts)]
    assert {batch.levels[-1].level for batch in guided} == {1, 2}
