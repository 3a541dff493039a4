"""Two full disks of what `make soak` tries at twenty points."""

from __future__ import annotations

from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.mark.parametrize("shard", [64, 0], ids=["in shards", "one file"])
def test_full_disks_end_in_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shard: int) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from soak_disk import fill
    from soak_kill import Case

    assert fill(Case(side=16, scale=8, shard=shard), tmp_path, points=2) == (2, [])
