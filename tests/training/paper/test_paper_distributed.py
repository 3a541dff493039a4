"""Two processes train the paper's networks together, although some steps leave parts of them out."""

from __future__ import annotations

import torch
from made_tiles import options

from ursat.models.paper.config import PaperConfig
from ursat.training.distributed import world_of
from ursat.training.loop import Loop
from ursat.training.pack import load_pack
from ursat.training.signals import stop_signals

TINY = PaperConfig("paper-tiny", (8, 8), 1, 0, 8, 8, 1, 8, 2)


def run_and_keep(world, asked, folder):
    """One rank's training, its weights left in ``folder``."""
    torch.set_num_threads(1)
    loop = Loop(asked, world, load_pack(asked.pack, asked.scenes), [], {})
    with stop_signals() as stop:
        loop.run(stop)
    levels = {loop.recipe.draw(step, 0, 0).batch.levels[-1].level for step in range(asked.steps)}
    torch.save((loop.learner.net.state_dict(), levels), folder / f"rank{world.rank}.pt")


def test_ranks_agree(made, tmp_path):
    asked = options(made, tmp_path / "two", preset=TINY, steps=5, val_scenes=0, processes=2)
    asked.out.mkdir()
    with world_of("cpu", 2, run_and_keep, (asked, tmp_path)) as world:
        run_and_keep(world, asked, tmp_path)
    (one, levels), (other, _) = (torch.load(tmp_path / f"rank{k}.pt", weights_only=True) for k in range(2))
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert 1 in levels
    assert levels != {1}
