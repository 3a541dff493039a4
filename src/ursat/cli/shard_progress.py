"""Where a run in shards stands, on stderr: in the bar on a terminal, a line per tenth elsewhere, JSON for programs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ursat.cli import render
from ursat.cli.console import emit, stderr
from ursat.cli.progress import TENTHS, BarProgress, clock_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursat.run.shards.tally import Standing, Watch
    from ursat.types import Progress


class ShardLines:
    """One line where the run begins, and one each time another tenth of the shards is done."""

    def __init__(self) -> None:
        self._tenth = -1

    def __call__(self, standing: Standing) -> None:
        """Print a line when a tenth is passed that was not printed yet."""
        tenth = TENTHS * (standing.done + standing.failed) // max(standing.total, 1)
        if tenth > self._tenth:
            self._tenth = tenth
            stderr.print(f"ursat: {10 * tenth:3d} %  {words(standing)}")


class TileJson:
    """Progress of an output that is one file: a JSON line per tenth."""

    def __init__(self) -> None:
        self._tenth = -1

    def __call__(self, done: int, total: int) -> None:
        """Write a line when a tenth is passed that was not written yet."""
        tenth = TENTHS * done // max(total, 1)
        if tenth > self._tenth:
            self._tenth = tenth
            emit("progress", tiles_done=done, tiles_total=total)


def shard_json(standing: Standing) -> None:
    """A JSON line for every shard."""
    emit(
        "progress",
        shards_done=standing.done,
        shards_failed=standing.failed,
        shards_left=standing.left,
        mpx_per_s=None if standing.px_per_s is None else standing.px_per_s / 1e6,
        seconds_left=standing.seconds_left,
    )


def watch_beside(show: Progress | None) -> Watch | None:
    """How shards are shown where ``show`` shows tiles."""
    if show is None:
        return None
    if isinstance(show, BarProgress):
        bar = show
        return lambda standing: bar.update(words(standing), standing.done, standing.total)
    return shard_json if isinstance(show, TileJson) else ShardLines()


@contextmanager
def json_progress(*, quiet: bool) -> Iterator[Progress | None]:
    """`TileJson`, or None where nothing is to be shown."""
    yield None if quiet else TileJson()


def words(standing: Standing) -> str:
    """'12 of 120 shards, 1 failed, 3.2 Mpx/s, 0:12:10 left'."""
    parts = [f"{standing.done} of {render.count(standing.total, 'shard')}"]
    if standing.failed:
        parts.append(f"{standing.failed} failed")
    if standing.px_per_s is not None:
        parts.append(f"{render.number(standing.px_per_s / 1e6, 3)} Mpx/s")
    if standing.seconds_left:
        parts.append(f"{clock_text(standing.seconds_left)} left")
    return ", ".join(parts)
