"""Speed and memory of `ursat upscale` against GDAL cubic: whole processes, alternating, medians.

Two goals, and the exit code says whether both hold: at x8 on 1000 x 1000 x 3 uint16 pixels `fusion` takes at most four
times as long as GDAL's cubic warp to the same grid with the same creation options and threads; and the peak memory of
the whole process differs by less than 15 % between an output of 8 000 and one of 32 000 pixels width, under 1.5 GB.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from scipy.ndimage import zoom

MAX_RATIO = 4.0
MAX_GROWTH = 0.15
MAX_BYTES = 1.5e9
SCALE = 8
MEMORY_ROWS = 256  # of the input: tall enough that every cache has filled
FINER = 3  # the reference's pixels are a third as wide
BANDS = ("blue", "green", "red")


@dataclass(frozen=True)
class Usage:
    """What one process cost: seconds on the clock, seconds of all cores, bytes at its peak."""

    wall_s: float
    cpu_s: float
    peak: int


def measure(command: list[str]) -> Usage:
    """Run a command to its end."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    if process.returncode != 0:
        sys.exit(f"bench: {' '.join(command)} ended with {process.returncode}:\n{said}")
    return Usage(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def make_pair(folder: Path, name: str, height: int, width: int) -> tuple[str, str]:
    """A synthetic input and its reference: fractal ground in three bands at 10 m, and what 30 m keeps of it."""
    rng = np.random.default_rng(0)
    rows, cols = FINER * height, FINER * width
    ground = np.zeros((rows, cols), np.float32)
    for octave in range(1, 9):  # amplitudes double with the size of the features: about 1/f
        size = rows / 2**octave, cols / 2**octave
        noise = rng.normal(0, 2.0**octave, tuple(max(2, int(n) + 2) for n in size)).astype(np.float32)
        ground += zoom(noise, (rows / noise.shape[0], cols / noise.shape[1]), order=1)[:rows, :cols]
    fine = np.stack([9000 + gain * ground + rng.normal(0, 10, ground.shape) for gain in (2.0, 2.5, 3.0)])
    fine = np.clip(np.rint(fine), 1, 65535).astype(np.uint16)
    coarse = fine.reshape(3, height, FINER, width, FINER).mean(axis=(2, 4))
    paths = []
    for label, pixels, gsd in (("in", np.rint(coarse).astype(np.uint16), 30.0), ("ref", fine, 30.0 / FINER)):
        path = folder / f"{name}_{label}.tif"
        with rasterio.open(
            path, "w", driver="GTiff", count=3, dtype="uint16", height=pixels.shape[1], width=pixels.shape[2],
            crs="EPSG:32649", transform=Affine(gsd, 0, 300000, 0, -gsd, 4000000), tiled=True, nodata=0,
        ) as file:  # fmt: skip
            file.write(pixels)
            file.descriptions = BANDS
        paths.append(str(path))
    return paths[0], paths[1]


def made_apart(folder: Path, name: str, height: int, width: int) -> tuple[str, str]:
    """`make_pair` in a process of its own: a child's peak memory starts from what its parent holds."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(make_pair, folder, name, height, width).result()


def upscale(source: str, output: Path, threads: int, ref: str | None = None) -> list[str]:
    command = [sys.executable, "-m", "ursat", "upscale", source, str(output), "--scale", str(SCALE), "--overwrite"]
    return [*command, "-q", "-j", str(threads), *(["--ref", ref] if ref else [])]


def speed(folder: Path, side: int, rounds: int, threads: int) -> bool:
    source, ref = made_apart(folder, "speed", side, side)
    gdal = [sys.executable, str(Path(__file__).with_name("bench_gdal.py")), source, str(folder / "gdal.tif")]
    commands = {
        "GDAL cubic": [*gdal, str(SCALE), str(threads)],
        "fusion": upscale(source, folder / "plain.tif", threads),
        "fusion --ref": upscale(source, folder / "ref.tif", threads, ref),
    }
    print(f"x{SCALE} of {side} x {side} x 3 uint16, {threads} threads, median of {rounds} rounds")
    print(f"  {'':14}{'wall s':>9}{'cpu s':>9}{'peak MB':>9}{'times GDAL':>12}{'by cpu':>8}")
    runs: dict[str, list[Usage]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            runs[name].append(measure(command))
    medians = {name: statistics.median(run.wall_s for run in runs[name]) for name in commands}
    good = True
    for name, usages in runs.items():
        ratio = medians[name] / medians["GDAL cubic"]
        cpu = statistics.median(run.cpu_s for run in usages)
        peak = max(run.peak for run in usages)
        by_cpu = cpu / statistics.median(run.cpu_s for run in runs["GDAL cubic"])
        print(f"  {name:14}{medians[name]:9.1f}{cpu:9.1f}{peak / 1e6:9.0f}{ratio:12.2f}{by_cpu:8.2f}", flush=True)
        good &= ratio <= MAX_RATIO
    print(f"  at most {MAX_RATIO:g} times as long: {'yes' if good else 'NO'}")
    return good


def memory(folder: Path, threads: int) -> bool:
    print(f"peak memory, x{SCALE}, outputs of {MEMORY_ROWS * SCALE} rows")
    good = True
    peaks: dict[bool, list[int]] = {False: [], True: []}
    for width in (1000, 4000):
        source, ref = made_apart(folder, f"wide{width}", MEMORY_ROWS, width)
        for with_ref, found in peaks.items():
            usage = measure(upscale(source, folder / "wide.tif", threads, ref if with_ref else None))
            found.append(usage.peak)
            label = "fusion --ref" if with_ref else "fusion"
            print(f"  {label:14}{width * SCALE:7} wide: {usage.peak / 1e6:5.0f} MB", flush=True)
    for narrow, wide in peaks.values():
        good &= abs(wide - narrow) <= MAX_GROWTH * narrow and max(wide, narrow) <= MAX_BYTES
    print(f"  within {MAX_GROWTH:.0%} of each other and under {MAX_BYTES / 1e9:g} GB: {'yes' if good else 'NO'}")
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="alternating rounds of the speed comparison")
    parser.add_argument("--side", type=int, default=1000, help="input pixels a side")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--only", choices=("speed", "memory"), help="one of the two parts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ursat-bench-") as name:
        folder = Path(name)
        fast = options.only == "memory" or speed(folder, options.side, options.rounds, options.threads)
        small = options.only == "speed" or memory(folder, options.threads)
    return 0 if fast and small else 1


if __name__ == "__main__":
    sys.exit(main())
