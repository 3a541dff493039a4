"""What can be known to go wrong with an output before any work is done."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from ursat.errors import LimitError, OutputError, UsageError
from ursat.io.part_files import output_exists

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def check_output(path: Path, *, overwrite: bool, needed_bytes: int, protected: Iterable[Path] = ()) -> None:
    """Check that an output can be written where it was asked for; touches nothing.

    Args:
        path: the output.
        overwrite: an existing output may be replaced.
        needed_bytes: free disk that the run needs in the output's folder, temporaries included.
        protected: files that the run reads; none of them may be the output, by whatever name or link.

    Raises:
        UsageError: the folder does not exist, the output is a folder or a device, or it is one of the files read.
        OutputExistsError: the output is there and ``overwrite`` is not set.
        OutputError: the folder cannot be written to.
        LimitError: too little free disk.
    """
    folder = path.parent
    if not folder.is_dir():
        raise UsageError(
            f"cannot write {path}: the folder {folder} does not exist", hint=f"create it: mkdir -p {folder}"
        )
    for source in protected:
        if _same_file(path, source):
            raise UsageError(f"the output {path} is also read by this run", hint="choose another name with -o")
    if path.exists():
        if not path.is_file():
            raise UsageError(f"cannot write {path}: it is not a regular file", hint="choose another name with -o")
        if not overwrite:
            raise output_exists(path)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write {path}: no permission in {folder}", hint="choose another folder with -o")
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise LimitError(
            f"cannot write {path}: it needs about {_readable(needed_bytes)}, {folder} has {_readable(free)} free",
            hint="write a part with --window, --bbox or --aoi, free some space, or choose another folder with -o",
        )


def _same_file(output: Path, source: Path) -> bool:
    if output.exists() and source.exists():
        return output.samefile(source)
    return output.resolve() == source.resolve()


def _readable(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
