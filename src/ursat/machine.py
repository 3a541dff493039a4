"""What of the machine this process may use."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """Logical processors: those that the scheduler allows this process, where the system (Linux) says so, else all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
