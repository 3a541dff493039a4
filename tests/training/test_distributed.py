"""Two processes that train together hold the same weights, and they are not those of one alone."""

from __future__ import annotations

import threading

import pytest
import torch
from made_tiles import TINY, options

from paper_network import CONFIG as PAPER
from ursat.errors import UsageError
from ursat.training import distributed
from ursat.training.checkpoint import load_checkpoint
from ursat.training.distributed import launcher_rank, world_of
from ursat.training.loop import Loop
from ursat.training.pack import load_pack
from ursat.training.signals import stop_signals
from ursat.training.trainer import train


def run_and_keep(world, asked, folder):
    """One rank's training, its weights left in ``folder``."""
    torch.set_num_threads(1)
    scenes = load_pack(asked.pack, asked.scenes)
    loop = Loop(asked, world, scenes, [], {})
    with stop_signals() as stop:
        loop.run(stop)
    torch.save(loop.learner.net.state_dict(), folder / f"rank{world.rank}.pt")


@pytest.mark.parametrize("preset", [TINY, PAPER], ids=["core", "paper"])
def test_ranks_agree_and_rank_0_writes(made, tmp_path, preset):
    asked = options(made, tmp_path / "two", steps=3, val_scenes=0, processes=2, preset=preset)
    asked.out.mkdir()
    with world_of("cpu", 2, run_and_keep, (asked, tmp_path)) as world:
        assert (world.rank, world.size) == (0, 2)
        run_and_keep(world, asked, tmp_path)
    ranks = [torch.load(tmp_path / f"rank{k}.pt", weights_only=True) for k in range(2)]
    assert all(torch.equal(ranks[0][key], ranks[1][key]) for key in ranks[0])
    written = load_checkpoint(asked.out / "checkpoint.pt")
    assert all(torch.equal(ranks[0][key], written.net[key]) for key in ranks[0])
    train(options(made, tmp_path / "one", steps=3, val_scenes=0, preset=preset))
    alone = load_checkpoint(tmp_path / "one" / "checkpoint.pt")
    assert not all(torch.equal(ranks[0][key], alone.net[key]) for key in ranks[0])


def test_a_launchers_environment_is_read(monkeypatch):
    assert launcher_rank() == 0
    monkeypatch.setenv("RANK", "3")
    assert launcher_rank() == 0
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert launcher_rank() == 3


def test_more_processes_than_devices_are_refused(monkeypatch):
    monkeypatch.setattr(distributed, "pick_device", lambda name: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(UsageError, match="1 CUDA devices"), world_of("auto", 2, run_and_keep, ()):
        pass


def test_outside_the_main_thread_no_signal_is_caught():
    seen = []

    def body():
        with stop_signals() as stop:
            seen.append(stop.received)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [0]
