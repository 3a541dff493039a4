"""Memory that Python has let go of, given back to the system."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress


def give_back() -> None:
    """Make what is free of use to whatever comes next, GDAL above all, instead of letting the process grow.

    The C library keeps freed blocks for the thread that had them: after a run's tiles about 100 MB (measured), which
    the compression that follows could not use. Only glibc can be told.
    """
    gc.collect()  # a cascade is full of cycles
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
