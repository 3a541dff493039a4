"""The promises on the whole sample pair, at every scale: minutes, so run by make test-slow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scenes import LANDSAT, SENTINEL, box_residual, read, run

from ursat import verify

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("scale", [2, 8, 32, 128])
def test_box_exact_on_the_sample_pair(tmp_path: Path, scale: int) -> None:
    run(LANDSAT, tmp_path / "out.tif", scale, ref=SENTINEL, psf="box", closure="exact")
    assert verify(str(tmp_path / "out.tif"), str(LANDSAT)).ok
    if scale <= 32:  # the x128 image would not fit into a test's memory as floating point
        pixels = read(LANDSAT)
        assert box_residual(read(tmp_path / "out.tif"), pixels, pixels > 0) <= 1


@pytest.mark.parametrize("scale", [8, 32])
def test_tile_size_is_invisible_on_the_sample_pair(tmp_path: Path, scale: int) -> None:
    outputs = []
    for tile in (64 if scale == 8 else 256, 1024):
        run(LANDSAT, tmp_path / "out.tif", scale, ref=SENTINEL, tile=tile)
        outputs.append(read(tmp_path / "out.tif"))
    np.testing.assert_array_equal(*outputs)
