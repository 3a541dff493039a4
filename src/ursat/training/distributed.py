"""Several processes that train one network: torch's DistributedDataParallel, by spawning them here or under torchrun.

Every process draws its own batches; gradients are averaged, so all hold the same weights. Rank 0 alone validates and
writes, and decides for all when to stop.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed, nn
from torch.multiprocessing.spawn import ProcessException, spawn
from torch.nn.parallel import DistributedDataParallel

from ursat.errors import UrsatError, UsageError
from ursat.run.device import pick_device

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PATIENCE = timedelta(hours=12)  # rank 0 may be making scenes, or validating


@dataclass(frozen=True, slots=True)
class World:
    """rank: of this process, 0 .. size - 1; device: where it computes."""

    rank: int
    size: int
    device: torch.device

    def agree(self, done: float, stop: int) -> tuple[float, int]:
        """Rank 0's share of the run that is done, and the highest of all signals."""
        if self.size == 1:
            return done, stop
        both = torch.tensor([done if self.rank == 0 else 0.0, stop], dtype=torch.float64, device=self.device)
        distributed.all_reduce(both, op=distributed.ReduceOp.MAX)
        return float(both[0]), int(both[1])

    def share(self, net: nn.Module, *, partly: bool = False) -> nn.Module:
        """The network with averaged gradients; all processes begin with rank 0's weights.

        Args:
            net: on this process's device.
            partly: some steps train only a part of it.
        """
        if self.size == 1:
            return net
        ids = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(net, device_ids=ids, find_unused_parameters=partly)


def under_torchrun() -> bool:
    """Whether a launcher has started this process as one of several, and told it so by the environment."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ


def launcher_rank() -> int:
    """This process's rank as its launcher says, 0 where there is none."""
    return int(os.environ["RANK"]) if under_torchrun() else 0


@contextmanager
def world_of(device: str, processes: int, child: Callable[..., Any], arguments: tuple[Any, ...]) -> Iterator[World]:
    """This process's place among those that train.

    Args:
        device: as for `pick_device`; several processes on CUDA take a device each.
        processes: how many; under torchrun its number counts, and nothing is spawned.
        child: called as ``child(world, *arguments)`` in each spawned process; must be importable.
        arguments: must be picklable.

    Raises:
        UsageError: fewer CUDA devices than processes; no such device.
        UrsatError: another process failed.
    """
    if under_torchrun():
        rank, size, local = (
            int(os.environ["RANK"]),
            int(os.environ["WORLD_SIZE"]),
            int(os.environ.get("LOCAL_RANK", "0")),
        )
        with _joined(
            rank, size, _device(device, local, int(os.environ.get("LOCAL_WORLD_SIZE", size))), "env://"
        ) as world:
            yield world
        return
    if processes == 1:
        yield World(0, 1, pick_device(device))
        return
    own = _device(device, 0, processes)
    with tempfile.TemporaryDirectory(prefix="ursat-train-") as folder:
        meeting = (Path(folder) / "meeting").as_uri()
        others = spawn(  # type: ignore[no-untyped-call]
            _spawned, (processes, device, meeting, child, arguments), nprocs=processes - 1, join=False
        )
        try:
            with _joined(0, processes, own, meeting) as world:
                yield world
            while not others.join():
                pass
        except (RuntimeError, ProcessException) as error:
            raise UrsatError(
                f"training in {processes} processes failed: {str(error).strip().splitlines()[-1]}",
                hint="--resume goes on from the last checkpoint; --processes 1 to see whether it is the processes",
            ) from error
        finally:
            for process in others.processes:
                process.terminate()


def _spawned(
    index: int, size: int, device: str, meeting: str, child: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    with _joined(index + 1, size, _device(device, index + 1, size), meeting) as world:
        child(world, *arguments)


def _device(name: str, local: int, local_size: int) -> torch.device:
    device = pick_device(name)
    if device.type == "cpu":
        torch.set_num_threads(max(1, torch.get_num_threads() // local_size))
        return device
    count = torch.cuda.device_count()
    if count < local_size:
        raise UsageError(f"{local_size} processes, but {count} CUDA devices", hint=f"--processes {count}")
    device = torch.device("cuda", local)
    torch.cuda.set_device(device)
    return device


@contextmanager
def _joined(rank: int, size: int, device: torch.device, meeting: str) -> Iterator[World]:
    backend = "nccl" if device.type == "cuda" else "gloo"
    distributed.init_process_group(backend, init_method=meeting, rank=rank, world_size=size, timeout=_PATIENCE)
    try:
        yield World(rank, size, device)
    finally:
        distributed.destroy_process_group()
