"""The log of a run: one JSON object a line, so that any tool can follow it while it grows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    Record = dict[str, Any]


def read_journal(path: Path) -> list[Record]:
    """All records; a last line that a hard stop cut short is left out."""
    if not path.is_file():
        return []
    records = []
    for line in path.read_text("utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return records


class Journal:
    """Appends records to a file.

    Args:
        path: the file.
        step: the run begins here: what an earlier one logged beyond it, never reached a checkpoint and goes.
    """

    def __init__(self, path: Path, step: int) -> None:
        kept = [record for record in read_journal(path) if record["step"] <= step] if step else []
        self.records: list[Record] = kept
        part = path.with_suffix(".part")
        part.write_text("".join(json.dumps(record) + "\n" for record in kept), "utf-8")
        part.replace(path)
        self._path = path

    def write(self, kind: str, step: int, **facts: Any) -> None:
        """One record: ``kind`` is ``step`` (means since the one before) or ``validation``."""
        record = {"kind": kind, "step": step, **facts}
        self.records.append(record)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
