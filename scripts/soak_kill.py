"""Kill runs with SIGKILL at random moments, over and over, and see that what is resumed ends in the same bytes.

    python scripts/soak_kill.py --kills 100            # a run in shards and a run of one file, 100 kills each

After every kill, and all the while, nothing may stand under a final name that is not the finished thing.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

SAMPLE = Path(__file__).parents[1] / "sample_data" / "landsat8.tif"
LOADED = ["torch", "rasterio", "ursat.run.shards.sharded", "ursat.models.fusion", "ursat.run.cascade"]
POLL_SECONDS = 0.01


@dataclass(frozen=True)
class Case:
    """A run of ``side`` input pixels a side at x ``scale``, as one file (shard 0) or in shards of that many pixels."""

    side: int
    scale: int
    shard: int

    def run(self, out: str) -> None:
        from ursat import UpscaleOptions, upscale
        from ursat.run.shards.options import ShardOptions

        window = (40, 40, self.side, self.side)
        shards = ShardOptions(size=self.shard)
        upscale(
            str(SAMPLE),
            UpscaleOptions(scale=self.scale, output=out, model="fusion", window=window, jobs=1, shards=shards),
        )

    def finals(self, folder: Path) -> dict[str, str]:
        """{name: sha256} of everything that stands under a final name."""
        found = [*folder.glob("*.tif"), *folder.glob("*.shards/*.vrt"), *folder.glob("*.shards/shards/*/*.tif")]
        sums = {}
        for path in found:
            if not path.name.startswith("."):
                at = path.stat()
                sums[str(path.relative_to(folder))] = _sha256(path, (at.st_ino, at.st_mtime_ns, at.st_size))
        return sums


@cache
def _sha256(path: Path, _version: tuple[int, int, int]) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass
class Findings:
    kills: int = 0  # of runs that had not ended by themselves
    wrong: list[str] = field(default_factory=list)


@cache
def processes() -> Any:
    """Children with the libraries loaded, forked off a server that has no threads and no open files."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    return context


def soak(case: Case, folder: Path, *, kills: int, seed: int = 0) -> Findings:
    """Kill runs of a case ``kills`` times; begin anew whenever one was finished all the same."""
    chance = random.Random(seed)
    whole = folder / "undisturbed"
    whole.mkdir()
    warm = processes().Process(target=int)  # the first child waits for the server to load the libraries
    warm.start()
    warm.join()
    began = time.monotonic()
    child = _start(case, whole)
    child.join()
    lasts = time.monotonic() - began
    if child.exitcode != 0:
        raise RuntimeError(f"the undisturbed run has ended with {child.exitcode}")
    expected = case.finals(whole)
    findings = Findings()
    number = 0
    while findings.kills < kills:
        number += 1
        here = folder / f"round{number}"
        here.mkdir()
        while findings.kills < kills and _killed(case, here, chance.uniform(0, lasts), expected, findings):
            pass
        if not _finished(case, here, expected):
            _resume(case, here, expected, findings)
    return findings


def _resume(case: Case, folder: Path, expected: dict[str, str], findings: Findings) -> None:
    child = _start(case, folder)
    child.join()
    if child.exitcode != 0:
        findings.wrong.append(f"{folder.name}: the resumed run has ended with {child.exitcode}")
    if not _finished(case, folder, expected):
        findings.wrong.append(f"{folder.name}: the resumed run is not the undisturbed one")
    left = [str(path) for path in folder.rglob(".*") if path.name.endswith((".part.tif", ".part.lock"))]
    if left:
        findings.wrong.append(f"{folder.name}: temporaries are left: {left[:3]}")


def _killed(case: Case, folder: Path, after: float, expected: dict[str, str], findings: Findings) -> bool:
    """Start or resume a run and kill it; False where it has ended first."""
    child = _start(case, folder)
    until = time.monotonic() + after
    while time.monotonic() < until and child.is_alive():
        _look(case, folder, expected, findings, "while it runs")
        time.sleep(POLL_SECONDS)
    child.kill()
    child.join()
    killed = child.exitcode == -signal.SIGKILL
    findings.kills += killed
    _look(case, folder, expected, findings, f"after kill {findings.kills}")
    return killed and not _finished(case, folder, expected)


def _look(case: Case, folder: Path, expected: dict[str, str], findings: Findings, when: str) -> None:
    for name, found in case.finals(folder).items():
        if expected.get(name) != found:
            findings.wrong.append(f"{folder.name}/{name} is not the finished file, {when}")


def _finished(case: Case, folder: Path, expected: dict[str, str]) -> bool:
    return case.finals(folder) == expected


def _start(case: Case, folder: Path) -> Any:
    child = processes().Process(target=case.run, args=(str(folder / "out.tif"),))
    child.start()
    return child


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    code = 0
    for name, case in (("in shards", Case(24, 16, 128)), ("one file", Case(24, 16, 0))):
        with tempfile.TemporaryDirectory(prefix="ursat-soak-") as folder:
            found = soak(case, Path(folder), kills=given.kills, seed=given.seed)
        print(f"{name}: {found.kills} kills, {len(found.wrong)} things wrong")
        for text in found.wrong[:20]:
            print(f"  {text}")
        code = code or int(bool(found.wrong))
    return code


if __name__ == "__main__":
    sys.exit(main())
