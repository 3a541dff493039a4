"""Results that several threads want: each is made once, by whoever asks first, and kept while it fits."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

Key = TypeVar("Key", bound="Hashable")
Value = TypeVar("Value")


def _alike(_: object) -> int:
    return 0


class Kept(Generic[Key, Value]):
    """Values by key, up to a budget of bytes; the least recently used ones go first, the last one never.

    Making a value may ask another `Kept`, and this one for keys of another rank, as long as nobody asks back: then
    threads never wait for each other in a ring.

    Args:
        budget: bytes.
        size: bytes of a value.
        rank: of a key; those of the highest rank go first, whatever their age.
    """

    def __init__(self, budget: int, size: Callable[[Value], int], rank: Callable[[Key], int] = _alike) -> None:
        self._budget, self._size, self._rank = budget, size, rank
        self._lock = threading.Lock()
        self._held: OrderedDict[Key, Future[Value]] = OrderedDict()  # those that are being made as well
        self._bytes = 0

    def each(self, keys: Iterable[Key], make: Callable[[Key], Value]) -> Iterator[tuple[Key, Value]]:
        """Every key and its value; what other threads are making comes last, so that all of them work meanwhile.

        Raises:
            Exception: whatever ``make`` raised, here or in the thread that made the value.
        """
        others = []
        for key in keys:
            value, mine = self._claim(key)
            if mine:
                self._fulfil(key, value, make)
            if value.done():
                yield key, value.result()
            else:
                others.append((key, value))
        for key, value in others:
            yield key, value.result()

    def _claim(self, key: Key) -> tuple[Future[Value], bool]:
        """The value, there or promised; and whether the caller has to make it."""
        with self._lock:
            value = self._held.get(key)
            if value is not None:
                self._held.move_to_end(key)
                return value, False
            value = self._held[key] = Future()
            return value, True

    def _fulfil(self, key: Key, promise: Future[Value], make: Callable[[Key], Value]) -> None:
        try:
            value = make(key)
        except BaseException as error:
            with self._lock:
                del self._held[key]
            promise.set_exception(error)
            raise
        promise.set_result(value)
        with self._lock:
            self._bytes += self._size(value)
            while self._bytes > self._budget:
                made = [key for key, held in self._held.items() if held.done()]
                if len(made) < 2:  # the last one stays
                    break
                highest = max(map(self._rank, made))
                oldest = next(key for key in made if self._rank(key) == highest)
                self._bytes -= self._size(self._held.pop(oldest).result())
