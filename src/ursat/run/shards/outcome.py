"""The report of a finished run in shards, from their markers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from ursat.errors import PartialError
from ursat.run.closure import ClosureResult
from ursat.run.provenance import provenance_of
from ursat.run.render import Made
from ursat.run.shards.done import Done, read_done
from ursat.run.summary import upscale_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ursat.run.report import UpscaleReport
    from ursat.run.shards.session import Session


def shards_report(session: Session, *, seconds: float) -> UpscaleReport:
    """What `upscale` returns; ``output`` is the VRT.

    The closure is that of the shards, each over the input pixels whose whole surroundings it holds: pixels at seams
    are judged by `ursat.run.shards.merge`.

    Raises:
        PartialError: a shard has vanished.
    """
    plan, prepared = session.plan, session.prepared
    found = [read_done(session.places, shard, session.plan_sha256) for shard in plan.shards]
    done = [marker for marker in found if marker is not None]
    if len(done) < len(found):
        raise PartialError(f"shards in {session.places.folder} have vanished", hint="run the same command again")
    tolerance = tuple(session.whole.encoding.closure_dn(p) for p in prepared.p99_dn)
    made = Made(together(done, tolerance), _mean_trust(session, done))
    facts = provenance_of(session.whole, prepared, made.closure, guided=bool(made.trust))
    report = upscale_report(session.whole, prepared, made, facts, seconds=seconds)
    return replace(report, shards=len(plan.shards))


def together(done: Sequence[Done], tolerance_dn: tuple[float, ...]) -> ClosureResult:
    """The closure over all pixels that any of the shards has judged."""
    bands = range(len(tolerance_dn))
    count = tuple(sum(d.closure_px[band] for d in done) for band in bands)
    square = [sum(d.rmse_dn[band] ** 2 * d.closure_px[band] for d in done) for band in bands]
    return ClosureResult(
        max_dn=tuple(max(d.max_dn[band] for d in done) for band in bands),
        rmse_dn=tuple(math.sqrt(s / max(n, 1)) for s, n in zip(square, count, strict=True)),
        tolerance_dn=tolerance_dn,
        pixels=count,
        over=sum(d.over for d in done),
    )


def _mean_trust(session: Session, done: Sequence[Done]) -> float | None:
    known = [(d.trust, s.pixels) for d, s in zip(done, session.plan.shards, strict=True) if d.trust is not None]
    return sum(trust * pixels for trust, pixels in known) / sum(pixels for _, pixels in known) if known else None
