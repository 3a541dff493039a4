"""Nested facts on one line."""

import pytest

from ursat.cli.flat import flat


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({"seed": 0, "pack": {"data": "tiles"}}, "seed=0, pack=data=tiles"),
        (["a", "b"], "a b"),
        ([{"steps": 2}, {"steps": 3}], "steps=2; steps=3"),
        ({"gain": 0.123456789, "licence": None}, "gain=0.123457, licence=none"),
        ([], "none"),
    ],
)
def test_nested_facts(value, line):
    assert flat(value) == line
