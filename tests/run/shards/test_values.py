"""Plans come back as they were written, and nothing else comes back."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ursat.run.shards.values import DamagedError, canonical, decode, plain


@dataclass(frozen=True)
class Inner:
    numbers: tuple[float, ...]
    name: str | None


@dataclass(frozen=True)
class Outer:
    pair: tuple[int, bool]
    inners: tuple[Inner, ...]
    nodata: float | None


inners = st.builds(Inner, st.lists(st.floats(allow_nan=False)).map(tuple), st.none() | st.text())
outers = st.builds(
    Outer, st.tuples(st.integers(), st.booleans()), st.lists(inners).map(tuple), st.none() | st.floats(allow_nan=False)
)


@given(outers)
def test_every_value_survives_json(value: Outer) -> None:
    assert decode(Outer, json.loads(canonical(value)), "value") == value


def test_nan_survives_json() -> None:
    back = decode(Outer, json.loads(canonical(Outer((1, True), (), math.nan))), "value")
    assert math.isnan(back.nodata)


GOOD = plain(Outer((1, True), (Inner((1.5,), None),), None))


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"pair": [1]}, "value.pair"),
        ({"pair": [True, True]}, r"value.pair\[0\]"),
        ({"pair": [1, 1]}, r"value.pair\[1\]"),
        ({"pair": "ab"}, "value.pair"),
        ({"inners": [{"numbers": [1], "name": None, "more": 1}]}, r"value.inners\[0\]"),
        ({"inners": [{"numbers": ["1"], "name": None}]}, r"value.inners\[0\].numbers\[0\]"),
        ({"inners": [None]}, r"value.inners\[0\]"),
        ({"nodata": True}, "value.nodata"),
        ({"nodata": "NaN"}, "value.nodata"),
        ({"nodata": []}, "value.nodata is no number"),
        ({"nodata": 10**400}, "value.nodata is too large"),
        ({"extra": 1}, "value"),
    ],
)
def test_anything_else_is_refused_and_named(change: dict[str, Any], where: str) -> None:
    with pytest.raises(DamagedError, match=where):
        decode(Outer, GOOD | change, "value")
