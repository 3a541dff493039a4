"""What holds for every test: OpenMP threads that wait without spinning, and no test that depends on the clock."""

from __future__ import annotations

from hypothesis import settings

from ursat.openmp import wait_asleep

wait_asleep()

# Hypothesis fails a slow example by default; on a loaded machine that says nothing about the code.
settings.register_profile("ursat", deadline=None)
settings.load_profile("ursat")
