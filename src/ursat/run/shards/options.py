"""How an output is cut into shards and who makes them; none of it changes a pixel."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShardOptions:
    """Options of `ursat upscale` that only large outputs need.

    size: side of a shard in output pixels; 0 writes one file whatever its size, None decides by the output's size (see
    `ursat.run.shards.lattice.sharding_of`). executor: "local" (this process) or "dask". scheduler: address of a running
    dask scheduler, None for a cluster on this machine of ``workers`` processes (0: two). timeout: seconds
    after which a process that has finished no block and no tile of its shard ends itself (exit code 6); with None it
    lives on, and only its lease ends after half an hour. resume: go on with the run that the folder holds, instead
    of refusing it. plan_only: measure and write ``plan.json``, and stop.
    """

    size: int | None = None
    executor: str = "local"
    scheduler: str | None = None
    workers: int = 0
    timeout: float | None = None
    resume: bool = True
    plan_only: bool = False
