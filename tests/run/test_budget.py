"""What a run is thought to cost: with the size of its tiles, hardly with the size of the scene."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.windows import Window as Box

from ursat import UpscaleOptions
from ursat.grid import Grid, Window
from ursat.io import isolated
from ursat.io.cache import BLOCK
from ursat.io.scene import open_scene
from ursat.run.budget import REFERENCE_MOST, Budget, estimate, memory_bytes, reference_bytes, written_share
from ursat.types import Encoding, SceneInfo

ENCODING = Encoding("uint16", 0, (1.0,) * 3, (0.0,) * 3, (None,) * 3, (None,) * 3, ("gray",) * 3)


def _memory(width: int, *, tile: int = 1024, workers: int = 1, level: int = 0) -> int:
    grid = Grid(256, width, Affine(30, 0, 300015, 0, -30, 4000005), "EPSG:32643")
    info = SceneInfo("in.tif", "GTiff", "unknown", "", grid, 30.0, ENCODING, (), None, (), ())
    return memory_bytes(tile, workers, info, 8.0, ENCODING, None, level)


def test_a_scene_sixteen_times_as_wide_needs_hardly_more() -> None:
    assert _memory(8192) < 1.15 * _memory(512)


@pytest.mark.parametrize("more", [{"tile": 2048}, {"workers": 2}, {"level": 2}, {"level": 3}])
def test_more_at_once_needs_more(more: dict[str, int]) -> None:
    assert _memory(512, **more) > 1.05 * _memory(512)


def test_the_process_that_decodes_jpeg_2000_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "running", lambda: False)
    alone = _memory(512)
    monkeypatch.setattr(isolated, "running", lambda: True)
    assert _memory(512) == alone + isolated.RESIDENT


def test_the_reference_under_a_tile_and_its_surroundings_is_held() -> None:
    # 1024 px at x4 are 256 input px, with 200 around them 1824 px of a reference four times finer: four blocks of 512,
    # five where the window does not begin with one
    held = reference_bytes(1024, 1, 4.0, ENCODING, None, 2)
    side = Window(0, 300, 1824, 1824).snap(BLOCK, BLOCK).width
    finest = side**2 * 3 * 5
    assert finest <= held <= finest * 4 / 3 + 1
    assert held < REFERENCE_MOST


@pytest.mark.parametrize("bands", [1, 2, 4])
def test_the_finest_level_s_share_of_the_reference_s_cache_is_not_a_byte_short(bands: int) -> None:
    encoding = Encoding(
        "uint16", 0, (1.0,) * bands, (0.0,) * bands, (None,) * bands, (None,) * bands, ("gray",) * bands
    )
    held = reference_bytes(1024, 1, 4.0, encoding, None, 2)
    assert held * 3 // 4 >= (5 * BLOCK) ** 2 * bands * 5  # as `harmonised_levels` shares it out


@pytest.mark.parametrize(
    ("window", "share"), [(None, 1 / 16), (Window(0, 0, 512, 256), 1 / 2), (Window(512, 512, 512, 512), 0)]
)
def test_what_was_never_written_takes_no_disk(tmp_path: Path, window: Window | None, share: float) -> None:
    path = tmp_path / "sparse.tif"
    profile = {
        "driver": "GTiff",
        "width": 1024,
        "height": 1024,
        "count": 1,
        "dtype": "uint16",
        "nodata": 0,
        "tiled": True,
    }
    blocks = {"blockxsize": 256, "blockysize": 256, "SPARSE_OK": True, "crs": "EPSG:32643"}
    with rasterio.open(path, "w", **profile, **blocks, transform=Affine(30, 0, 300015, 0, -30, 4000005)) as file:
        file.write(np.full((1, 256, 256), 7000, "uint16"), window=Box(0, 0, 256, 256))
    with open_scene(str(path)) as scene:
        assert written_share(scene, window or scene.grid.window) == share


def test_an_almost_empty_scene_is_not_refused_for_a_small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = 200 << 20
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    grid = Grid(8192, 8192, Affine(30, 0, 300015, 0, -30, 4000005), "EPSG:32643")
    info = SceneInfo(
        "in.tif", "GTiff", "unknown", "", Grid(1024, 1024, grid.transform, grid.crs), 30.0, ENCODING, (), None, (), ()
    )

    def budget(filled: float) -> Budget:
        return estimate(info, grid, ENCODING, 8.0, UpscaleOptions(scale=8), tmp_path / "out.tif", None, filled)

    assert "GiB are free" in (budget(1.0).refused or "")
    assert budget(0.1).refused is None
