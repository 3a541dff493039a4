"""The yardstick of `make bench`: GDAL cubic to the same finer grid, written as the same COG, in a process of its own.

usage: bench_gdal.py INPUT OUTPUT SCALE THREADS
"""

from __future__ import annotations

import sys
from pathlib import Path

import rasterio
import rasterio.shutil
from rasterio.warp import Resampling, reproject

from ursat.io.creation_options import BLOCK, cog_options
from ursat.io.safety import locked_env
from ursat.io.scene import open_scene


def main(source: str, output: str, scale: float, threads: int) -> None:
    with open_scene(source) as scene:
        encoding, grid = scene.info.encoding, scene.grid.finer(scale)
    work = Path(output).with_suffix(".work.tif")
    profile = {
        "driver": "GTiff", "count": len(encoding.scales), "dtype": encoding.dtype, "nodata": encoding.nodata,
        "height": grid.height, "width": grid.width, "crs": grid.crs, "transform": grid.transform,
        "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "interleave": "band", "BIGTIFF": "IF_SAFER",
    }  # fmt: skip
    with locked_env(), rasterio.open(source) as given:
        with rasterio.open(work, "w", **profile) as target:
            bands = list(range(1, given.count + 1))
            reproject(
                rasterio.band(given, bands),
                rasterio.band(target, bands),
                resampling=Resampling.cubic,
                num_threads=threads,
            )
        rasterio.shutil.copy(work, output, driver="COG", **cog_options(encoding, (), threads))
    work.unlink()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
