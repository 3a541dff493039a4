"""Blocks that were never written: told from the file's index, and only where they read as nodata."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from reading import T30, write_tif

from ursat.grid import Window
from ursat.io.scene import Scene, open_scene

SIDE, BLOCK = 3000, 256
CORNER = Window(2900, 2900, 4, 4)


def sparse_tif(path, *, nodata, written=(), interleave="band", dtype="uint16"):
    """Two bands of which only ``written``, (band, window) pairs, were ever written."""
    profile = {
        "driver": "GTiff", "width": SIDE, "height": SIDE, "count": 2, "dtype": dtype, "crs": "EPSG:32643",
        "transform": T30, "nodata": nodata, "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK,
        "SPARSE_OK": "TRUE", "interleave": interleave,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as out:
        for band, window in written:
            part = rasterio.windows.Window(window.col, window.row, window.width, window.height)
            out.write(np.full(window.shape, 7, dtype), band, window=part)
    return path


@pytest.fixture
def reads(monkeypatch):
    """The windows whose pixels are read."""
    seen = []
    read = Scene.read

    def counted(scene, window):
        seen.append(window)
        return read(scene, window)

    monkeypatch.setattr(Scene, "read", counted)
    return seen


@pytest.mark.parametrize("interleave", ["band", "pixel"])
@pytest.mark.parametrize("band", [1, 2])
def test_only_what_was_written_is_read(tmp_path, reads, band, interleave):
    path = sparse_tif(tmp_path / "a.tif", nodata=0, written=[(band, CORNER)], interleave=interleave)
    with open_scene(str(path)) as scene:
        assert scene.any_valid()
    assert len(reads) == 1
    assert reads[0].contains(CORNER)


@pytest.mark.parametrize(("nodata", "dtype"), [(0, "uint16"), (9, "uint16"), (np.nan, "float32")])
def test_nothing_written_is_nothing_valid(tmp_path, reads, nodata, dtype):
    with open_scene(str(sparse_tif(tmp_path / "a.tif", nodata=nodata, dtype=dtype))) as scene:
        assert scene.unwritten(scene.grid.window)
        assert not scene.any_valid()
        assert reads == []
        assert not scene.read(Window(0, 0, 300, 300)).valid.any()


def test_without_nodata_an_unwritten_block_is_zeros_and_valid(tmp_path):
    with open_scene(str(sparse_tif(tmp_path / "a.tif", nodata=None))) as scene:
        assert not scene.unwritten(Window(0, 0, 10, 10))
        assert scene.read(Window(0, 0, 10, 10)).valid.all()


def test_blocks_count_to_their_edges(tmp_path):
    path = sparse_tif(tmp_path / "a.tif", nodata=0, written=[(1, Window(256, 512, 1, 1))])
    with open_scene(str(path)) as scene:
        beside = [
            Window(0, 512, 256, 256),
            Window(512, 512, 256, 256),
            Window(256, 0, 256, 512),
            Window(256, 768, 1, 1),
        ]
        assert all(scene.unwritten(window) for window in beside)
        assert not any(scene.unwritten(window) for window in (Window(255, 600, 2, 1), Window(511, 767, 1, 1)))
        assert scene.unwritten(Window(-20, -20, 15, 15))


def test_a_full_file_is_read(tmp_path, reads):
    pixels = np.zeros((1, 1500, 600), "uint16")
    pixels[0, 1400, 500] = 1
    with open_scene(str(write_tif(tmp_path / "a.tif", pixels, nodata=0, tiled=True))) as scene:
        assert not scene.unwritten(scene.grid.window)
        assert scene.any_valid()
    assert len(reads) == 3  # the middle, and two blocks
