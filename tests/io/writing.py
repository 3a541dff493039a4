"""A small scene for the writer's tests, and a child process that writes it under adverse conditions."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
from affine import Affine
from rasterio.crs import CRS

from ursat.grid import Grid, Window
from ursat.io.writer import CogWriter
from ursat.types import Encoding

UTM = CRS.from_epsg(32649).to_wkt()
PROVENANCE = {"ursat": "0.1.0", "model": {"name": "fusion", "kind": "classical", "sha256": None}, "scale": 8, "seed": 0}


def encoding(dtype: str = "uint16", nodata: float | None = 0, bands: int = 3, **changes) -> Encoding:
    values = {
        "dtype": dtype,
        "nodata": nodata,
        "scales": (2.75e-5,) * bands,
        "offsets": (-0.2,) * bands,
        "units": (None,) * bands,
        "descriptions": tuple(f"B{4 - b}" for b in range(bands)),
        "colorinterp": ("red", "green", "blue") if bands == 3 else ("gray",) + ("undefined",) * (bands - 1),
    }
    return Encoding(**(values | changes))


def grid(height: int = 700, width: int = 900) -> Grid:
    return Grid(height, width, Affine(30 / 7, 0, 300015, 0, -30 / 7, 4000005), UTM)


def noise(shape: tuple[int, ...], dtype: str = "uint16", seed: int = 0) -> np.ndarray:
    """Incompressible pixels over the dtype's range, but neither 0 nor the highest number."""
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return rng.normal(0.2, 0.1, shape).astype(dtype)
    info = np.iinfo(dtype)
    return np.maximum(rng.integers(info.min, info.max, shape, dtype=dtype), 1)


def write(path: Path, pixels: np.ndarray, enc: Encoding, where: Grid, *, tile: int = 256, **options) -> Path:
    with CogWriter(path, where, enc, **options) as writer:
        for window in where.window.blocks(tile, tile):
            writer.write(window, cut(pixels, window))
        return writer.finish(PROVENANCE)


def cut(pixels: np.ndarray, window: Window) -> np.ndarray:
    return pixels[:, window.row : window.row_stop, window.col : window.col_stop]


CHILD = """
    import sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from writing import PROVENANCE, cut, encoding, grid, noise
    from ursat.io.writer import CogWriter

    out, where = Path(sys.argv[1]), grid(int(sys.argv[2]), int(sys.argv[2]))
    pixels = noise((3, *where.shape))
    with CogWriter(out, where, encoding(), overwrite=True, threads=2) as writer:
        for i, window in enumerate(where.window.blocks(512, 512)):
            if i == 2:
                print("writing", flush=True)
                sys.stdin.readline()
            writer.write(window, cut(pixels, window))
        print("finishing", flush=True)
        writer.finish(PROVENANCE)
"""


def child(out: Path, size: int) -> subprocess.Popen[str]:
    """Start writing a ``size x size`` scene to ``out`` in a process of its own.

    It prints "writing" after two tiles and waits for a line, then "finishing" after all of them.
    """
    code = textwrap.dedent(CHILD).format(tests=str(Path(__file__).parent))
    return subprocess.Popen(
        [sys.executable, "-c", code, str(out), str(size)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
