"""What the folder tells of a run, also where its records are torn."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from ursat.errors import InputError
from ursat.run.shards.leases import claim
from ursat.run.shards.manifest import DONE, FAILED, Manifest, read_manifests
from ursat.run.shards.places import Places
from ursat.run.shards.plan import read_plan
from ursat.run.shards.status import run_status
from ursat.run.shards.tally import Standing, Tally

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Undisturbed


@pytest.fixture
def places(undisturbed: Undisturbed, tmp_path: Path) -> Places:
    shutil.copytree(undisturbed.places.folder, tmp_path / "out.shards")
    return Places(tmp_path / "out.shards")


def test_a_finished_run(places: Places) -> None:
    found = run_status(places)
    assert (found.total, found.empty, found.done, found.making, found.left) == (8, 1, 8, 0, 0)
    assert (found.index, found.px_per_s, found.seconds_left, found.torn) == (str(places.vrt), None, None, 0)
    (worker,) = found.workers
    assert (worker.done, worker.failed, worker.making) == (8, 0, None)
    assert worker.px_per_s is not None


def test_a_run_under_way(places: Places) -> None:
    plan = read_plan(places)
    busy, failed, open_ = plan.shards[0], plan.shards[3], plan.shards[5]
    for shard in (busy, failed, open_):
        places.done(shard).unlink()
    places.vrt.unlink()
    manifest = Manifest(places, "new")
    manifest.add(FAILED, failed.name, detail="a cosmic ray")
    manifest.add(DONE, "r0009_c0009", seconds=2.0, pixels=2 * busy.pixels)
    with claim(places, busy, "new"):
        found = run_status(places)
    assert (found.done, found.making, found.left, found.failed) == (5, 1, 1, {failed.name: "a cosmic ray"})
    assert (found.px_per_s, found.seconds_left, found.index) == (busy.pixels, 2.0, None)
    assert found.workers[0].making == busy.name or found.workers[1].making == busy.name


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_last_line_loses_only_itself(places: Places, cut: int) -> None:
    (path,) = places.folder.glob("manifest-*.jsonl")
    whole, none = read_manifests(places)
    assert none == 0
    path.write_bytes(path.read_bytes()[:-cut])
    events, torn = read_manifests(places)
    # the line's end itself may be missing, and nothing else
    assert (events, torn) == ((whole, 0) if cut == 1 else (whole[:-1], 1))


@pytest.mark.parametrize("line", [b"\xff\xfe\x00", b"[1, 2]", b'{"state": 3}', b"[" * 100_000, b"null"])
def test_lines_that_make_no_sense_are_counted(places: Places, line: bytes) -> None:
    whole, _ = read_manifests(places)
    (places.folder / "manifest-other.jsonl").write_bytes(line + b"\n")
    assert read_manifests(places) == (whole, 1)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-20],
        lambda text: text.replace('"seed":0', '"seed":1'),
        lambda text: text.replace('"format":1', '"format":2'),
        lambda _: "{}",
        lambda _: "[" * 100_000,
        lambda _: '{"plan": {"versions": {"format": 1}}, "sha256": "0"}',
    ],
)
def test_a_damaged_plan_is_refused(places: Places, spoil: object) -> None:
    text = spoil(places.plan.read_text())
    places.plan.write_text(text)
    with pytest.raises(InputError, match=r"plan\.json cannot be used"):
        run_status(places)


def test_speed_and_time_left(places: Places) -> None:
    plan = read_plan(places)
    for shard in plan.shards[:4]:
        places.done(shard).unlink()
    now = [100.0]
    seen: list[Standing] = []
    tally = Tally(places, plan.sha256, plan.shards, seen.append, clock=lambda: now[0])
    tally.start()
    now[0] = 110.0
    tally.finished(plan.shards[0])
    tally.gave_up(plan.shards[1], "why")
    rate = plan.shards[0].pixels / 10
    left = sum(shard.pixels for shard in plan.shards[2:4])
    assert seen == [
        Standing(4, 0, 8, None, None),
        Standing(5, 0, 8, rate, (left + plan.shards[1].pixels) / rate),
        Standing(5, 1, 8, rate, left / rate),
    ]
    assert seen[-1].left == 2
