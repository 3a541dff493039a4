"""The marker beside a shard: whoever finds it, and a file of that length, need not make the shard again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ursat.run.shards.files import publish_text, read_object
from ursat.run.shards.values import DamagedError, canonical, decode

if TYPE_CHECKING:
    from ursat.run.shards.lattice import Shard
    from ursat.run.shards.places import Places


@dataclass(frozen=True, slots=True)
class Done:
    """What is known of a finished shard.

    plan: sha256 of the plan. sha256, bytes: of the file. seconds: of making it, by ``worker``. Closure over the input
    pixels whose whole surroundings lie in the shard, per band: see `ursat.run.closure.ClosureResult`. trust: mean local
    trust in the reference, None without one.
    """

    plan: str
    shard: str
    sha256: str
    bytes: int
    seconds: float
    worker: str
    max_dn: tuple[float, ...]
    rmse_dn: tuple[float, ...]
    closure_px: tuple[int, ...]
    over: int
    trust: float | None


def mark_done(places: Places, shard: Shard, done: Done) -> None:
    """Write the marker; an older one is replaced."""
    publish_text(places.done(shard), canonical(done), overwrite=True)


def read_done(places: Places, shard: Shard, plan_sha256: str) -> Done | None:
    """The marker of a shard that is finished; None where it must be made (again)."""
    data = read_object(places.done(shard))
    if data is None:
        return None
    try:
        done = decode(Done, data, "marker")
    except DamagedError:
        return None
    try:
        size = places.shard(shard).stat().st_size
    except OSError:
        return None
    return done if (done.plan, done.shard, done.bytes) == (plan_sha256, shard.name, size) else None
