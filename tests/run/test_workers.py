"""Workers: results in order, a bounded number under way, and an end that is an end."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest
import torch

from ursat.run.workers import AHEAD, in_order

MOMENT = 10.0


@pytest.fixture(autouse=True)
def _threads() -> object:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_order_with_a_share_of_the_cores(workers: int) -> None:
    def task(item: int) -> tuple[int, int]:
        return item, torch.get_num_threads()

    made = list(in_order(task, range(20), workers=workers, cores=7, stop=lambda: None))
    assert made == [(item, 7 // workers) for item in range(20)]


def test_tiles_are_made_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=MOMENT)
    assert len(list(in_order(lambda _: both.wait(), range(4), workers=2, cores=2, stop=lambda: None))) == 4


def test_no_more_are_under_way_than_memory_was_counted_for() -> None:
    begun: list[int] = []
    for taken, _ in enumerate(in_order(begun.append, range(40), workers=2, cores=2, stop=lambda: None)):
        assert len(begun) <= taken + 2 + AHEAD
    assert sorted(begun) == list(range(40))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failure_stops_the_others(workers: int) -> None:
    stopped = threading.Event()
    begun: list[int] = []

    def task(item: int) -> int:
        begun.append(item)
        if item == 1:
            raise ValueError("no")
        assert item == 0 or stopped.wait(MOMENT)
        return item

    with pytest.raises(ValueError, match="no"):
        list(in_order(task, range(100), workers=workers, cores=2, stop=stopped.set))
    assert len(begun) <= workers + AHEAD


def test_giving_up_ends_what_runs() -> None:
    stopped = threading.Event()
    made = in_order(lambda k: k == 0 or stopped.wait(MOMENT), range(100), workers=2, cores=2, stop=stopped.set)
    with closing(made):
        assert next(made)
    assert stopped.is_set()
