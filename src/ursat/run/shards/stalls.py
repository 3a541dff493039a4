"""Shards whose makers hang, noted beside the leases, so that nobody tries for ever.

A maker hangs when it finishes no block and no tile for as long as ``--shard-timeout`` says: a read from a server that
is gone, a driver that does not answer. Nothing inside a process can end such a call, so the process ends itself; its
shard is free for others, and for the same command run again.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from ursat.errors import PartialError

if TYPE_CHECKING:
    from pathlib import Path

    from ursat.run.shards.lattice import Shard
    from ursat.run.shards.places import Places

ATTEMPTS = 3
PATIENCE_SECONDS = 1800.0  # blocks take seconds, tiles of the slowest models minutes


def patience_of(timeout: float | None) -> float:
    """Seconds of silence after which a maker counts as hung; ``timeout``: ``--shard-timeout``, None where not given."""
    return PATIENCE_SECONDS if timeout is None else timeout


def note_stall(places: Places, shard: Shard, seconds: float) -> None:
    """Write down that nothing was heard of a shard's maker for so long."""
    with suppress(OSError), _notes(places, shard).open("a") as file:
        file.write(f"{json.dumps(seconds)}\n")


def given_up(places: Places, shard: Shard, seconds: float) -> str | None:
    """Why nobody should try a shard again with a patience of ``seconds``; None where somebody should."""
    try:
        lines = _notes(places, shard).read_text().split()
    except (OSError, ValueError):
        return None
    stalls = 0
    for line in lines:
        with suppress(ValueError):
            stalls += float(line) >= seconds
    if stalls < ATTEMPTS:
        return None
    return f"{stalls} makers of it have hung for {seconds:g} s each"


def forget_stalls(places: Places, shard: Shard) -> None:
    """A shard is made after all."""
    with suppress(OSError):
        _notes(places, shard).unlink()


def end_process() -> NoReturn:
    """Leave without waiting for threads that hang; the system frees locks, and the next writer removes temporaries."""
    os._exit(PartialError.exit_code)


def _notes(places: Places, shard: Shard) -> Path:
    return places.leases / f"{shard.name}.stalls"
