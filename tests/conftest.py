"""What holds for every test: OpenMP threads that wait without spinning, as on the command line."""

from __future__ import annotations

import os

for _name, _value in (("OMP_WAIT_POLICY", "PASSIVE"), ("GOMP_SPINCOUNT", "0"), ("KMP_BLOCKTIME", "0")):
    os.environ.setdefault(_name, _value)
