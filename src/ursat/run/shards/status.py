"""`ursat status`: where a run in shards stands, told from its folder alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ursat.run.report import to_plain
from ursat.run.shards.done import read_done
from ursat.run.shards.leases import holders
from ursat.run.shards.manifest import DONE, FAILED, HUNG, Event, read_manifests
from ursat.run.shards.plan import read_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ursat.run.shards.places import Places


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """What one worker has done. making: the shard that it holds, or None. last: seconds since 1970 of its last word."""

    name: str
    done: int
    failed: int
    px_per_s: float | None
    making: str | None
    last: float


@dataclass(frozen=True, slots=True)
class RunStatus:
    """done, failed, making, left: shards, exclusive of each other; empty ones are never made and not in ``total``.

    failed: {shard: why}, of shards whose last attempt failed and that nobody makes now. seconds_left: None while nobody
    works or nothing is known of the speed. index: the mosaic, once it is written. torn: lines of the manifests that
    make no sense (a worker died while it wrote).
    """

    folder: str
    total: int
    empty: int
    done: int
    making: int
    left: int
    failed: dict[str, str]
    px_per_s: float | None
    seconds_left: float | None
    index: str | None
    workers: tuple[WorkerStatus, ...]
    torn: int

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        out: dict[str, Any] = to_plain(self)
        return out


def run_status(places: Places) -> RunStatus:
    """Read plan, markers, leases and manifests; nothing is changed.

    Raises:
        InputError: the plan is damaged.
    """
    plan = read_plan(places)
    sha256 = plan.sha256
    done = {shard.name for shard in plan.shards if read_done(places, shard, sha256) is not None}
    held = {shard: worker for shard, worker in holders(places).items() if shard not in done}
    events, torn = read_manifests(places)
    last = {event.shard: event for event in events}
    failed = {
        shard.name: last[shard.name].detail
        for shard in plan.shards
        if shard.name in last and last[shard.name].state in {FAILED, HUNG} and shard.name not in done | held.keys()
    }
    workers = _workers(events, held)
    rate = sum(w.px_per_s or 0 for w in workers if w.making is not None) or None
    pixels = sum(shard.pixels for shard in plan.shards if shard.name not in done and shard.name not in failed)
    return RunStatus(
        folder=str(places.folder),
        total=len(plan.shards),
        empty=plan.empty,
        done=len(done),
        making=len(held),
        left=len(plan.shards) - len(done) - len(held) - len(failed),
        failed=failed,
        px_per_s=rate,
        seconds_left=None if rate is None else pixels / rate,
        index=str(places.vrt) if places.vrt.exists() else None,
        workers=workers,
        torn=torn,
    )


def _workers(events: Sequence[Event], held: dict[str, str]) -> tuple[WorkerStatus, ...]:
    by_worker: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_worker[event.worker].append(event)
    making = {worker: shard for shard, worker in held.items()}
    return tuple(_worker(name, found, making.get(name)) for name, found in sorted(by_worker.items()))


def _worker(name: str, events: list[Event], making: str | None) -> WorkerStatus:
    made = [event for event in events if event.state == DONE]
    seconds = sum(event.seconds for event in made)
    return WorkerStatus(
        name=name,
        done=len(made),
        failed=sum(event.state in {FAILED, HUNG} for event in events),
        px_per_s=sum(event.pixels for event in made) / seconds if seconds > 0 else None,
        making=making,
        last=max(event.time for event in events),
    )
