"""Before a long run: whether what it makes can be written down."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from ursat.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def check_writable(folder: Path, option: str, advice: str) -> None:
    """Write a file without a name into ``folder``.

    Raises:
        UsageError: that does not work; it names ``option`` and gives ``advice``.
    """
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(f"{option}: {folder} cannot be written to ({error.strerror})", hint=advice) from error
