"""A maker that hangs: its shard becomes free for others, and after three of them it has failed, in clear words."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import made
import pytest

from ursat.errors import PartialError
from ursat.grid import Window
from ursat.run.shards import leases
from ursat.run.shards.lattice import Shard
from ursat.run.shards.leases import claim, holders
from ursat.run.shards.manifest import HUNG, read_manifests
from ursat.run.shards.options import ShardOptions
from ursat.run.shards.places import Places
from ursat.run.shards.stalls import ATTEMPTS, forget_stalls, given_up, note_stall
from ursat.run.shards.status import run_status

if TYPE_CHECKING:
    from conftest import Undisturbed

SHARD = Shard(0, 3, Window(0, 24, 8, 8), Window(0, 192, 64, 64))
HANGS = (64, 128)  # the corner of a shard in the middle of the run
NAME = "r0001_c0002"


def _until(said: object) -> None:
    deadline = time.monotonic() + 120
    while not said():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_suspended_process_does_not_take_itself_for_a_hung_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[float] = []
    places, slept = Places(tmp_path), [0.0]
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.01)
    monkeypatch.setattr(leases, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + slept[0]))
    with claim(places, SHARD, "first", patience=60.0, hung=ended.append):
        slept[0] = 3600.0  # as a stopped process finds the clock when it goes on
        for _ in range(3):
            os.utime(places.lease(SHARD), (1, 1))
            _until(lambda: places.lease(SHARD).stat().st_mtime > 1 or ended)
    assert ended == []


def test_who_is_heard_of_keeps_a_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent: list[float] = []
    places = Places(tmp_path)
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.01)
    with claim(places, SHARD, "first", patience=60.0, hung=silent.append):
        os.utime(places.lease(SHARD), (1, 1))
        _until(lambda: places.lease(SHARD).stat().st_mtime > 1)
        assert silent == []


def test_who_is_silent_loses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's lock is still held: only the time of the file says that nobody is at work."""
    silent: list[float] = []
    places = Places(tmp_path)
    with claim(places, SHARD, "first", patience=0.05, hung=silent.append):
        _until(lambda: silent)
        assert claim(places, SHARD, "second") is None
        monkeypatch.setattr(leases, "EXPIRES_SECONDS", 0.0)
        _until(lambda: leases.lapsed(places, SHARD))
        assert holders(places) == {}
        lease = claim(places, SHARD, "second")
        monkeypatch.undo()
        lease.__enter__()
    assert silent == [0.05]
    assert holders(places) == {SHARD.name: "second"}
    lease.__exit__(None, None, None)
    assert holders(places) == {}
    assert leases.lapsed(places, SHARD) is None


def test_after_some_attempts_a_shard_is_given_up(tmp_path: Path) -> None:
    places = Places(tmp_path)
    places.leases.mkdir()
    for _ in range(ATTEMPTS):
        assert given_up(places, SHARD, 30) is None
        note_stall(places, SHARD, 30)
    assert "3 makers of it have hung for 30 s" in given_up(places, SHARD, 30)
    assert given_up(places, SHARD, 31) is None  # more patience was never tried
    forget_stalls(places, SHARD)
    assert given_up(places, SHARD, 30) is None


def _hanging(source: str, out: str, timeout: float | None, silence: float) -> None:
    """A run in a process of its own, whose tile of one shard never ends."""
    from ursat.run.cascade import Cascade
    from ursat.run.shards import stalls

    render = Cascade.render

    def hang(self: Cascade, window: Window) -> object:
        if (window.row, window.col) == HANGS:
            time.sleep(3600)
        return render(self, window)

    Cascade.render = hang
    stalls.PATIENCE_SECONDS = silence
    made.run(Path(source), out, shards=ShardOptions(size=made.SHARD, timeout=timeout))
    sys.exit(0)


def _start(undisturbed: Undisturbed, folder: Path, timeout: float | None, silence: float = 3600.0) -> object:
    arguments = (str(undisturbed.source), str(folder / "out.tif"), timeout, silence)
    child = made.processes().Process(target=_hanging, args=arguments, daemon=True)
    child.start()
    return child


def test_a_process_that_hangs_ends_itself(undisturbed: Undisturbed, tmp_path: Path) -> None:
    places = Places(tmp_path / "out.shards")
    for attempt in range(ATTEMPTS):
        child = _start(undisturbed, tmp_path, timeout=4.0)
        child.join()
        assert child.exitcode == PartialError.exit_code
        assert holders(places) == {}
        found = run_status(places)
        assert list(found.failed) == [NAME]
        assert sum(event.state == HUNG for event in read_manifests(places)[0]) == attempt + 1
    with pytest.raises(
        PartialError, match=f"1 of 8 shards .* failed; the first, {NAME}: 3 makers of it have hung"
    ) as caught:
        made.run(undisturbed.source, tmp_path / "out.tif", shards=ShardOptions(size=made.SHARD, timeout=4.0))
    assert "--shard-timeout 8s" in caught.value.hint
    assert undisturbed.files.keys() - made.files(places).keys() == {"shards/r0001/c0002.tif", "out.vrt"}
    made.run(undisturbed.source, tmp_path / "out.tif", shards=ShardOptions(size=made.SHARD, timeout=8.0))
    assert made.files(places) == undisturbed.files
    assert list(places.leases.iterdir()) == []
    assert [path for path in tmp_path.rglob(".*") if ".part." in path.name] == []


def test_a_twin_takes_the_shard_of_one_that_hangs(
    undisturbed: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = Places(tmp_path / "out.shards")
    child = _start(undisturbed, tmp_path, timeout=None, silence=0.5)
    _until(lambda: places.folder.is_dir() and any(event.state == HUNG for event in read_manifests(places)[0]))
    monkeypatch.setattr(leases, "EXPIRES_SECONDS", 0.5)
    made.run(undisturbed.source, tmp_path / "out.tif")
    assert child.is_alive()
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    finals = {name: found for name, found in made.files(places).items() if not Path(name).name.startswith(".")}
    assert finals == undisturbed.files
