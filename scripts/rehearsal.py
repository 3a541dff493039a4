"""A whole Landsat scene, made up: what `ursat plan` says of it, and on request the run itself at x4, killed on the way.

    python scripts/rehearsal.py [--size 7800] [--run] [--kill-after 600] [--jobs 1] [--folder DIR]

Each plan must either fit or be refused with exit code 7 and advice. ``--run`` makes x4 of the scene with ``fusion`` in
shards (31 200 pixels a side, 8 GB in four bands), kills the run after ``--kill-after`` seconds, makes the rest with a
second one under `scripts/phase_times.py`, and compares what is on disk with the plan. Ends with 1 when a step fails or
memory goes over the limit.
"""

from __future__ import annotations

import argparse
import os
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
    ["--scale", "128", "--window", "3000,3000,256,256"],
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
        process.kill()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, used.ru_maxrss * 1024


def run(scene: str, folder: Path, kill_after: float, jobs: str) -> bool:
    """Make x4 of the scene, killed once; whether all went well."""
    shards = folder / "x4"
    options = ["--model", "fusion", "--scale", "4", "--max-memory", str(LIMIT), "--max-pixels", "4e9", "--jobs", jobs]
    command = ("upscale", scene, *options, "-o", f"{shards}/")
    peaks = []
    if kill_after > 0:
        code, peak = call(*command, kill_after=kill_after)
        print(f"-> exit code {code} when it was killed, peak memory {peak >> 20} MiB", flush=True)
        peaks.append(peak)
    began = time.monotonic()
    code, peak = call(*command, before=TIMED)
    peaks.append(peak)
    size = sum(path.stat().st_size for path in shards.rglob("*.tif"))
    print(
        f"-> exit code {code}, {time.monotonic() - began:.0f} s, peak memory {peak >> 20} MiB, {size / 1e9:.2f} GB",
        flush=True,
    )
    return code == 0 and max(peaks) <= LIMIT and (shards / "x4.vrt").exists()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=7800)
    parser.add_argument("--run", action="store_true", help="make x4 of it as well")
    parser.add_argument("--kill-after", type=float, default=600, help="seconds; 0: never")
    parser.add_argument("--jobs", default="1", help="threads; with 1 every second finds its phase")
    parser.add_argument("--folder", type=Path, help="work here instead of in the system's temporary folder")
    arguments = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="ursat-rehearsal-", dir=arguments.folder) as folder:
        scene = str(Path(folder, "scene.tif"))
        make_scene(Path(scene), arguments.size)
        for plan in PLANS:
            code, peak = call("plan", scene, *plan, "-o", str(Path(folder, "out.tif")))
            print(f"-> exit code {code}, peak memory {peak >> 20} MiB\n", flush=True)
            wrong += code not in {0, 7}
        if arguments.run:
            wrong += not run(scene, Path(folder), arguments.kill_after, arguments.jobs)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
