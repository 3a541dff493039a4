"""Work on coming steps while this one runs, in the order of the steps whatever the threads do."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    T = TypeVar("T")


def ahead(make: Callable[[int], T], first: int, threads: int) -> Iterator[T]:
    """make(first), make(first + 1), ...; with ``threads`` > 0, twice as many are under way in the background."""
    if threads == 0:
        yield from map(make, count(first))
        return
    with ThreadPoolExecutor(threads) as pool:
        coming = deque(pool.submit(make, first + k) for k in range(2 * threads))
        try:
            for step in count(first + 2 * threads):
                ready = coming.popleft().result()
                coming.append(pool.submit(make, step))
                yield ready
        finally:
            for future in coming:
                future.cancel()
