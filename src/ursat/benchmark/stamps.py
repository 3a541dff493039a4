"""Which version of its files an image stands for: a score of the cache is of the very files that are there now."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ursat.benchmark.images import Truth


def file_stamp(*paths: Path | None) -> str:
    """Size and time of the last change of each file; a file that is gone has none."""
    found = []
    for path in paths:
        if path is not None and path.is_file():
            state = path.stat()
            found.append(f"{state.st_size}@{state.st_mtime_ns}")
    return " ".join(found)


def stamp_of(image: Truth, other: Truth | None = None) -> str:
    """Of all that an observation is made of: the image, and the one whose ground its reference shows."""
    return " ".join(one.stamp for one in (image, other) if one is not None and one.stamp)
