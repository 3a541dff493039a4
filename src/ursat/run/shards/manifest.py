"""What happened, one line an event, one file a worker; read together. Only reports come from it, never decisions.

Appends of several machines to one file would mix on network disks; a writer that dies leaves at most a torn last line.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ursat.run.shards.values import DamagedError, canonical, decode

if TYPE_CHECKING:
    from pathlib import Path

    from ursat.run.shards.places import Places

CLAIMED, DONE, FAILED, DROPPED, HUNG = "claimed", "done", "failed", "dropped", "hung"


@dataclass(frozen=True, slots=True)
class Event:
    """A shard was claimed, done, failed, dropped (the worker was told to stop), or its maker hung.

    time: seconds since 1970 on the worker's clock. seconds, pixels: of a finished shard. detail: of a failure.
    """

    state: str
    shard: str
    worker: str
    time: float
    seconds: float = 0.0
    pixels: int = 0
    sha256: str = ""
    device: str = ""
    detail: str = ""


def worker_name() -> str:
    """Host, process and a random part, so that a name is never used twice."""
    host = "".join(c if c.isalnum() else "-" for c in socket.gethostname())[:32]
    return f"{host}-{os.getpid()}-{secrets.token_hex(3)}"


class Manifest:
    """One worker's record in a run's folder."""

    def __init__(self, places: Places, worker: str) -> None:
        self.worker = worker
        self._path = places.manifest(worker)

    def add(self, state: str, shard: str, **facts: Any) -> None:
        """Append one event and make it durable; a full disk loses the line, not the run."""
        line = canonical(Event(state, shard, self.worker, time.time(), **facts)) + "\n"
        with suppress(OSError):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                os.write(descriptor, line.encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def read_manifests(places: Places) -> tuple[tuple[Event, ...], int]:
    """(events of all workers in the order of their times, number of lines that make no sense)."""
    events: list[Event] = []
    torn = 0
    for path in sorted(places.folder.glob("manifest-*.jsonl")):
        found, lost = _read(path)
        events += found
        torn += lost
    return tuple(sorted(events, key=lambda event: event.time)), torn


def _read(path: Path) -> tuple[list[Event], int]:
    events: list[Event] = []
    torn = 0
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return [], 1
    for line in lines:
        try:
            events.append(decode(Event, json.loads(line), "event"))
        except (DamagedError, ValueError, RecursionError):
            torn += 1
    return events, torn
