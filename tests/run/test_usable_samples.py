"""The input's sample windows where a large sparse file holds next to nothing."""

from __future__ import annotations

import numpy as np
import rasterio
from affine import Affine

from ursat.io.scene import Scene, open_scene
from ursat.run.prepare import usable_samples

ROW, COL = 520, 600  # between the evenly placed windows


def test_a_lone_block_is_found_without_reading_the_rest(tmp_path, monkeypatch):
    path = tmp_path / "a.tif"
    profile = {
        "driver": "GTiff", "width": 3000, "height": 3000, "count": 1, "dtype": "uint16", "crs": "EPSG:32643",
        "transform": Affine(30, 0, 300015, 0, -30, 4000005), "nodata": 0, "tiled": True, "blockxsize": 256,
        "blockysize": 256, "SPARSE_OK": "TRUE",
    }  # fmt: skip
    pixels = np.random.default_rng(0).integers(1, 9999, (90, 100)).astype("uint16")
    with rasterio.open(path, "w", **profile) as out:
        out.write(pixels, 1, window=rasterio.windows.Window(COL, ROW, 100, 90))
    reads = []
    read = Scene.read
    monkeypatch.setattr(Scene, "read", lambda scene, window: reads.append(window) or read(scene, window))
    with open_scene(str(path)) as scene:
        found = usable_samples(scene)
    assert sum(int(usable.sum()) for _, usable in found) == pixels.size
    np.testing.assert_array_equal(found[0][0][found[0][1]], pixels.ravel())
    assert len(reads) == 16 + 1  # the evenly placed windows, and the one block that holds anything
