"""Cores that may be used: Linux says which, macOS only how many there are."""

import os

import pytest

from ursat.machine import usable_cores


def test_only_the_cores_that_the_scheduler_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5, 7} if process == 0 else {0}, raising=False)
    assert usable_cores() == 3


@pytest.mark.parametrize(("count", "cores"), [(12, 12), (None, 1)])
def test_all_cores_where_nothing_else_is_known(monkeypatch: pytest.MonkeyPatch, count: int | None, cores: int) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    assert usable_cores() == cores
