"""The memory of a run, settled once its reference is known: as many workers and as large a tile as it allows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ursat.errors import LimitError
from ursat.run.budget import REFERENCE_MOST, SMALLEST_TILE, memory_bytes, reference_bytes

if TYPE_CHECKING:
    from ursat.run.job import Job
    from ursat.run.prepare import Prepared


def within_memory(job: Job, prepared: Prepared) -> Job:
    """The job with as many workers, and if need be with as small a tile, as memory allows for this reference.

    Raises:
        LimitError: one worker and the smallest tile are too much.
    """
    if prepared.reference is None:
        return job
    budget, level, tile = job.budget, prepared.reference.level, job.budget.tile
    while True:
        for workers in range(budget.workers, 0, -1):
            needed = memory_bytes(tile, workers, job.scene.info, job.scale, job.encoding, job.network, level)
            if needed <= job.options.max_memory:
                least = reference_bytes(tile, workers, job.scale, job.encoding, job.network, level)
                # More saves the next row of tiles some work
                held = max(least, min(REFERENCE_MOST, least + job.options.max_memory - needed))
                tiles = -(-job.grid.height // tile) * -(-job.grid.width // tile)
                return replace(
                    job, budget=replace(budget, tile=tile, tiles=tiles, workers=workers, reference_bytes=held)
                )
        if tile // 2 < SMALLEST_TILE:
            break
        tile //= 2
    raise LimitError(
        f"with this reference the run needs about {needed / 2**30:.1f} GiB of memory, over --max-memory",
        hint=f"allow {needed / 2**30:.1f}G, or choose a coarser reference",
    )
