"""One maker a shard: on this machine by the kernel's locks, across machines by name and age."""

from __future__ import annotations

import os
import signal
import socket
import time
from typing import TYPE_CHECKING

import made
import pytest

from ursat.grid import Window
from ursat.run.shards import leases
from ursat.run.shards.lattice import Shard
from ursat.run.shards.leases import EXPIRES_SECONDS, claim, holders
from ursat.run.shards.places import Places
from ursat.run.shards.values import canonical

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

SHARD = Shard(0, 3, Window(0, 24, 8, 8), Window(0, 192, 64, 64))


def test_a_claimed_shard_is_refused_until_it_is_given_back(tmp_path: Path) -> None:
    places = Places(tmp_path)
    with claim(places, SHARD, "first"):
        assert claim(places, SHARD, "second") is None
        assert holders(places) == {SHARD.name: "first"}
    assert holders(places) == {}
    assert list(places.leases.iterdir()) == []
    with claim(places, SHARD, "second"):
        assert holders(places) == {SHARD.name: "second"}


def _hold(folder: Path, told: Connection) -> None:
    with claim(Places(folder), SHARD, "victim"):
        told.send("held")
        time.sleep(600)


def test_the_lease_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    places = Places(tmp_path)
    context = made.processes()
    hear, told = context.Pipe()
    child = context.Process(target=_hold, args=(tmp_path, told))
    child.start()
    assert hear.recv() == "held"
    assert claim(places, SHARD, "next") is None
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert places.lease(SHARD).exists()
    assert holders(places) == {}
    with claim(places, SHARD, "next"):
        assert holders(places) == {SHARD.name: "next"}


@pytest.mark.parametrize(("host", "age", "free"), [
    ("elsewhere", 1, False),
    ("elsewhere", EXPIRES_SECONDS + 30, True),
    (socket.gethostname(), 1, True),
])  # fmt: skip
def test_another_machines_lease_counts_while_it_is_renewed(
    tmp_path: Path, host: str, age: float, *, free: bool
) -> None:
    """Its lock cannot be seen from here: only the file is there."""
    places = Places(tmp_path)
    path = places.lease(SHARD)
    path.parent.mkdir()
    path.write_text(canonical({"host": host, "worker": "theirs"}))
    os.utime(path, (time.time() - age,) * 2)
    assert holders(places) == ({} if free else {SHARD.name: "theirs"})
    lease = claim(places, SHARD, "ours")
    assert (lease is not None) is free
    if lease is not None:
        with lease:
            assert holders(places) == {SHARD.name: "ours"}
    else:
        assert path.exists()


def test_a_held_lease_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = Places(tmp_path)
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.01)
    with claim(places, SHARD, "first"):
        path = places.lease(SHARD)
        os.utime(path, (1, 1))
        deadline = time.monotonic() + 60
        while path.stat().st_mtime == 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert path.stat().st_mtime > 1
