"""Fill the disk at many points of a run, and see that it stops cleanly and is resumed to the same bytes.

    python scripts/soak_disk.py [--points 20]            # a run in shards and a run of one file

A limit on the size of files stands for the disk: write() fails as on a full one, at a place that can be chosen.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from pathlib import Path

from soak_kill import SAMPLE, Case, processes

FULL = 7


def limited(case: Case, out: str, size: int) -> None:
    """The command line, none of whose files may grow past ``size`` bytes; the process ends with its exit code."""
    from ursat.cli.app import run

    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    window = f"40,40,{case.side},{case.side}"
    cut = ["--shard-size", str(case.shard), "--window", window, "--model", "fusion", "-j", "1"]
    sys.exit(run(["upscale", str(SAMPLE), "--scale", str(case.scale), *cut, "-o", out, "-q"]))


def fill(case: Case, folder: Path, points: int) -> tuple[int, list[str]]:
    """Stop a run at ``points`` sizes up to that of its largest temporary file.

    Returns:
        How many runs met the limit; and what was wrong.
    """
    whole = folder / "undisturbed"
    whole.mkdir()
    _join(case.run, str(whole / "out.tif"))
    expected = case.finals(whole)
    side = case.side * case.scale if case.shard == 0 else case.shard
    largest = side * side * 3 * 2  # the working file: three bands of two bytes, not compressed
    met, wrong = 0, []
    for number in range(points):
        here = folder / f"point{number}"
        here.mkdir()
        size = int(largest * (number + 0.5) / points)
        code = _join(limited, case, str(here / "out.tif"), size)
        met += code == FULL
        if code != FULL:
            wrong.append(f"with {size} bytes: exit code {code}, not {FULL}")
        wrong += [
            f"with {size} bytes: {n} is not the finished file"
            for n, s in case.finals(here).items()
            if expected.get(n) != s
        ]
        left = [str(path) for path in here.rglob(".*") if ".part." in path.name]
        wrong += [f"with {size} bytes: left {left[:3]}"] if left else []
        code = _join(limited, case, str(here / "out.tif"), resource.RLIM_INFINITY)
        if code != 0 or case.finals(here) != expected:
            wrong.append(f"with {size} bytes: resumed with exit code {code}, not to the same bytes")
    return met, wrong


def _join(*call: object) -> int:
    child = processes().Process(target=call[0], args=call[1:])
    child.start()
    child.join()
    return int(child.exitcode)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=20)
    given = parser.parse_args()
    code = 0
    for name, case in (("in shards", Case(24, 16, 128)), ("one file", Case(24, 16, 0))):
        with tempfile.TemporaryDirectory(prefix="ursat-disk-") as folder:
            met, wrong = fill(case, Path(folder), given.points)
        print(f"{name}: {met} of {given.points} points met a full disk, {len(wrong)} things wrong", flush=True)
        for text in wrong[:20]:
            print(f"  {text}")
        code = code or int(bool(wrong))
    return code


if __name__ == "__main__":
    sys.exit(main())
