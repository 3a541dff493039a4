"""Where a run in shards stands, as its executor sees it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ursat.run.shards.done import read_done

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ursat.run.shards.lattice import Shard
    from ursat.run.shards.places import Places


@dataclass(frozen=True, slots=True)
class Standing:
    """Shards done, failed and wanted in all; pixels a second and the seconds left (None while nothing is known)."""

    done: int
    failed: int
    total: int
    px_per_s: float | None
    seconds_left: float | None

    @property
    def left(self) -> int:
        """Shards neither done nor failed."""
        return self.total - self.done - self.failed


class Watch(Protocol):
    """Called after every shard; the command line draws it."""

    def __call__(self, standing: Standing) -> None:
        """Report where the run stands."""
        ...


@dataclass(slots=True)
class Tally:
    """Shards of a run by what became of them; those of other processes are seen by their markers.

    failed: {name: why}. made: pixels that became done since the start.
    """

    places: Places
    plan_sha256: str
    shards: tuple[Shard, ...]
    watch: Watch | None = None
    clock: Callable[[], float] = time.monotonic
    left: dict[str, Shard] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    made: int = 0
    _began: float = 0.0

    def start(self) -> None:
        """Find out what is done already."""
        self.left = {shard.name: shard for shard in self.shards if not self._is_done(shard)}
        self._began = self.clock()
        self._tell()

    def finished(self, shard: Shard) -> None:
        """A shard is done, by whomever."""
        del self.left[shard.name]
        self.made += shard.pixels
        self._tell()

    def gave_up(self, shard: Shard, why: str) -> None:
        """A shard cannot be made."""
        del self.left[shard.name]
        self.failed[shard.name] = why
        self._tell()

    def notice(self, shards: Iterable[Shard]) -> None:
        """Count those of ``shards`` that others have finished."""
        for shard in [s for s in shards if s.name in self.left]:
            if self._is_done(shard):
                self.finished(shard)

    @property
    def standing(self) -> Standing:
        """The numbers."""
        spent = self.clock() - self._began
        rate = self.made / spent if self.made and spent > 0 else None
        pixels = sum(shard.pixels for shard in self.left.values())
        done = len(self.shards) - len(self.left) - len(self.failed)
        return Standing(done, len(self.failed), len(self.shards), rate, None if rate is None else pixels / rate)

    def _is_done(self, shard: Shard) -> bool:
        return read_done(self.places, shard, self.plan_sha256) is not None

    def _tell(self) -> None:
        if self.watch is not None:
            self.watch(self.standing)
