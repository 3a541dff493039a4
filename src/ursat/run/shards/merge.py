"""`ursat merge`: the shards of a finished run as one COG, byte for byte the one that a single run would write."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ursat.errors import InputError, LimitError, PartialError
from ursat.io.preflight import check_output
from ursat.io.writer import CogWriter
from ursat.io.written import open_written
from ursat.run.closure import ClosureMeter
from ursat.run.provenance import provenance_of
from ursat.run.shards.done import Done, read_done
from ursat.run.shards.files import file_sha256
from ursat.run.shards.plan import read_plan
from ursat.run.shards.session import open_session

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ursat.grid import Window
    from ursat.io.written import WrittenFile
    from ursat.run.shards.lattice import Shard
    from ursat.run.shards.places import Places
    from ursat.run.shards.session import Session
    from ursat.types import Progress


def merge(
    places: Places,
    output: Path,
    *,
    overwrite: bool = False,
    max_pixels: float | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write the shards of a run into one COG.

    The closure is measured anew, over seams as well, so the input that the plan names must be there.

    Args:
        places: the run's folder.
        output: the COG.
        overwrite: replace it if it exists.
        max_pixels: refuse larger outputs; None: the run's own limit.
        progress: called with (tiles done, tiles in all).

    Raises:
        PartialError: shards are missing.
        InputError: a shard, the plan or the input is not what it was.
        LimitError: over ``max_pixels``, or the disk is full.
        OutputExistsError: the output is there and ``overwrite`` is not set.
    """
    plan = read_plan(places)
    with ExitStack() as stack:
        session = open_session(places, plan, plan.options, stack)
        whole = session.whole
        limit = plan.options.max_pixels if max_pixels is None else max_pixels
        if whole.budget.pixels > limit:
            raise LimitError(
                f"{output} would have {whole.grid.width} x {whole.grid.height} pixels, over --max-pixels {limit:.3g}",
                hint=f"open {places.vrt} instead, which shows the shards as one image; or raise --max-pixels",
            )
        finished = _finished(session)
        protected = [places.shard(shard) for shard in plan.shards]
        check_output(output, overwrite=overwrite, needed_bytes=whole.budget.disk_bytes, protected=protected)
        writer = stack.enter_context(
            CogWriter(
                output,
                whole.grid,
                whole.encoding,
                creation_options=whole.options.creation_options,
                overwrite=overwrite,
                threads=whole.budget.threads,
            )
        )
        meter = _copy(session, finished, writer, progress)
        guided = any(done.trust for _, done in finished)
        return writer.finish(provenance_of(whole, session.prepared, meter.result(), guided=guided))


def _finished(session: Session) -> list[tuple[Shard, Done]]:
    found = [(s, read_done(session.places, s, session.plan_sha256)) for s in session.plan.shards]
    missing = sum(done is None for _, done in found)
    if missing:
        raise PartialError(
            f"{missing} of {len(found)} shards in {session.places.folder} are not done",
            hint="run the same ursat upscale again, which makes what is missing",
        )
    return [(shard, done) for shard, done in found if done is not None]


def _copy(
    session: Session, finished: list[tuple[Shard, Done]], writer: CogWriter, progress: Progress | None
) -> ClosureMeter:
    """Tile by tile, in the order in which a single run writes them."""
    whole = session.whole
    meter = ClosureMeter(
        whole.scene,
        None if whole.region.whole else whole.region.keep,
        whole.region.window,
        scale=whole.scale,
        taps=session.prepared.sensor.taps,
        encoding=whole.encoding,
        tolerance_dn=tuple(whole.encoding.closure_dn(p) for p in session.prepared.p99_dn),
    )
    tile = whole.budget.tile
    tiles = list(whole.window.blocks(tile, tile))
    with _Mosaic(session, finished) as mosaic:
        for number, window in enumerate(tiles):
            held = mosaic.read(window)
            if held is not None:
                dn, valid = held
                writer.write(replace(window, row=window.row - whole.window.row, col=window.col - whole.window.col), dn)
                meter.add(window, np.where(valid, dn, 0).astype(whole.encoding.work_dtype), valid)
            if number + 1 == len(tiles) or tiles[number + 1].row != window.row:
                meter.row_done(window.row_stop)
                mosaic.close_above(window.row_stop)
            if progress is not None:
                progress(number + 1, len(tiles))
    return meter


class _Mosaic:
    """Windows across shards, whose files are opened when first needed and checked against their markers."""

    def __init__(self, session: Session, finished: list[tuple[Shard, Done]]) -> None:
        self._session = session
        self._rows: dict[int, list[tuple[Shard, Done]]] = {}
        for shard, done in finished:
            self._rows.setdefault(shard.row, []).append((shard, done))
        self._open: dict[Shard, tuple[ExitStack, WrittenFile]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stack, _file in self._open.values():
            stack.close()

    def read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]] | None:
        """(bands, h, w) stored numbers and which are values; None where no shard shows any of it."""
        encoding = self._session.whole.encoding
        shape = (len(encoding.scales), *window.shape)
        dn = np.full(shape, 0 if encoding.nodata is None else encoding.nodata, dtype=encoding.dtype)
        valid = np.zeros(shape, dtype=bool)
        for shard, done in self._touching(window):
            common = window.intersect(shard.window)
            inside = replace(common, row=common.row - shard.window.row, col=common.col - shard.window.col)
            here = (..., *common.within(window))
            dn[here], valid[here] = self._file(shard, done).read(inside)
        return (dn, valid) if valid.any() else None

    def close_above(self, row: int) -> None:
        """Close the shards that end above an output row."""
        for shard in [s for s in self._open if s.window.row_stop <= row]:
            self._open.pop(shard)[0].close()

    def _touching(self, window: Window) -> list[tuple[Shard, Done]]:
        return [
            (shard, done)
            for held in self._rows.values()
            if held[0][0].window.row < window.row_stop and window.row < held[0][0].window.row_stop
            for shard, done in held
            if not window.intersect(shard.window).empty
        ]

    def _file(self, shard: Shard, done: Done) -> WrittenFile:
        if shard not in self._open:
            path = self._session.places.shard(shard)
            if file_sha256(path) != done.sha256:
                raise InputError(
                    f"{path} is damaged: its sha256 is not the one of its marker",
                    hint="delete the file and run the same ursat upscale again",
                )
            stack = ExitStack()
            self._open[shard] = stack, stack.enter_context(open_written(str(path)))[1]
        return self._open[shard][1]
