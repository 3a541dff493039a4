"""What is no number is refused with its place; what lies under nodata does not matter."""

from __future__ import annotations

import pytest
import torch

from ursat.errors import ModelError
from ursat.grid import Window
from ursat.run.finite import check_finite

WINDOW = Window(100, 40, 4, 5)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_it_is_named(bad: float) -> None:
    values, valid = torch.zeros(2, 4, 5), torch.ones(2, 4, 5, dtype=torch.bool)
    values[1, 2, 3] = bad
    with pytest.raises(ModelError, match=r"made -?(nan|inf) in band 2 .*; the first at row 102, column 43"):
        check_finite(values, valid, WINDOW)
    valid[1, 2, 3] = False
    check_finite(values, valid, WINDOW)


def test_large_numbers_are_numbers() -> None:
    values = torch.full((2, 4, 5), 3e38)
    check_finite(values, torch.ones_like(values, dtype=torch.bool), WINDOW)
