"""Dask's workers one by one: what they load and how often, what they ask for, and what becomes of one that hangs."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import made
import pytest

from ursat.run.shards import dask_executor
from ursat.run.shards.manifest import DONE, HUNG, read_manifests
from ursat.run.shards.options import ShardOptions
from ursat.run.shards.places import Places
from ursat.run.shards.plan import read_plan
from ursat.run.shards.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Undisturbed

dask = pytest.importorskip("dask", reason="pip install 'ursat[dask]'")
pytest.importorskip("distributed", reason="pip install 'ursat[dask]'")

# Dask runs such a script more than once in a process, in the same names: what is wrapped is bound when it is wrapped
HANGING = """
import os, time
from ursat.run.cascade import Cascade
def hang(self, window, *, render=Cascade.render):
    if (window.row, window.col) == (64, 128):
        try:
            os.close(os.open({flag!r}, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return render(self, window)
        time.sleep(3600)
    return render(self, window)
Cascade.render = hang
"""
LOADING = """
import os
import ursat.models.registry as registry
def counted(*given, load=registry.load_weights, **named):
    with open({flag!r}, "a") as file:
        file.write(f"{{os.getpid()}}\\n")
    return load(*given, **named)
if registry.load_weights.__name__ != "counted":
    registry.load_weights = counted
"""


@contextlib.contextmanager
def preloaded(folder: Path, code: str) -> Iterator[Path]:
    """Run ``code`` in every worker process before anything else; ``{flag!r}`` in it is the path that is given."""
    script, flag = folder / "preload.py", folder / "flag"
    script.write_text(code.format(flag=str(flag)))
    with dask.config.set({"distributed.worker.preload": [str(script)]}):
        yield flag


def test_a_worker_that_hangs_is_replaced(undisturbed: Undisturbed, tmp_path: Path) -> None:
    """It sleeps for ever in one shard, the first time that anybody comes there."""
    places = Places(tmp_path / "out.shards")
    with preloaded(tmp_path, HANGING) as flag:
        shards = ShardOptions(size=made.SHARD, executor="dask", workers=2, timeout=4.0)
        made.run(undisturbed.source, tmp_path / "out.tif", shards=shards)
        assert flag.exists()
    assert made.files(places) == undisturbed.files
    assert [event.shard for event in read_manifests(places)[0] if event.state == HUNG] == ["r0001_c0002"]


def test_weights_are_loaded_once_a_worker(undisturbed: Undisturbed, tmp_path: Path) -> None:
    places = Places(tmp_path / "out.shards")
    with preloaded(tmp_path, LOADING) as flag:
        shards = ShardOptions(size=made.SHARD, executor="dask", workers=1)
        options = replace(made.options(tmp_path / "out.tif", shards=shards), model="core-xs", mode="faithful")
        made.upscale(str(undisturbed.source), options)
    makers = {event.worker.rsplit("-", 2)[1] for event in read_manifests(places)[0] if event.state == DONE}
    assert flag.read_text().split() == sorted(makers)
    assert len(makers) == 1


class _Asked(Exception):  # noqa: N818  (ends the dispatcher at its first task)
    pass


class _Client:
    """Has two workers with a GPU each, and notes what is asked of them."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def run_on_scheduler(self, count: Any, *, gpu: bool) -> int:
        worker = SimpleNamespace(resources={"GPU": 1.0}, nthreads=5)
        return count(SimpleNamespace(workers={"a": worker, "b": worker}), gpu=gpu)

    def submit(self, *_: Any, **named: Any) -> Any:
        self.asked.append(named)
        return object()

    def cancel(self, *_: Any, **__: Any) -> None:
        raise _Asked


@pytest.mark.parametrize(("device", "tasks", "resources"), [("cuda", 2, {"GPU": 1}), ("cpu", 2, None)])
def test_every_worker_makes_one_shard_and_on_a_gpu_takes_one_unit_of_it(
    undisturbed: Undisturbed, device: str, tasks: int, resources: dict[str, int] | None
) -> None:
    plan, client = read_plan(undisturbed.places), _Client()
    tally = Tally(undisturbed.places, "another plan's", plan.shards)
    tally.start()
    options = replace(plan.options, device=device)
    dispatcher = dask_executor._Dispatcher(client, undisturbed.places, options, tally)
    dispatcher._submit()
    assert [named["resources"] for named in client.asked] == [resources] * tasks


@pytest.mark.slow
def test_a_scheduler_and_workers_of_their_own(
    undisturbed: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`dask scheduler` and `dask worker` as the documents start them."""
    monkeypatch.setattr(dask_executor, "JOIN_SECONDS", 600)  # three interpreters start on a machine that may be loaded
    address = tmp_path / "scheduler.json"
    dask_command = [sys.executable, "-m", "dask"]
    common = ["--scheduler-file", str(address), "--no-dashboard"]
    with contextlib.ExitStack() as stack:

        def start(*arguments: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen([*dask_command, *arguments], stderr=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            return process

        start("scheduler", "--host", "127.0.0.1", "--port", "0", *common)
        deadline = time.monotonic() + 600
        while not address.exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        for _ in range(2):
            start("worker", *common, "--nworkers", "1", "--nthreads", "1")
        shards = ShardOptions(size=made.SHARD, executor="dask", scheduler=json.loads(address.read_text())["address"])
        made.run(undisturbed.source, tmp_path / "out.tif", shards=shards)
    assert made.files(Places(tmp_path / "out.shards")) == undisturbed.files
