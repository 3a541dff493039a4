"""Noise is a function of coordinates: known answers, statistics, and independence of the cut (promise 4)."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ursat.models.noise import coordinate_noise, philox


def _words(counter: tuple[int, ...], key: tuple[int, int]) -> list[int]:
    return [int(w) for w in philox(tuple(torch.tensor(c) for c in counter), key)]  # type: ignore[arg-type]


# Known-answer vectors published with the Random123 library (Salmon et al. 2011).
@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_philox_known_answers(counter: tuple[int, ...], key: tuple[int, int], expected: list[int]) -> None:
    assert _words(counter, key) == expected


def test_standard_normal_and_uncorrelated() -> None:
    x = coordinate_noise(7, 3, 2, (-100, 4000), (256, 256))
    assert abs(float(x.mean())) < 0.01
    assert float(x.var()) == pytest.approx(1, abs=0.01)
    assert float((x**4).mean()) == pytest.approx(3 - 0.075, abs=0.08)
    assert abs(float((x[:, 1:] * x[:, :-1]).mean())) < 0.01
    assert abs(float((x[:, :, 1:] * x[:, :, :-1]).mean())) < 0.01
    assert abs(float((x[0] * x[1]).mean())) < 0.015


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**64 - 1))
def test_a_window_is_a_cut_of_the_whole(row: int, col: int, h: int, w: int, seed: int) -> None:
    whole = coordinate_noise(seed, 2, 2, (-50, -50), (141, 141))
    part = coordinate_noise(seed, 2, 2, (row, col), (h, w))
    assert torch.equal(part, whole[:, row + 50 : row + 50 + h, col + 50 : col + 50 + w])


def test_seed_level_band_and_step_matter() -> None:
    base = coordinate_noise(0, 1, 1, (0, 0), (8, 8))
    for other in (
        coordinate_noise(1, 1, 1, (0, 0), (8, 8)),
        coordinate_noise(1 << 40, 1, 1, (0, 0), (8, 8)),
        coordinate_noise(0, 2, 1, (0, 0), (8, 8)),
        coordinate_noise(0, 1, 1, (0, 0), (8, 8), step=1),
        coordinate_noise(0, 1, 2, (0, 0), (8, 8))[1:],
    ):
        assert not torch.equal(base, other)
