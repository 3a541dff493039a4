"""Option values from text."""

from __future__ import annotations

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from ursat.cli import parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [("4G", 4 << 30), ("512M", 512 << 20), ("1.5GiB", 3 << 29), ("2048", 2048), ("1e3K", 1_024_000), ("8 GB", 8 << 30)],
)
def test_size(text: str, expected: int) -> None:
    assert parse.size(text) == expected


@pytest.mark.parametrize("text", ["60", "60m", "60.0 m", 60.0])
def test_length(text: object) -> None:
    assert parse.length(text) == 60.0


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (parse.scale, "1.99"),
        (parse.scale, "nan"),
        (parse.scale, "inf"),
        (parse.scale, "x"),
        (parse.gsd, "0"),
        (parse.gsd, "-1"),
        (parse.length, "2px"),
        (parse.length, "-1m"),
        (parse.size, "4X"),
        (parse.size, "0"),
        (parse.size, "-4G"),
        (parse.size, "1.2.3G"),
        (parse.count, "0"),
        (parse.jobs, "-1"),
        (parse.jobs, "1.5"),
        (parse.steps, "0"),
        *[(parse.duration, text) for text in ("2", "0s", "h", "-3m", "2d", "")],
        (parse.interval, "0"),
        (parse.device, "gpu"),
        (parse.psf, "mtf=0"),
        (parse.psf, "mtf=0.7"),
        (parse.psf, "gauss"),
        (parse.nodata, "null"),
        (parse.nodata, "inf"),
        (parse.bbox, "1,2,3"),
        (parse.bbox, "3,2,1,4"),
        (parse.bbox, "1,2,3,4,5"),
        (parse.bbox, "1,2,3,nan"),
        (parse.window, "0,0,0,5"),
        (parse.window, "-1,0,5,5"),
        (parse.window, "0,0,5.5,5"),
    ],
)
def test_nonsense_is_a_usage_error_that_says_what_is_expected(function: object, text: str) -> None:
    with pytest.raises(typer.BadParameter, match=f"'{text}' is not"):
        function(text)  # type: ignore[operator]


@pytest.mark.parametrize("text", ["-10,5,-9.5,6", "-10 5 -9.5 6", "[-10, 5, -9.5, 6]"])
def test_bbox_spellings(text: str) -> None:
    assert parse.bbox(text) == (-10.0, 5.0, -9.5, 6.0)


def test_window() -> None:
    assert parse.window("3,4,10,20") == (3, 4, 10, 20)


def test_jobs() -> None:
    assert [parse.jobs(t) for t in ("4", "all_cpus", 0)] == [4, 0, 0]


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90.0), ("20m", 1200.0), ("2h", 7200.0), ("1.5h", 5400.0)])
def test_durations(text: str, seconds: float) -> None:
    assert parse.duration(text) == parse.interval(text) == seconds


def test_intervals_in_steps() -> None:
    assert parse.interval("500") == 500
    assert isinstance(parse.interval("500"), int)


def test_creation_options_keep_values_as_they_are() -> None:
    given_options = ["COMPRESS=Deflate,LEVEL=9", "TILING_SCHEME=a=b", "X=1,2"]
    expected = (("COMPRESS", "Deflate"), ("LEVEL", "9"), ("TILING_SCHEME", "a=b"), ("X", "1,2"))
    assert parse.key_values(given_options) == expected


@pytest.mark.parametrize("text", ["COMPRESS", "=9", "A=1,=2", ""])
def test_creation_options_without_a_key_or_value(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="creation option"):
        parse.key_values([text])


@given(st.lists(st.text("abcXYZ 09_-", min_size=1).map(str.strip).filter(bool), max_size=5))
def test_names_are_the_same_packed_or_repeated(names: list[str]) -> None:
    assert parse.names([",".join(names)]) == parse.names(names) == tuple(names)


@given(st.integers(1, 1 << 50))
def test_size_of_plain_bytes_is_itself(count: int) -> None:
    assert parse.size(str(count)) == count


@given(st.tuples(*[st.floats(-1e7, 1e7)] * 4).filter(lambda b: b[0] < b[2] and b[1] < b[3]))
def test_bbox_round_trip(box: tuple[float, float, float, float]) -> None:
    assert parse.bbox(",".join(map(repr, box))) == box
