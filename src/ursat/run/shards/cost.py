"""What shards change in a run's costs: never more than one working file, and only what is still to be made."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ursat.run.budget import Budget
    from ursat.run.options import UpscaleOptions
    from ursat.run.shards.lattice import Sharding

_FINISHED = 4 / 3 * 0.7  # overviews and compression, as in `ursat.run.budget`


def in_shards(
    budget: Budget, sharding: Sharding, scale: float, options: UpscaleOptions, *, left: float = 1.0
) -> Budget:
    """The budget of one file as that of a run in shards.

    Args:
        budget: of the whole output as one file.
        sharding: how it is cut.
        scale: K.
        options: the limits.
        left: share of the output that is still to be made, 0..1.
    """
    shard = min(1.0, (sharding.side * scale) ** 2 / budget.pixels)
    disk = int(budget.output_bytes * (_FINISHED * left * budget.filled + shard)) if left else 0
    folder = next((p for p in (sharding.folder, *sharding.folder.parents) if p.is_dir()), Path())
    free = shutil.disk_usage(folder).free
    refused, advice = budget.refused, budget.advice
    if budget.pixels <= options.max_pixels and budget.memory_bytes <= options.max_memory:
        refused, advice = None, ""
        if disk > free:
            refused = f"the run needs about {disk / 2**30:.1f} GiB in {folder}, {free / 2**30:.1f} GiB are free"
            advice = "write to another disk with -o, or choose a part with --bbox, --aoi or --window"
    return replace(budget, disk_bytes=disk, free_bytes=free, refused=refused, advice=advice)
