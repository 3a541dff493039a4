"""The paper's systems in shards: killed, resumed, merged, and the same bytes as the one file that nobody killed."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import made
import pytest

from paper_network import save_paper_tiny
from ursat.run.shards.merge import merge
from ursat.run.shards.options import ShardOptions
from ursat.run.shards.places import Places

if TYPE_CHECKING:
    from ursat.run.report import UpscaleReport

SYSTEMS = {"csp-wavediffur": {"csp": "progressive", "steps": 2}, "wavediffur": {"sr": "bicubic", "steps": 2}}


def _upscale(source: str, out: str, system: str, shard: int) -> UpscaleReport:
    """Samples of tiny weights beside the source; a scene that is nodata in the middle."""
    from ursat import UpscaleOptions, upscale

    weights = str(Path(source).with_name("tiny.safetensors"))
    shards = ShardOptions(size=shard)
    return upscale(source, UpscaleOptions(scale=8, output=out, model=weights, jobs=1, shards=shards, **SYSTEMS[system]))


def _in_a_process(source: str, out: str, system: str) -> None:
    _upscale(source, out, system, made.SHARD)
    sys.exit(0)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_killed_run_resumes_to_the_same_bytes(system: str, tmp_path: Path) -> None:
    source = made.scene(tmp_path / "in.tif")
    save_paper_tiny(tmp_path / "tiny.safetensors")
    out, places = tmp_path / "out.tif", Places(tmp_path / "out.shards")
    child = made.processes().Process(target=_in_a_process, args=(str(source), str(out), system))
    child.start()
    deadline = time.monotonic() + 300
    while not list(places.folder.glob("shards/*/*.done")):
        assert child.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    child.kill()
    child.join()
    finished = {path: path.stat().st_mtime_ns for path in places.folder.glob("shards/*/*.tif")}
    assert not places.vrt.exists()
    report = _upscale(str(source), str(out), system, made.SHARD)
    assert report.model.name == system
    assert finished
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    one = tmp_path / "one.tif"
    _upscale(str(source), str(one), system, 0)
    assert merge(places, tmp_path / "merged.tif").read_bytes() == one.read_bytes()
