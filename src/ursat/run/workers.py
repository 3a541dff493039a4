"""Threads that each make a tile, while the caller takes the finished ones in order.

Several threads with one core each keep all cores busy: what shares a single operation among cores lets most of them
wait at its end, and between operations.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from concurrent.futures import Future

AHEAD = 1  # tiles that may wait to be taken, beside one in the making for each worker

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    task: Callable[[Item], Result], items: Sequence[Item], *, workers: int, cores: int, stop: Callable[[], None]
) -> Generator[Result, None, None]:
    """What ``task`` makes of each item, in order; up to `AHEAD` more than workers are under way. Close it after use.

    Args:
        task: called in any thread.
        items: all of them.
        workers: threads; with 1, the caller's own does the work.
        cores: in all; the workers share them.
        stop: called when the caller gives up or a task fails; tasks that run should then end soon.

    Raises:
        BaseException: whatever the first failing task raised.
    """
    share = max(cores // workers, 1)
    torch.set_num_threads(share)
    if workers == 1:
        yield from map(task, items)
        return
    pending: deque[Future[Result]] = deque()
    # The number of threads of an operation belongs to the thread that asks for it
    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(share,)) as pool:
        try:
            for item in items:
                pending.append(pool.submit(task, item))
                if len(pending) == workers + AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except BaseException:
            stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
