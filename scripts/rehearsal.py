"""A whole Landsat scene, made up: what `ursat plan` says of it, and on request the run itself at x4, killed on the way.

    python scripts/rehearsal.py [--size 7800] [--run] [--kill-after 600,900] [--compare] [--jobs 1] [--shard-size PX]
        [--folder DIR]

Each plan must either fit or be refused with exit code 7 and advice. ``--run`` makes x4 of the scene with ``fusion`` in
shards (31 200 pixels a side, 8 GB in four bands), kills the run after so many seconds, once for each number of
``--kill-after``, and makes the rest under `scripts/phase_times.py`. ``--compare`` makes it again, undisturbed, and
compares every file. Ends with 1 when a step fails, memory goes over the limit, or a file differs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.windows import Window

STRIP = 512
LIMIT = 1 << 30
BANDS = ("blue", "green", "red", "nir")
PLANS = (
    ["--model", "fusion", "--scale", "32"],
    ["--model", "fusion", "--scale", "32", "--max-pixels", "1e12"],
    ["--scale", "32", "--max-pixels", "1e12"],
    ["--scale", "128"],
    ["--scale", "128", "--max-pixels", "2e12"],
    ["--scale", "128", "--window", "{middle},{middle},256,256"],
)
TIMED = [sys.executable, str(Path(__file__).with_name("phase_times.py"))]


def make_scene(path: Path, size: int) -> None:
    """Fields and texture, a tilted footprint as real scenes have it, 0 outside."""
    random = np.random.default_rng(0)
    tile = np.kron(random.integers(6000, 14000, (4, 32, 32)), np.ones((1, 16, 16), int))
    profile = {
        "driver": "GTiff", "width": size, "height": size, "count": len(BANDS), "dtype": "uint16", "nodata": 0,
        "crs": "EPSG:32643", "transform": Affine(30, 0, 300015, 0, -30, 4000005), "tiled": True, "blockxsize": STRIP,
        "blockysize": STRIP, "compress": "deflate", "predictor": 2,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as out:
        out.descriptions = BANDS
        for row in range(0, size, STRIP):
            for col in range(0, size, STRIP):
                height, width = min(STRIP, size - row), min(STRIP, size - col)
                pixels = tile[:, :height, :width] + random.integers(-60, 60, (len(BANDS), height, width))
                rows, cols = np.mgrid[row : row + height, col : col + width]
                outside = (cols + 0.2 * rows < 0.15 * size) | (cols + 0.2 * rows > 1.05 * size)
                pixels[:, outside] = 0
                out.write(pixels.astype("uint16"), window=Window(col, row, width, height))


def call(*arguments: str, before: list[str] | None = None, kill_after: float | None = None) -> tuple[int, int]:
    """(exit code, peak memory in bytes) of one command, its words shown; SIGKILL after so many seconds."""
    print("$ ursat", *arguments, flush=True)
    process = subprocess.Popen([*(before or [sys.executable, "-m", "ursat"]), *arguments])
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(process.pid, signal.SIGKILL)  # it has not been waited for, so the number is still its own
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, used.ru_maxrss * 1024


def run(scene: str, folder: Path, kills: list[float], jobs: str, more: list[str], *, compare: bool) -> bool:
    """Make x4 of the scene, killed now and then; whether all went well."""
    options = ["--model", "fusion", "--scale", "4", "--max-memory", str(LIMIT), "--max-pixels", "4e9", "--jobs", jobs]
    killed, undisturbed = (folder / name / "x4" for name in ("killed", "undisturbed"))
    for path in (killed, undisturbed):
        path.parent.mkdir()
    peaks = []
    command = ("upscale", scene, *options, *more, "-o")
    for seconds in kills:
        code, peak = call(*command, f"{killed}/", kill_after=seconds)
        print(f"-> exit code {code} when it was killed, peak memory {peak >> 20} MiB", flush=True)
        peaks.append(peak)
    began = time.monotonic()
    code, peak = call(*command, f"{killed}/", before=TIMED)
    peaks.append(peak)
    made = files(killed)
    size = sum(path.stat().st_size for path in killed.rglob("*.tif"))
    print(
        f"-> exit code {code}, {time.monotonic() - began:.0f} s, peak memory {peak >> 20} MiB, {size / 1e9:.2f} GB in "
        f"{len(made) - 1} shards",
        flush=True,
    )
    same = True
    if compare:
        again, peak = call(*command, f"{undisturbed}/", before=TIMED)
        peaks.append(peak)
        same = again == 0 and files(undisturbed) == made
        print(
            f"-> exit code {again}, peak memory {peak >> 20} MiB; {'the same' if same else 'OTHER'} bytes", flush=True
        )
    return same and code == 0 and max(peaks) <= LIMIT and (killed / "x4.vrt").exists()


def files(folder: Path) -> dict[str, str]:
    """{path: sha256} of a run's shards and its index."""
    found = {}
    for path in sorted([*folder.glob("shards/*/*.tif"), *folder.glob("*.vrt")]):
        with path.open("rb") as file:
            found[str(path.relative_to(folder))] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=7800)
    parser.add_argument("--run", action="store_true", help="make x4 of it as well")
    parser.add_argument("--kill-after", default="600", help="seconds, separated by commas; empty: never")
    parser.add_argument("--compare", action="store_true", help="with a run that nobody disturbs")
    parser.add_argument("--shard-size", default="8192", help="output pixels a side")
    parser.add_argument("--jobs", default="1", help="threads; with 1 every second finds its phase")
    parser.add_argument("--folder", type=Path, help="work here instead of in the system's temporary folder")
    arguments = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="ursat-rehearsal-", dir=arguments.folder) as folder:
        scene = str(Path(folder, "scene.tif"))
        make_scene(Path(scene), arguments.size)
        for plan in PLANS:
            words = [word.replace("{middle}", str(arguments.size // 2 - 128)) for word in plan]
            code, peak = call("plan", scene, *words, "-o", str(Path(folder, "out.tif")))
            print(f"-> exit code {code}, peak memory {peak >> 20} MiB\n", flush=True)
            wrong += code not in {0, 7}
        if arguments.run:
            kills = [float(seconds) for seconds in arguments.kill_after.split(",") if seconds]
            more = ["--shard-size", arguments.shard_size]
            wrong += not run(scene, Path(folder), kills, arguments.jobs, more, compare=arguments.compare)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
