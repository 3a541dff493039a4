"""Making one shard: the one function that every executor calls, in whatever process and order."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ursat.errors import LimitError, UrsatError
from ursat.io.writer import CogWriter
from ursat.run.provenance import provenance_of
from ursat.run.render import render
from ursat.run.shards.done import Done, mark_done, read_done
from ursat.run.shards.files import file_sha256
from ursat.run.shards.leases import claim
from ursat.run.shards.manifest import CLAIMED, DONE, DROPPED, FAILED, HUNG, Manifest
from ursat.run.shards.stalls import end_process, forget_stalls, given_up, note_stall, patience_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ursat.run.shards.lattice import Shard
    from ursat.run.shards.session import Session

BUSY = "busy"
_log = logging.getLogger("ursat")


@dataclass(frozen=True, slots=True)
class Outcome:
    """state: "done", "failed" (detail says why) or "busy" (somebody else is at it)."""

    state: str
    detail: str = ""


def make_shard(session: Session, shard: Shard, manifest: Manifest) -> Outcome:
    """Claim a shard, make it unless it is there, and mark it as done.

    What is wrong with one shard (an unreadable block of the input, a model that answers NaN) is an outcome, and others
    may go on. A maker of which nothing is heard for too long gives the shard up, and with ``--shard-timeout`` ends
    its process; see `ursat.run.shards.stalls`.

    Raises:
        LimitError: the disk or the memory is full: others could not go on either.
    """
    timeout = session.whole.options.shards.timeout
    patience = patience_of(timeout)
    hopeless = given_up(session.places, shard, patience)
    if hopeless is not None:
        return Outcome(FAILED, hopeless)

    def hung(seconds: float) -> None:
        note_stall(session.places, shard, seconds)
        manifest.add(HUNG, shard.name, detail=f"nothing was finished for {seconds:g} s")
        _log.warning("shard %s: nothing was finished for %g s; others may make it now", shard.name, seconds)
        if timeout is not None:
            _log.warning("this process ends with exit code 6; run the same command again to make what is missing")
            end_process()

    lease = claim(session.places, shard, manifest.worker, patience=patience, hung=hung)
    if lease is None:
        return Outcome(BUSY)
    with lease:
        if read_done(session.places, shard, session.plan_sha256) is not None:
            return Outcome(DONE)
        manifest.add(CLAIMED, shard.name)
        try:
            done = _make(session, shard, manifest.worker, lease.beat)
        except LimitError as error:
            manifest.add(FAILED, shard.name, detail=error.message)
            raise
        except UrsatError as error:
            manifest.add(FAILED, shard.name, detail=error.message)
            return Outcome(FAILED, error.message)
        except BaseException as error:
            manifest.add(DROPPED, shard.name, detail=type(error).__name__)
            raise
        device = session.whole.options.device
        manifest.add(DONE, shard.name, seconds=done.seconds, pixels=shard.pixels, sha256=done.sha256, device=device)
        forget_stalls(session.places, shard)
    return Outcome(DONE)


def _make(session: Session, shard: Shard, worker: str, beat: Callable[[], None]) -> Done:
    began = time.monotonic()
    job = session.job(shard)
    job.output.parent.mkdir(parents=True, exist_ok=True)
    # without a marker, a file under the shard's name may be another plan's
    with CogWriter(
        job.output,
        job.grid,
        job.encoding,
        creation_options=job.options.creation_options,
        overwrite=True,
        threads=job.budget.threads,
    ) as writer:
        made = render(job, session.prepared, writer, None, None, beat)
        writer.finish(provenance_of(job, session.prepared, made.closure, guided=bool(made.trust)), beat=beat)
    closure = made.closure
    done = Done(
        plan=session.plan_sha256,
        shard=shard.name,
        sha256=file_sha256(job.output),
        bytes=job.output.stat().st_size,
        seconds=time.monotonic() - began,
        worker=worker,
        max_dn=closure.max_dn,
        rmse_dn=closure.rmse_dn,
        closure_px=closure.pixels,
        over=closure.over,
        trust=made.trust,
    )
    mark_done(session.places, shard, done)
    return done
