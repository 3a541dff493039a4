"""Values of options, from text: lengths, sizes, boxes, lists. Each raises a usage error that names what it expects."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

_UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_SIZE = re.compile(r"(?P<number>[0-9.]+(?:e[0-9]+)?)\s*(?P<unit>[KMGT]?)i?B?", re.IGNORECASE)
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>[smh])")
_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")
_MTF = re.compile(r"mtf=([0-9.]+)")


def _bad(value: object, expected: str) -> NoReturn:
    raise typer.BadParameter(f"{value!r} is not {expected}")


def _number(part: str, expected: str, text: object = None) -> float:
    """The finite number in ``part``, a piece of ``text`` (itself by default)."""
    try:
        number = float(part)
    except ValueError:
        number = math.nan
    return number if math.isfinite(number) else _bad(part if text is None else text, expected)


def _whole(text: object, least: int, expected: str) -> int:
    """A number of at least ``least`` in plain digits."""
    digits = str(text).strip()
    return int(digits) if digits.isdecimal() and int(digits) >= least else _bad(text, expected)


def whole(text: object, least: int, most: int, expected: str) -> int:
    """A number in plain digits from ``least`` to ``most``."""
    number = _whole(text, least, expected)
    return number if number <= most else _bad(text, expected)


def scale(text: object) -> float:
    """'32' -> 32.0; any number of at least 2."""
    expected = "a scale: a number of at least 2, such as 32 or 7.5"
    number = _number(str(text), expected)
    return number if number >= 2 else _bad(text, expected)


def length(text: object) -> float:
    """'60' or '60m' -> 60.0 metres; zero or more."""
    expected = "a length in metres, such as 60 or 60m"
    number = _number(str(text).strip().removesuffix("m"), expected)
    return number if number >= 0 else _bad(text, expected)


def gsd(text: object) -> float:
    """'0.9375' or '0.9375m' -> metres; more than zero."""
    return length(text) or _bad(text, "a pixel size in metres above zero, such as 0.9375")


def size(text: object) -> int:
    """'4G', '512M', '1.5GiB' or plain bytes -> bytes; the units are powers of 1024."""
    expected = "a size, such as 512M, 4G or a number of bytes"
    match = _SIZE.fullmatch(str(text).strip())
    if match is None:
        _bad(text, expected)
    number = _number(match["number"], expected, text) * 2 ** _UNITS[match["unit"].upper()]
    return int(number) if number >= 1 else _bad(text, expected)


def count(text: object) -> float:
    """'4e9' -> 4000000000.0; more than zero."""
    expected = "a number of pixels, such as 4e9"
    number = _number(str(text), expected)
    return number if number > 0 else _bad(text, expected)


def fidelity(text: object) -> float:
    """'0.5' -> 0.5; from 0 to 1."""
    expected = "a fidelity: a number from 0 (realistic) to 1 (faithful)"
    number = _number(str(text), expected)
    return number if 0 <= number <= 1 else _bad(text, expected)


def share(text: object) -> float:
    """'0.4' -> 0.4; above 0, at most 1."""
    expected = "a share: a number above 0 and up to 1"
    number = _number(str(text), expected)
    return number if 0 < number <= 1 else _bad(text, expected)


def steps(text: object) -> int | None:
    """'3' -> 3, 'auto' -> None."""
    if text is None or str(text).lower() == "auto":
        return None
    return _whole(text, 1, "a number of steps, or auto")


def jobs(text: object) -> int:
    """A number of threads, or 'ALL_CPUS' -> 0."""
    if str(text).upper() == "ALL_CPUS":
        return 0
    return _whole(text, 0, "a number of threads, or ALL_CPUS")


def duration(text: object) -> float:
    """'90s', '20m' or '2h' -> seconds, above zero."""
    expected = "a duration, such as 90s, 20m or 2h"
    match = _DURATION.fullmatch(str(text).strip())
    seconds = float(match["number"]) * _SECONDS[match["unit"]] if match else 0.0
    return seconds if seconds > 0 else _bad(text, expected)


def interval(text: object) -> float | int:
    """'10m' -> seconds as a float; '500' -> steps as an int."""
    return _whole(text, 1, "a number of steps") if str(text).strip().isdecimal() else duration(text)


def device(text: object) -> str:
    """'auto', 'cpu', 'cuda' or 'cuda:1'."""
    return str(text) if _DEVICE.fullmatch(str(text)) else _bad(text, "a device: auto, cpu, cuda or cuda:0")


def psf(text: object) -> str:
    """'auto', 'box' or 'mtf=0.25'; a plain pixel has 0.64, and below 0.02 nothing is left to sharpen."""
    expected = "a PSF: auto, box or mtf=0.25 (the MTF at Nyquist, above 0.02 and at most 0.64)"
    match = _MTF.fullmatch(str(text))
    if match is not None:
        return str(text) if 0.02 < _number(match[1], expected, text) <= 0.64 else _bad(text, expected)
    return str(text) if str(text) in {"auto", "box"} else _bad(text, expected)


def nodata(text: object) -> str:
    """A number, 'nan' or 'none', kept as text."""
    value = str(text).lower()
    if value not in {"nan", "none"}:
        _number(value, "a nodata value: a number, nan or none")
    return value


def _numbers(text: object, expected: str) -> list[float]:
    parts = [part for part in re.split(r"[,\s]+", str(text).strip().strip("[]()").strip()) if part]
    if len(parts) != 4:
        _bad(text, expected)
    return [_number(part, expected, text) for part in parts]


def bbox(text: object) -> tuple[float, float, float, float]:
    """'W,S,E,N' (commas, spaces or a JSON list) -> four numbers with west < east and south < north."""
    expected = "a box: west,south,east,north with west < east and south < north"
    if isinstance(text, tuple):
        return text
    west, south, east, north = _numbers(text, expected)
    return (west, south, east, north) if west < east and south < north else _bad(text, expected)


def window(text: object) -> tuple[int, int, int, int]:
    """'COL,ROW,W,H' -> four integers, the corner not negative, the size positive."""
    expected = "a window: column,row,width,height in whole input pixels, the size above zero"
    if isinstance(text, tuple):
        return text
    numbers = _numbers(text, expected)
    col, row, width, height = (int(n) for n in numbers)
    whole = all(n == int(n) for n in numbers)
    return (
        (col, row, width, height) if whole and min(col, row) >= 0 and min(width, height) > 0 else _bad(text, expected)
    )


def names(items: Iterable[str]) -> tuple[str, ...]:
    """['red,green', 'blue'] -> ('red', 'green', 'blue')."""
    return tuple(name.strip() for item in items for name in item.split(",") if name.strip())


def key_values(items: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """['A=1,B=2', 'C=x=y'] -> (('A', '1'), ('B', '2'), ('C', 'x=y')); values are passed on unchanged.

    A packed part without '=' continues the value before it, so a value may hold a comma.
    """
    pairs: list[tuple[str, str]] = []
    for item in items:
        first = True
        for part in item.split(","):
            key, equals, value = part.partition("=")
            if equals and key.strip():
                pairs.append((key.strip(), value))
            elif first or equals:
                _bad(item, "a creation option: KEY=VALUE, or several packed as KEY=VALUE,KEY=VALUE")
            else:
                pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]},{part}")
            first = False
    return tuple(pairs)
