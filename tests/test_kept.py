"""Shared results: each is made once however many threads ask, failures reach all of them, and the budget holds."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ursat.kept import Kept

MOMENT = 10.0  # seconds after which a thread that should have been released is given up


def test_a_value_is_made_once_and_others_work_meanwhile() -> None:
    kept: Kept[str, str] = Kept(100, len)
    made: list[str] = []
    begun, release = threading.Event(), threading.Event()

    def slow(key: str) -> str:
        made.append(key)
        begun.set()
        assert release.wait(MOMENT)
        return key * 2

    def quick(key: str) -> str:
        made.append(key)
        release.set()  # nobody else does: it is made although "a" comes first and is not there yet
        return key * 2

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(lambda: dict(kept.each(["a"], slow)))
        assert begun.wait(MOMENT)
        second = pool.submit(lambda: list(kept.each(["a", "b"], quick)))
        assert first.result(MOMENT) == {"a": "aa"}
        assert second.result(MOMENT) == [("b", "bb"), ("a", "aa")]
    assert made == ["a", "b"]


def test_whoever_waits_for_a_failure_gets_it_and_the_next_may_try_again() -> None:
    kept: Kept[int, str] = Kept(100, len)
    begun, release = threading.Event(), threading.Event()

    def fail(_: int) -> str:
        begun.set()
        assert release.wait(MOMENT)
        raise OSError("damaged")

    def succeed(key: int) -> str:
        release.set()
        return str(key)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(lambda: list(kept.each([1], fail)))
        assert begun.wait(MOMENT)
        second = pool.submit(lambda: list(kept.each([2, 1], succeed)))
        for waiting in (first, second):
            with pytest.raises(OSError, match="damaged"):
                waiting.result(MOMENT)
    assert list(kept.each([1, 2], lambda _: "anew")) == [(1, "anew"), (2, "2")]


def test_the_highest_rank_goes_first_then_the_oldest_never_the_last() -> None:
    kept: Kept[tuple[int, str], str] = Kept(3, len, lambda key: key[0])
    made: list[tuple[int, str]] = []

    def make(key: tuple[int, str]) -> str:
        made.append(key)
        return key[1]

    def ask(*keys: tuple[int, str]) -> list[tuple[int, str]]:
        made.clear()
        list(kept.each(keys, make))
        return list(made)

    ask((2, "a"), (1, "b"), (2, "c"))
    assert ask((2, "a")) == []
    assert ask((1, "d")) == [(1, "d")]  # takes the place of c, the one of rank 2 that nobody asked for since
    assert ask((1, "b"), (2, "a"), (1, "d")) == []
    assert ask((2, "c")) == [(2, "c")]
    assert ask((1, "long")) == [(1, "long")]
    assert ask((1, "long")) == []
