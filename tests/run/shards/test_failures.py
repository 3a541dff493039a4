"""Full disks, signals and twins: what is left can always be resumed, and ends in the same bytes."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import made
import pytest

from full_disk import largest_file
from ursat.errors import LimitError
from ursat.run.shards.leases import holders
from ursat.run.shards.manifest import CLAIMED, DONE, DROPPED, read_manifests
from ursat.run.shards.places import Places

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Undisturbed


@pytest.mark.parametrize("size", [1000, 100_000, 600_000], ids=["plan", "early in a shard", "late in a shard"])
def test_a_full_disk_stops_cleanly(undisturbed: Undisturbed, tmp_path: Path, size: int) -> None:
    places = Places(tmp_path / "out.shards")
    with largest_file(size), pytest.raises(LimitError):
        made.run(undisturbed.source, tmp_path / "out.tif")
    assert made.files(places) == {}
    assert [path for path in tmp_path.rglob(".*") if ".part." in path.name] == []
    assert holders(places) == {}
    made.run(undisturbed.source, tmp_path / "out.tif")
    assert made.files(places) == undisturbed.files


def test_a_disk_that_is_full_in_the_end_lacks_only_the_index(undisturbed: Undisturbed, tmp_path: Path) -> None:
    places = Places(tmp_path / "out.shards")
    made.run(undisturbed.source, tmp_path / "out.tif")
    places.vrt.unlink()
    with largest_file(len(places.plan.read_bytes())), pytest.raises(LimitError):
        made.run(undisturbed.source, tmp_path / "out.tif")
    assert not places.vrt.exists()
    made.run(undisturbed.source, tmp_path / "out.tif")
    assert made.files(places) == undisturbed.files


def _command(source: str, out: str) -> None:
    from ursat.cli.app import run

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background has it ignored
    sys.exit(
        run(["upscale", source, "--scale", "8", "--model", "fusion", "--shard-size", "64", "-j", "1", "-o", out, "-q"])
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_drop_the_shard_and_leave_the_rest(
    undisturbed: Undisturbed, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    places = Places(tmp_path / "out.shards")
    child = made.processes().Process(target=_command, args=(str(undisturbed.source), str(tmp_path / "out.tif")))
    child.start()
    deadline = time.monotonic() + 300
    while len(holders(places)) == 0 or not list(places.folder.glob("shards/*/*.done")):
        assert child.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(child.pid, number)
    child.join()
    assert child.exitcode == code
    assert holders(places) == {}
    assert [path for path in tmp_path.rglob(".*") if ".part." in path.name] == []
    assert not places.vrt.exists()
    events, _ = read_manifests(places)
    assert events[-1].state in {DROPPED, DONE}  # done: the signal came between two shards
    made.run(undisturbed.source, tmp_path / "out.tif")
    assert made.files(places) == undisturbed.files


def test_two_runs_in_one_folder_share_the_work(undisturbed: Undisturbed, tmp_path: Path) -> None:
    places = Places(tmp_path / "out.shards")
    twins = [
        made.processes().Process(target=_command, args=(str(undisturbed.source), str(tmp_path / "out.tif")))
        for _ in range(2)
    ]
    for twin in twins:
        twin.start()
    for twin in twins:
        twin.join()
    assert [twin.exitcode for twin in twins] == [0, 0]
    assert made.files(places) == undisturbed.files
    events, _ = read_manifests(places)
    for state in (CLAIMED, DONE):
        assert len([event for event in events if event.state == state]) == made.SHARDS
