"""Progress on stderr: a bar with the time left on a terminal, a line per tenth elsewhere, nothing when quiet."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from ursat.cli.console import stderr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from ursat.types import Progress

TENTHS = 10


class LineProgress:
    """One line each time another tenth of the work is done."""

    def __init__(self, ending: str = "writing the file", clock: Callable[[], float] = time.monotonic) -> None:
        self._ending = ending
        self._clock = clock
        self._start = clock()
        self._tenth = 0

    def __call__(self, done: int, total: int) -> None:
        """Print a line when ``done`` of ``total`` passes a tenth that was not printed yet."""
        tenth = TENTHS * done // total if total > 0 else TENTHS
        if tenth <= self._tenth:
            return
        self._tenth = tenth
        left = (self._clock() - self._start) * (total - done) / max(done, 1)
        ending = f"{clock_text(left)} left" if done < total else self._ending
        stderr.print(f"ursat: {10 * tenth:3d} %  {ending}")


class BarProgress:
    """A rich progress bar that waits for the first call to know the total."""

    def __init__(self, bar: Bar, task: TaskID, doing: str = "upscaling", ending: str = "writing the file") -> None:
        self._bar, self._task, self._words = bar, task, (doing, ending)

    def __call__(self, done: int, total: int) -> None:
        """Move the bar."""
        self.update(self._words[done >= total], done, total)

    def update(self, text: str, done: int, total: int) -> None:
        """Move the bar, and say beside it what goes on."""
        self._bar.update(self._task, description=text, completed=done, total=total)


@contextmanager
def progress(*, quiet: bool, doing: str = "upscaling", ending: str = "writing the file") -> Iterator[Progress | None]:
    """What to hand to the library: a bar, lines, or None; ``doing`` and ``ending`` say what goes on."""
    if quiet:
        yield None
    elif stderr.is_terminal:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=stderr, transient=True) as bar:
            yield BarProgress(bar, bar.add_task("preparing", total=None), doing, ending)
    else:
        yield LineProgress(ending)


def clock_text(seconds: float) -> str:
    """83.4 -> '0:01:23'."""
    return str(timedelta(seconds=round(seconds)))
