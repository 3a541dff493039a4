"""Idle OpenMP threads sleep, unless whoever starts the program has said otherwise."""

from __future__ import annotations

import os

import pytest

from ursat.openmp import wait_asleep


def test_what_the_environment_says_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    wait_asleep()
    assert (os.environ["OMP_WAIT_POLICY"], os.environ["GOMP_SPINCOUNT"]) == ("PASSIVE", "7")
