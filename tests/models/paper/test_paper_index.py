"""docs/paper.md says where everything of the paper is: whether it is there, under its number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "src" / "ursat"
KINDS = ("Eq.", "Algorithm", "Figure", "Table")
# The other figures show the paper's own results, Table 1 lists data sets
WANTED = {
    "Eq.": set(range(1, 22)),
    "Algorithm": {1, 2},
    "Figure": {2, 3, 4, 5, 10, 11, 12, 14},
    "Table": {2, 3, 4, 5, 6},
}
_LIST = r"\d+(?:(?:-|, | to | and )\d+)*"


def numbers(text: str, kind: str) -> set[int]:
    """'Eq. 7-9, and Eq. 12 and 18' -> {7, 8, 9, 12, 18}."""
    found: set[int] = set()
    for words in re.findall(rf"{re.escape(kind.rstrip('.'))}s?\.? ({_LIST})", " ".join(text.split())):
        for part in re.split(r", | and ", words):
            first, *last = re.split(r"-| to ", part)
            found |= set(range(int(first), int((last or [first])[0]) + 1))
    return found


def rows() -> list[tuple[str, list[Path]]]:
    """What of the paper, and the files that the index names for it."""
    page = (ROOT / "docs" / "paper.md").read_text("utf-8")
    table = page.split("## Where to find it")[1].split("##")[0]
    cells = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| ")]
    found = []
    for what, where in ((row[0], "|".join(row[1:])) for row in cells[2:]):
        names = re.findall(r"`([\w/]+(?:\.py|/))`", where)
        folder = SOURCES
        files = []
        for name in names:
            path = ROOT / name if name.startswith("scripts/") else SOURCES / name
            path = path if path.exists() else folder / name  # a name alone: beside the one before it
            assert path.exists(), f"{name} of {what}"
            folder = path if path.is_dir() else path.parent
            files += sorted(path.rglob("*.py")) if path.is_dir() else [path]
        found.append((what, files))
    return found


def test_numbers_are_read_as_they_are_written():
    assert numbers("Eq. 7-9, Eq. 12 and 18; Eq. 3", "Eq.") == {3, 7, 8, 9, 12, 18}
    assert numbers("Tables 5 and 6, Table 2, Eq. 14 to 17", "Table") == {2, 5, 6}


@pytest.mark.parametrize("kind", KINDS)
def test_the_index_is_complete_and_the_code_says_the_number(kind: str) -> None:
    listed: set[int] = set()
    for what, files in rows():
        wanted = numbers(what, kind)
        said = set().union(*(numbers(path.read_text("utf-8"), kind) for path in files))
        assert wanted <= said, f"{kind} {sorted(wanted - said)} in none of {[path.name for path in files]}"
        listed |= wanted
    assert listed >= WANTED[kind]
