"""Speed and memory of `ursat upscale` against GDAL cubic and DAT-light: whole processes, alternating, medians.

Goals, and the exit code says whether all hold: at x8 on 1000 x 1000 x 3 uint16 pixels `fusion` takes at most four
times as long as GDAL's cubic warp to the same grid with the same creation options and threads; the peak memory of the
whole process differs by less than 15 % between an output of 8 000 and one of 32 000 pixels width, under 1.5 GB; at x8
the model that ships makes ten times as many output pixels a second as DAT-light at x4, its network executing at least
half as many operations a second as the machine's own product of matrices.
"""

from __future__ import annotations

import argparse
import json
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
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from affine import Affine
from scipy.ndimage import zoom

from ursat.models.shipped import DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_RATIO = 4.0
MAX_GROWTH = 0.15
MAX_BYTES = 1.5e9
SCALE = 8
MEMORY_ROWS = 256  # of the input: tall enough that every cache has filled
LEAST_AGAINST_PEER = 10.0
LEAST_SHARE = 0.5  # of the rate of matrix products
NETWORK_SIDE = 400
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
    return [*command, "--model", "fusion", "-q", "-j", str(threads), *(["--ref", ref] if ref else [])]


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


def network(folder: Path, rounds: int, threads: int) -> bool:
    source, _ = made_apart(folder, "network", NETWORK_SIDE, NETWORK_SIDE)
    script = str(Path(__file__).with_name("bench_network.py"))
    print(f"{DEFAULT_MODEL} x{SCALE} of {NETWORK_SIDE} x {NETWORK_SIDE} x 3 uint16, {threads} threads, {rounds} rounds")
    command = [sys.executable, script, source, str(folder / "network.tif"), str(SCALE), str(threads)]
    found: dict[str, list[float]] = {}
    missing = ""
    for _ in range(rounds):
        line = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        facts = json.loads(line)
        missing = facts["peer_missing"]
        product, done, pixels = facts["product_flops_per_s"], facts["flops"], facts["pixels"]
        row = {
            "Mpx/s": pixels / facts["seconds"] / 1e6,
            "kFLOP a pixel": done / pixels / 1e3,
            "products GFLOP/s": product / 1e9,
            "share, network": done / facts["network_s"] / product,
            "share, end to end": done / facts["seconds"] / product,
        }
        if not missing:
            row["DAT-light x4 Mpx/s"] = 1e-6 / facts["peer_pixel_s"]
            row["times DAT-light"] = facts["peer_pixel_s"] * pixels / facts["seconds"]
            row["by cpu"] = facts["peer_pixel_cpu_s"] * pixels / facts["cpu_s"]
        for name, value in row.items():
            found.setdefault(name, []).append(value)
    medians = {name: statistics.median(values) for name, values in found.items()}
    for name, value in medians.items():
        print(f"  {name:20}{value:9.3f}")
    if missing:
        print(f"  not compared with DAT-light: {missing}")
    fast = bool(missing) or medians["times DAT-light"] >= LEAST_AGAINST_PEER
    good = fast and medians["share, network"] >= LEAST_SHARE
    print(f"  {LEAST_AGAINST_PEER:g} times DAT-light, {LEAST_SHARE:.0%} of products: {'yes' if good else 'NO'}")
    return good


PARTS: dict[str, Callable[[Path, argparse.Namespace], bool]] = {
    "speed": lambda folder, given: speed(folder, given.side, given.rounds, given.threads),
    "memory": lambda folder, given: memory(folder, given.threads),
    "network": lambda folder, given: network(folder, given.rounds, given.threads),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="alternating rounds of the speed comparison")
    parser.add_argument("--side", type=int, default=1000, help="input pixels a side")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--only", choices=tuple(PARTS), help="one of the parts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ursat-bench-") as name:
        folder = Path(name)
        good = [part(folder, options) for name, part in PARTS.items() if options.only is None or name == options.only]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
