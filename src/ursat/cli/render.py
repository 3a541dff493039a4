"""How values are shown: JSON for programs, labelled lines for people, and the numbers inside them."""

from __future__ import annotations

import json
import sys
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ursat.cli.console import one_line
from ursat.run.report import to_plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

Row = tuple[str, str]


def print_json(value: Any) -> None:
    """One JSON document on stdout, indented, keys in the order of the value; never NaN (which is not JSON)."""
    sys.stdout.write(json.dumps(to_plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def print_rows(console: Console, rows: Iterable[Row], *, title: str = "") -> None:
    """Labelled lines, the labels in one column; a row without a label continues the one above."""
    listed = list(rows)
    width = max((len(label) for label, _ in listed), default=0)
    if title:
        console.print(Text(one_line(title), style="bold"))
    for label, value in listed:
        line = Text("  ").append(label.ljust(width), "cyan").append("  ").append(one_line(value))
        line.rstrip()
        console.print(line)


def number(value: float, digits: int = 4) -> str:
    """Up to ``digits`` significant digits, no exponent for everyday sizes, no trailing zeros."""
    return f"{value:.{digits}g}" if abs(value) < 10**digits else f"{value:.0f}"


def numbers(values: Sequence[float], digits: int = 3) -> str:
    """'3.1, 2.9, 2.7'; one number when all bands agree, '-' without any."""
    texts = [number(v, digits) for v in values]
    return ", ".join(dict.fromkeys(texts)) if len(set(texts)) <= 1 and texts else ", ".join(texts) or "-"


def size(count: float) -> str:
    """Bytes as '412 MB' or '3.2 GB', in powers of 1000 as disks and `df -H` count."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def pixels(shape: tuple[int, int]) -> str:
    """(width, height) as '3840 x 3840 px'."""
    return f"{shape[0]} x {shape[1]} px"


def count(value: int, thing: str) -> str:
    """'1 tile', '9 tiles'."""
    return f"{value} {thing}" if value == 1 else f"{value} {thing}s"


def octaves(entries: Iterable[tuple[float, str]]) -> str:
    """[(20, 'reference'), (10, 'reference'), (5, 'interpolated')] -> '20, 10 m reference; 5 m interpolated'."""
    parts = []
    for origin, group in groupby(entries, key=lambda entry: entry[1]):
        parts.append(f"{', '.join(number(gsd) for gsd, _ in group)} m {origin}")
    return "; ".join(parts)
