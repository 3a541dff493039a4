"""What holds for every test: OpenMP threads that wait without spinning, and no test that depends on the clock."""

from __future__ import annotations

import os

from hypothesis import settings

for _name, _value in (("OMP_WAIT_POLICY", "PASSIVE"), ("GOMP_SPINCOUNT", "0"), ("KMP_BLOCKTIME", "0")):
    os.environ.setdefault(_name, _value)

# Hypothesis fails a slow example by default; on a loaded machine that says nothing about the code.
settings.register_profile("ursat", deadline=None)
settings.load_profile("ursat")
