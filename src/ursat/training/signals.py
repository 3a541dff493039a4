"""Ctrl-C and SIGTERM as a wish, not a blow: the step is finished and the checkpoint written."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Stop:
    """received: the number of the first signal that came, or 0."""

    def __init__(self) -> None:
        self.received = 0


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """Note SIGINT and SIGTERM while the body runs; a second signal does what it did before.

    Outside the main thread nothing is installed: whoever runs threads handles signals.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, _frame: object) -> None:
        stop.received = number
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in before:
        signal.signal(number, note)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
