"""Peak memory of whole runs whose outputs grow: it must stay the same, and under ``--max-memory``.

    python scripts/memory_contract.py [--widths 4096,16384,65536] [--height 2048] [--scale 8] [--sparse 0x0]
        [--model fusion] [--jobs 0]

Each run is one process without children, whose peak (VmHWM, as the kernel counts it for a child that has ended) is
compared with the others'. ``--sparse 100000x100000`` adds an output of that size, all nodata but for a corner of 4096
pixels. Ends with 1 when two peaks differ by more than 15 %, or one is over the limit.
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

LIMIT = 1 << 30
SPREAD = 1.15
STRIP = 256


def make_input(path: Path, width: int, height: int, bands: int, filled: int) -> None:
    """A cloud-optimised image of noise; nodata beyond the first ``filled`` columns and rows."""
    random = np.random.default_rng(0)
    profile = {
        "driver": "GTiff", "width": width, "height": height, "count": bands, "dtype": "uint16", "crs": "EPSG:32643",
        "transform": Affine(30, 0, 300015, 0, -30, 4000005), "nodata": 0, "tiled": True, "blockxsize": STRIP,
        "blockysize": STRIP, "SPARSE_OK": "TRUE", "compress": "deflate",
    }  # fmt: skip
    columns = min(width, filled)
    with rasterio.open(path, "w", **profile) as out:
        for row in range(0, min(height, filled), STRIP):
            rows = min(STRIP, min(height, filled) - row)
            pixels = random.integers(5000, 12000, (bands, rows, columns)).astype("uint16")
            out.write(pixels, window=Window(0, row, columns, rows))


def peak_of(source: Path, output: Path, options: list[str], max_pixels: float, limit: int = LIMIT) -> tuple[int, float]:
    """(peak resident bytes, seconds) of one run in a process of its own."""
    command = [
        sys.executable, "-m", "ursat", "upscale", str(source), *options, "--shard-size", "0", "--max-memory",
        str(limit), "--max-pixels", str(max_pixels), "-o", str(output), "--overwrite", "--quiet",
    ]  # fmt: skip
    began = time.monotonic()
    process = subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the run ended with {process.returncode}")
    return used.ru_maxrss * 1024, time.monotonic() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", default="4096,16384,65536", help="of the outputs, pixels")
    parser.add_argument("--height", type=int, default=2048)
    parser.add_argument("--scale", type=int, default=8)
    parser.add_argument("--bands", type=int, default=3)
    parser.add_argument("--sparse", default="0x0", help="columns x rows of an almost empty output; 0x0: none")
    parser.add_argument("--model", default="fusion")
    parser.add_argument("--jobs", default="0")
    arguments = parser.parse_args()
    sizes = [(int(width), arguments.height, int(width)) for width in arguments.widths.split(",")]
    columns, rows = map(int, arguments.sparse.split("x"))
    if columns and rows:
        sizes.append((columns, rows, 4096))
    peaks = []
    with tempfile.TemporaryDirectory(prefix="ursat-memory-") as folder:
        source, output = Path(folder, "in.tif"), Path(folder, "out.tif")
        for width, height, filled in sizes:
            k = arguments.scale
            make_input(source, -(-width // k), -(-height // k), arguments.bands, -(-filled // k))
            options = ["--scale", str(k), "--model", arguments.model, "--jobs", arguments.jobs]
            peak, seconds = peak_of(source, output, options, 2.0 * width * height)
            peaks.append(peak)
            print(f"{width:7} x {height:6} px: peak {peak / 2**20:6.0f} MiB, {seconds:7.1f} s", flush=True)
    within = max(peaks) <= SPREAD * min(peaks)
    print(f"largest over smallest {max(peaks) / min(peaks):.2f}, limit {LIMIT >> 20} MiB")
    return int(not within or max(peaks) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
