"""A whole Landsat scene, made up: what `ursat plan` says of it at x32 and x128, and on request the run itself at x4.

    python scripts/rehearsal.py [--size 7800] [--run] [--folder DIR]

Each plan must either fit or be refused with exit code 7 and advice. ``--run`` makes x4 of the scene with ``fusion``
(8 GB of pixels, hours on one core) and reports its peak memory.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.windows import Window

STRIP = 512
BANDS = ("blue", "green", "red", "nir")
PLANS = (
    ["--scale", "32"],
    ["--scale", "32", "--max-pixels", "1e12"],
    ["--scale", "128"],
    ["--scale", "128", "--max-pixels", "2e12"],
    ["--scale", "128", "--window", "3000,3000,256,256"],
)


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


def call(*arguments: str) -> tuple[int, int]:
    """(exit code, peak memory in bytes) of one command, its words shown."""
    print("$ ursat", *arguments, flush=True)
    process = subprocess.Popen([sys.executable, "-m", "ursat", *arguments])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, used.ru_maxrss * 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=7800)
    parser.add_argument("--run", action="store_true", help="make x4 of it as well")
    parser.add_argument("--folder", type=Path, help="keep the scene here")
    arguments = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="ursat-rehearsal-", dir=arguments.folder) as folder:
        scene, output = str(Path(folder, "scene.tif")), str(Path(folder, "out.tif"))
        make_scene(Path(scene), arguments.size)
        for plan in PLANS:
            code, _ = call("plan", scene, "--model", "fusion", *plan, "-o", output)
            print(f"-> exit code {code}\n", flush=True)
            wrong += code not in {0, 7}
        if arguments.run:
            more = ["--model", "fusion", "--scale", "4", "--max-memory", "1G", "--max-pixels", "4e9", "-o", output]
            code, peak = call("upscale", scene, *more)
            print(f"-> exit code {code}, peak memory {peak / 2**20:.0f} MiB", flush=True)
            wrong += code != 0 or peak > 2**30
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
