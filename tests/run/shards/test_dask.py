"""The same bytes from dask's workers, also where one of them is killed or hangs in the middle of a shard."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from typing import TYPE_CHECKING

import made
import pytest

from ursat.errors import UsageError
from ursat.run.shards.leases import holders
from ursat.run.shards.options import ShardOptions
from ursat.run.shards.places import Places

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Undisturbed

pytest.importorskip("distributed", reason="pip install 'ursat[dask]'")


def _strike(places: Places, number: signal.Signals, struck: list[int]) -> None:
    """Send a signal to the first worker that is seen to make a shard."""
    deadline = time.monotonic() + 300
    while not struck and time.monotonic() < deadline:
        for worker in holders(places).values():
            pid = int(worker.rsplit("-", 2)[1])
            os.kill(pid, number)
            struck.append(pid)
            break
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("number", "timeout"),
    [(signal.SIGKILL, None), pytest.param(signal.SIGSTOP, 60.0, marks=pytest.mark.slow)],
    ids=["killed", "hangs"],
)
def test_a_lost_workers_shards_are_made_again(
    undisturbed: Undisturbed, tmp_path: Path, number: signal.Signals, timeout: float | None
) -> None:
    places = Places(tmp_path / "out.shards")
    struck: list[int] = []
    striker = threading.Thread(target=_strike, args=(places, number, struck), daemon=True)
    striker.start()
    shards = ShardOptions(size=made.SHARD, executor="dask", workers=2, timeout=timeout)
    report = made.run(undisturbed.source, tmp_path / "out.tif", shards=shards)
    striker.join()
    assert len(struck) == 1
    assert report.shards == made.SHARDS
    assert made.files(places) == undisturbed.files


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_one_of_three_killed_at_random(undisturbed: Undisturbed, tmp_path: Path, seed: int) -> None:
    """Any of them, at any time from the first shard that is taken to the last one that is made."""
    places, chance = Places(tmp_path / "out.shards"), random.Random(seed)
    left, struck = chance.randrange(made.SHARDS // 2), []

    def strike() -> None:
        deadline = time.monotonic() + 300
        while not struck and time.monotonic() < deadline:
            makers = sorted(holders(places).values())
            if makers and len(list(places.folder.glob("shards/*/*.done"))) >= left:
                time.sleep(chance.uniform(0, 0.2))
                struck.append(int(chance.choice(makers).rsplit("-", 2)[1]))
                os.kill(struck[0], signal.SIGKILL)
            time.sleep(0.005)

    striker = threading.Thread(target=strike, daemon=True)
    striker.start()
    shards = ShardOptions(size=made.SHARD, executor="dask", workers=3)
    made.run(undisturbed.source, tmp_path / "out.tif", shards=shards)
    assert struck
    assert made.files(places) == undisturbed.files


def test_a_scheduler_that_is_not_there(
    undisturbed: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ursat.run.shards.dask_executor.JOIN_SECONDS", 1)
    shards = ShardOptions(size=made.SHARD, executor="dask", scheduler="tcp://127.0.0.1:9")
    with pytest.raises(UsageError, match="no dask worker can be reached at tcp://127"):
        made.run(undisturbed.source, tmp_path / "out.tif", shards=shards)


@pytest.mark.parametrize(
    "shards", [ShardOptions(executor="spark"), ShardOptions(scheduler="tcp://x"), ShardOptions(workers=3)]
)
def test_options_that_make_no_sense(undisturbed: Undisturbed, tmp_path: Path, shards: ShardOptions) -> None:
    with pytest.raises(UsageError, match="--executor"):
        made.run(undisturbed.source, f"{tmp_path}/out/", shards=shards)
    assert list(tmp_path.iterdir()) == []
