"""CPU seconds of one run by what they went into, and its peak memory: what planning, sharding and manifest cost.

    python scripts/phase_times.py upscale scene.tif --scale 4 --model fusion -j 1 -o out/

The command runs in this process; the table follows on stderr when it ends, also after a signal that it handles. With
``-j 1`` all work is done by one thread and every second finds its phase; with more, tiles that other threads make
meanwhile are counted where the main thread is. The last line sums the phases that are neither stages (reading,
cascade, closure) nor codec (writing, compressing, reading back), nor the start of Python.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import resource
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from ursat.openmp import wait_asleep

if TYPE_CHECKING:
    from collections.abc import Callable

STAGES, CODEC, START = "stages", "codec", "start of Python"
# (module, name in it, phase, kind); a name that is imported into a module is replaced where it is called
PHASES = (
    ("ursat.run.pipeline", "prepare", "measuring the scene", "planning"),
    ("ursat.run.shards.resume", "prepare", "measuring the scene", "planning"),
    ("ursat.run.shards.resume", "complete", "shards without pixels", "planning"),
    ("ursat.run.pipeline", "decide", "opening and deciding", "planning"),
    ("ursat.run.shards.sharded", "planned", "plan.json", "planning"),
    ("ursat.run.shards.sharded", "open_session", "opening the plan", "sharding"),
    ("ursat.run.pipeline", "render", "tiles", STAGES),
    ("ursat.run.shards.shard", "render", "tiles", STAGES),
    ("ursat.io.writer.CogWriter", "write", "working file", CODEC),
    ("rasterio.shutil", "copy", "COG", CODEC),
    ("ursat.io.writer.CogWriter", "_check", "reading back", CODEC),
    ("ursat.io.writer.CogWriter", "__enter__", "opening outputs", "sharding"),
    ("ursat.io.part_files.PartFiles", "publish", "sync and rename", "sharding"),
    ("ursat.run.shards.shard", "file_sha256", "sha256 of shards", "manifest"),
    ("ursat.run.shards.shard", "mark_done", "markers", "manifest"),
    ("ursat.run.shards.shard", "claim", "leases", "sharding"),
    ("ursat.run.shards.manifest.Manifest", "add", "manifest", "manifest"),
    ("ursat.run.shards.sharded", "write_index", "index", "manifest"),
)


class Stopwatch:
    """CPU seconds by phase; a phase inside another is not counted in the outer one."""

    def __init__(self) -> None:
        self.seconds: dict[tuple[str, str], float] = {}
        self._stack = [("everything else", "sharding")]
        self._last = time.process_time()

    def begin(self) -> None:
        """All until now was the start."""
        self._last = time.process_time()
        self.seconds = {(START, START): self._last}

    def turn(self) -> None:
        """Credit the time since the last turn to the innermost phase."""
        now = time.process_time()
        phase = self._stack[-1]
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - self._last
        self._last = now

    def timed(self, function: Callable[..., Any], phase: tuple[str, str]) -> Callable[..., Any]:
        """The function, counted as ``phase`` where the main thread calls it."""

        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                return function(*arguments, **named)
            self.turn()
            self._stack.append(phase)
            try:
                return function(*arguments, **named)
            finally:
                self.turn()
                self._stack.pop()

        return call

    def overhead(self) -> float:
        """Share of all seconds but the start's that are neither stages nor codec."""
        counted = {phase: s for phase, s in self.seconds.items() if phase[1] != START}
        aside = sum(s for (_, kind), s in counted.items() if kind not in {STAGES, CODEC})
        return aside / max(sum(counted.values()), 1e-9)

    def report(self) -> None:
        """The table, on stderr."""
        self.turn()
        for (name, kind), seconds in sorted(self.seconds.items(), key=lambda item: -item[1]):
            print(f"{seconds:9.2f} s  {name} ({kind})", file=sys.stderr)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        print(f"overhead {self.overhead():.1%}, peak memory {peak} MiB", file=sys.stderr)


def owner_of(path: str) -> Any:
    """The module of that path, or the class in it."""
    module, _, last = path.rpartition(".")
    return getattr(importlib.import_module(module), last) if last[0].isupper() else importlib.import_module(path)


def main() -> int:
    wait_asleep()
    from ursat.cli.app import run

    watch = Stopwatch()
    for path, name, phase, kind in PHASES:
        owner = owner_of(path)
        setattr(owner, name, watch.timed(getattr(owner, name), (phase, kind)))
    import torch  # noqa: F401  (its loading belongs to the start)

    watch.begin()
    atexit.register(watch.report)
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
