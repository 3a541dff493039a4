"""Small files that are complete or absent, as outputs are."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

from ursat.io.gdal_messages import one_line
from ursat.io.part_files import PartFiles, sweep_stale

if TYPE_CHECKING:
    from pathlib import Path

_PIECE = 1 << 20


def publish_text(path: Path, text: str, *, overwrite: bool) -> None:
    """Give ``text`` its name in one step, durably.

    Raises:
        OutputExistsError: without ``overwrite``, the file is there.
        LimitError, OutputError: the disk would not take it.
    """
    sweep_stale(path)
    with closing(PartFiles(path)) as parts:
        part = parts.path("text")
        try:
            part.write_text(text, encoding="utf-8")
        except OSError as error:
            raise parts.failure(one_line(error)) from error
        parts.publish(part, overwrite=overwrite)


def read_object(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file; None where there is no such file or nothing of the kind in it."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def file_sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file's bytes.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
