"""Promises 3 and 4: tiles do not exist, and the same seed gives the same picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scenes import SENTINEL, landsat_cut, read, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("scale", "size", "row"), [(8, 60, 0), (32, 32, 64)])
@pytest.mark.parametrize("options", [{}, {"closure": "exact", "psf": "mtf=0.3"}], ids=["auto", "exact"])
def test_tile_size_is_invisible(tmp_path: Path, scale: int, size: int, row: int, options: dict[str, str]) -> None:
    # Nodata holes in both; the cloud of the reference and its shadow in the larger cut.
    source = landsat_cut(tmp_path / "in.tif", size, row=row, col=50, holes=True)
    outputs = []
    for tile in (64, 256, 1024):
        report = run(source, tmp_path / "out.tif", scale, ref=SENTINEL, tile=tile, **options)
        assert report.reference is not None
        assert report.reference.status != "dropped"
        outputs.append(read(tmp_path / "out.tif"))
    np.testing.assert_array_equal(outputs[0], outputs[1])
    np.testing.assert_array_equal(outputs[1], outputs[2])


@pytest.mark.parametrize("scale", [8, 32])
def test_a_window_gives_the_pixels_of_the_whole(tmp_path: Path, scale: int) -> None:
    source = landsat_cut(tmp_path / "in.tif", 60, row=0, col=50, holes=True)
    run(source, tmp_path / "whole.tif", scale, ref=SENTINEL)
    whole = read(tmp_path / "whole.tif")
    for col, row, width, height in ((0, 0, 9, 14), (13, 11, 20, 17), (51, 48, 9, 12)):
        run(source, tmp_path / "part.tif", scale, ref=SENTINEL, window=(col, row, width, height), tile=256)
        part = whole[:, row * scale : (row + height) * scale, col * scale : (col + width) * scale]
        np.testing.assert_array_equal(read(tmp_path / "part.tif"), part)


def test_same_run_same_bytes(tmp_path: Path) -> None:
    source = landsat_cut(tmp_path / "in.tif", 40, holes=True)
    run(source, tmp_path / "a.tif", 8, ref=SENTINEL, seed=3, jobs=1)
    run(source, tmp_path / "b.tif", 8, ref=SENTINEL, seed=3, jobs=2, tile=200)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
