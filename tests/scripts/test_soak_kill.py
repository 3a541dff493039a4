"""A few kills of what `make soak` does a hundred times."""

from __future__ import annotations

from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.mark.parametrize("shard", [64, 0], ids=["in shards", "one file"])
def test_killed_runs_end_in_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shard: int) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from soak_kill import Case, soak

    findings = soak(Case(side=16, scale=8, shard=shard), tmp_path, kills=3, seed=shard)
    assert (findings.wrong, findings.kills) == ([], 3)
