"""The closure meter against a few lines of numpy, for any order of tile sizes."""

from __future__ import annotations

import numpy as np
import pytest
from test_cascade import ArrayReader

from ursat.fir import psf_taps
from ursat.grid import Window
from ursat.run.closure import ClosureMeter, cell_weights
from ursat.types import Encoding

ENCODING = Encoding("float32", None, (0.5, 2.0), (1.0, 0.0), (None,) * 2, (None,) * 2, ("gray",) * 2)


def _operator(out: np.ndarray, k: float, taps: tuple[float, ...], mask: np.ndarray) -> np.ndarray:
    """F(box(out) m) / F(m) written out with dense matrices."""
    n = round(out.shape[0] / k)
    box = cell_weights(0, out.shape[0], k / 2, 0, 2 * n)
    half = box @ out @ box.T
    f = np.zeros((n, 2 * n))
    for i in range(n):
        for j, tap in enumerate(taps):
            at = 2 * i + 1 - len(taps) // 2 + j
            if 0 <= at < 2 * n:
                f[i, at] = tap
    m = mask.repeat(2, 0).repeat(2, 1).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (f @ (half * m) @ f.T) / (f @ m @ f.T)


@pytest.mark.parametrize(("k", "tile"), [(2, 7), (4, 16), (4, 100), (2.5, 16), (6, 25)])
@pytest.mark.parametrize("taps", [(0.5, 0.5), psf_taps(0.25)])
@pytest.mark.parametrize("column", [4, 256])
def test_against_dense_algebra(k: float, tile: int, taps: tuple[float, ...], column: int) -> None:
    rng = np.random.default_rng(0)
    n = 24
    size = int(n * k)
    out = rng.normal(50, 10, (2, size, size)).astype(np.float32)
    values = rng.normal(50, 10, (2, n, n)).astype(np.float32)
    valid = np.ones_like(values, bool)
    valid[0, 5:9, 12:] = False
    meter = ClosureMeter(
        ArrayReader(values, valid), None, Window(0, 0, n, n), scale=k, taps=taps, encoding=ENCODING,
        tolerance_dn=(20.0, 20.0), column=column,
    )  # fmt: skip
    whole = Window(0, 0, size, size)
    for part in whole.blocks(tile, tile):
        piece = out[(..., *part.within(whole))]
        meter.add(part, piece, np.ones_like(piece, bool))
        if part.col_stop == size:
            meter.row_done(part.row_stop)
    result = meter.result()
    over = 0
    for band, (scale, offset) in enumerate(((0.5, 1.0), (2.0, 0.0))):
        residual = np.abs(
            _operator(out[band].astype(np.float64), k, taps, valid[band]) - (values[band] - offset) / scale
        )
        residual = residual[valid[band]]
        assert result.max_dn[band] == pytest.approx(residual.max(), rel=1e-4)
        assert result.rmse_dn[band] == pytest.approx(np.sqrt(np.mean(residual**2)), rel=1e-4)
        assert result.pixels[band] == residual.size
        over += int((residual > 20).sum())
    assert result.over == over


def test_a_piece_is_not_judged_where_its_operator_leaves_it() -> None:
    values = np.full((2, 30, 30), 7.0, np.float32)
    meter = ClosureMeter(
        ArrayReader(values, np.ones_like(values, bool)), None, Window(10, 5, 12, 12), scale=2, taps=psf_taps(0.25),
        encoding=ENCODING, tolerance_dn=(1.0, 1.0),
    )  # fmt: skip
    stored = np.stack([np.full((24, 24), 12.0), np.full((24, 24), 3.5)]).astype(np.float32)
    meter.add(Window(20, 10, 24, 24), stored, np.ones_like(stored, bool))
    result = meter.result()
    # 10 taps reach two input pixels to each side, so of 12 x 12 pixels the inner 8 x 8 are judged.
    assert result.pixels == (64, 64)
    assert max(result.max_dn) == pytest.approx(0, abs=1e-5)


def test_empty_tiles_are_left_out_of_the_measurement() -> None:
    """Where tiles were skipped for being empty, nothing is judged, and what lies beside them is judged as always."""
    n, k, tile = 40, 2, 16
    values = np.random.default_rng(1).normal(50, 10, (2, n, n)).astype(np.float32)
    valid = np.zeros_like(values, bool)
    valid[:, 8:24, 24:] = valid[:, 24:, :16] = True
    whole = Window(0, 0, n * k, n * k)
    taps = psf_taps(0.25)
    meter = ClosureMeter(
        ArrayReader(values, valid), None, Window(0, 0, n, n), scale=k, taps=taps, encoding=ENCODING,
        tolerance_dn=(20.0, 20.0), column=4,
    )  # fmt: skip
    out = np.random.default_rng(2).normal(50, 10, (2, n * k, n * k)).astype(np.float32)
    for part in whole.blocks(tile, tile):
        shown = valid[(..., *part.coarser(k).within(Window(0, 0, n, n)))].repeat(k, 1).repeat(k, 2)
        if shown.any():
            meter.add(part, out[(..., *part.within(whole))] * shown, shown)
        if part.col_stop == whole.width:
            meter.row_done(part.row_stop)
    result = meter.result()
    for band, (scale, offset) in enumerate(((0.5, 1.0), (2.0, 0.0))):
        shown = out[band].astype(np.float64) * valid[band].repeat(k, 0).repeat(k, 1)
        residual = np.abs(_operator(shown, k, taps, valid[band]) - (values[band] - offset) / scale)[valid[band]]
        assert result.pixels[band] == residual.size
        assert result.max_dn[band] == pytest.approx(residual.max(), rel=1e-4)


def test_what_is_held_does_not_grow_by_rows_of_tiles() -> None:
    tile, k, taps = 128, 2, psf_taps(0.25)
    most = []
    for width in (1024, 4096):
        n = width // k
        values = np.ones((2, tile, n), np.float32)
        meter = ClosureMeter(
            ArrayReader(values, np.ones_like(values, bool)), None, Window(0, 0, tile, n), scale=k, taps=taps,
            encoding=ENCODING, tolerance_dn=(1.0, 1.0), column=64,
        )  # fmt: skip
        held = []
        for part in Window(0, 0, 2 * tile, width).blocks(tile, tile):
            piece = np.ones((2, *part.shape), np.float32)
            meter.add(part, piece, np.ones_like(piece, bool))
            held.append(meter.nbytes)
            if part.col_stop == width:
                meter.row_done(part.row_stop)
        most.append(max(held))
    # A column of pixels more costs the rows that F reads again, not the 128 of a tile
    rows = (most[1] - most[0]) / (2 * 4 * (4096 - 1024))
    assert rows <= 2 * len(taps)
    assert most[0] < 1024 * tile * 2 * 4
