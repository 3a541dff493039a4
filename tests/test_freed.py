"""Freed memory goes back to the system when asked."""

from __future__ import annotations

import ctypes
import gc
import sys
from pathlib import Path

import numpy as np
import pytest

from ursat.freed import give_back

glibc = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only glibc can be told"
)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@glibc
def test_what_lies_below_a_block_in_use_is_given_back() -> None:
    blocks = [np.ones(8000) for _ in range(1000)]  # 64 kB each: from the heap, not mapped one by one
    above = np.ones(8000)  # without it the C library would return them by itself
    del blocks
    gc.collect()
    before = _resident()
    give_back()
    assert before - _resident() > 32 << 20
    assert above.sum() == 8000
