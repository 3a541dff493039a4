"""Strengths of samples: which list holds on a level, what lies between sharpnesses, and what a header may say."""

from __future__ import annotations

import pytest

from ursat.models.gains import Calibration, Gains

SOFT = Gains((1.0, 1.1, 1.2), (0.7, 0.8), (0.4, 0.5, 0.6))
SHARP = Gains((2.0,), (0.3,), (0.4,))
BOTH = Calibration(((0.25, SOFT), (0.5, SHARP)))


@pytest.mark.parametrize(
    ("level", "reference_level", "expected"),
    [(1, None, 1.0), (3, None, 1.2), (7, None, 1.2), (1, 2, 0.7), (2, 2, 0.8), (5, 6, 0.8), (3, 2, 0.6), (2, 1, 0.5)],
)
def test_the_list_follows_from_where_the_reference_ends(level, reference_level, expected):
    assert SOFT.at(level, reference_level) == expected
    assert BOTH.at(0.1, level, reference_level) == expected


@pytest.mark.parametrize(
    ("mtf", "expected"), [(0.1, 1.0), (0.25, 1.0), (0.3, 1.2), (0.4, 1.6), (0.5, 2.0), (0.64, 2.0)]
)
def test_between_two_sharpnesses_is_a_line(mtf, expected):
    assert BOTH.at(mtf, 1, None) == pytest.approx(expected)
    assert Calibration().at(mtf, 1, None) == 1


def test_json_and_back():
    assert Calibration.parse(BOTH.to_json()) == BOTH
    assert Calibration.parse(None) == Calibration()


def test_one_list_serves_all():
    row = (0.9, 1.1)
    assert Calibration.parse([0.9, 1.1]) == Calibration(((0.5, Gains(row, row, row)),))


GOOD = {"mtf": 0.25, "none": [1], "reached": [1], "past": [1]}


@pytest.mark.parametrize(
    "stored",
    [
        [], [float("nan")], [-1], [11], 1.0, "a", {"none": [1]}, [{"none": [1]}], [{**GOOD, "beyond": [1]}],
        [{**GOOD, "none": []}], [{**GOOD, "none": ["b"]}], [{**GOOD, "none": [-1]}], [{**GOOD, "mtf": None}],
        [GOOD, GOOD], [{**GOOD, "mtf": 0.5}, GOOD], [{**GOOD, "mtf": float("nan")}],
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(stored):
    with pytest.raises(ValueError, match=r"calibration|could not convert"):
        Calibration.parse(stored)


def test_a_replaced_factor_continues_its_list_up_to_there():
    assert SOFT.having("reached", 4, 0.3).reached == (0.7, 0.8, 0.8, 0.3)
    assert SOFT.having("none", 2, 2.0).none == (1.0, 2.0, 1.2)
    found = BOTH.having(0.5, "past", 1, 9.0)
    assert (found.points[0], found.points[1][1].past) == ((0.25, SOFT), (9.0,))
