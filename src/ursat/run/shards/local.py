"""The default executor: this process, shard by shard, beside any other process that works in the same folder."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ursat.run.shards.manifest import FAILED
from ursat.run.shards.shard import BUSY, make_shard

if TYPE_CHECKING:
    from ursat.run.shards.manifest import Manifest
    from ursat.run.shards.session import Session
    from ursat.run.shards.tally import Tally

POLL_SECONDS = 1.0  # between looks at shards that others are making


def run_here(session: Session, tally: Tally, manifest: Manifest) -> None:
    """Make all that is left; returns once every shard is done, by whomever, or has failed here.

    Raises:
        LimitError: the disk or the memory is full.
    """
    while tally.left:
        idle = True
        for shard in list(tally.left.values()):
            outcome = make_shard(session, shard, manifest)
            if outcome.state == BUSY:
                continue
            idle = False
            if outcome.state == FAILED:
                tally.gave_up(shard, outcome.detail)
            else:
                tally.finished(shard)
        if idle:
            time.sleep(POLL_SECONDS)
            tally.notice(tuple(tally.left.values()))
