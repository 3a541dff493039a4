"""Standard input as a file: GDAL needs to seek, so '-' is copied to a temporary file first."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ursat.errors import InputError, UsageError

if TYPE_CHECKING:
    from contextlib import ExitStack

CHUNK_BYTES = 1 << 20


def spool_stdin(cleanup: ExitStack, stream: BinaryIO | None = None) -> Path:
    """Copy standard input into a temporary folder (``TMPDIR``) that ``cleanup`` removes.

    Raises:
        UsageError: when standard input is a terminal.
        InputError: when nothing comes, or the disk is full.
    """
    source = stream if stream is not None else sys.stdin.buffer
    if source.isatty():
        raise UsageError("'-' reads a raster from standard input, which is a terminal here", hint="pipe a file into it")
    folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="ursat-stdin-")))
    path = folder / "stdin"
    try:
        with path.open("wb") as file:
            shutil.copyfileobj(source, file, CHUNK_BYTES)
    except OSError as error:
        raise InputError(
            f"standard input could not be stored in {folder.parent} ({error.strerror})",
            hint="make room, or set TMPDIR to a folder on a larger disk",
        ) from error
    if path.stat().st_size == 0:
        raise InputError("standard input is empty", hint="check the command before the pipe")
    return path
