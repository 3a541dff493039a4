"""Settings of the OpenMP runtime, which reads them once, when torch is first imported."""

from __future__ import annotations

import os

_ASLEEP = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0", "KMP_BLOCKTIME": "0"}


def wait_asleep() -> None:
    """Let idle threads sleep: those that spin while another process wants the core slow both down many times over.

    What the environment says already stands.
    """
    for name, value in _ASLEEP.items():
        os.environ.setdefault(name, value)
