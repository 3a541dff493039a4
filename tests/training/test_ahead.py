"""Work ahead comes in order, fails where it fails, and ends with its user."""

from __future__ import annotations

import itertools
import threading

import pytest

from ursat.training.ahead import ahead


@pytest.mark.parametrize("threads", [0, 3])
def test_the_order_is_that_of_the_steps(threads):
    gate = threading.Event()

    def make(step):
        if threads and step == 5:
            gate.wait(10)
        gate.set()
        return step * step

    assert list(itertools.islice(ahead(make, 5, threads), 8)) == [k * k for k in range(5, 13)]


@pytest.mark.parametrize("threads", [0, 2])
def test_an_error_reaches_the_user(threads):
    def make(step):
        if step == 3:
            raise ValueError("step 3")
        return step

    coming = ahead(make, 0, threads)
    assert [next(coming) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="step 3"):
        next(coming)
