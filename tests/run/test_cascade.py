"""The cropping cascade: any cut of the scene gives the same pixels, bitwise (promise 3), with network blocks too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from affine import Affine

from ursat.fir import psf_taps
from ursat.grid import Grid, Window
from ursat.models.fusion import FusionStage
from ursat.models.stage import LevelInputs, StageSettings
from ursat.models.wavelet import HaarBands, idwt2
from ursat.run.cascade import Cascade
from ursat.run.closure import ClosureMeter
from ursat.types import Block, Encoding, SensorModel

if TYPE_CHECKING:
    from torch import Tensor

SENSOR = SensorModel("box", 0.64, (0.5, 0.5), (0.0, 0.0), (1.0, 1.0))
SETTINGS = StageSettings(SENSOR, None, "exact", (-1e9, -1e9), (1e9, 1e9))


@dataclass
class ArrayReader:
    """A raster in memory; counts what is read."""

    values: np.ndarray
    valid: np.ndarray

    @property
    def grid(self) -> Grid:
        return Grid(*self.values.shape[-2:], Affine(30, 0, 0, 0, -30, 0), "EPSG:32649")

    def read(self, window: Window) -> Block:
        shape = (self.values.shape[0], *window.shape)
        values, valid = np.zeros(shape, self.values.dtype), np.zeros(shape, bool)
        inside = window.intersect(self.grid.window)
        if not inside.empty:
            values[(..., *inside.within(window))] = self.values[(..., *inside.within(self.grid.window))]
            valid[(..., *inside.within(window))] = self.valid[(..., *inside.within(self.grid.window))]
        return Block(values, valid)


class Slopes:
    """A classical stage: the detail is the local slope."""

    name = "slopes"
    block = None

    def halo(self, level: int) -> int:
        return 3 if level == 1 else 1

    def run(self, inputs: LevelInputs) -> Tensor:
        x = inputs.x
        v, h = torch.zeros_like(x), torch.zeros_like(x)
        v[..., 1:-1] = (x[..., :-2] - x[..., 2:]) * 0.125
        h[..., 1:-1, :] = (x[..., :-2, :] - x[..., 2:, :]) * 0.125
        return idwt2(HaarBands(x, v, h, torch.zeros_like(x)))


class Network:
    """A stage with real convolutions, run on fixed-shape blocks anchored at absolute coordinates."""

    name = "network"
    block = 16

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.first = torch.randn(24, 2, 3, 3, generator=generator) * 0.2
        self.second = torch.randn(6, 24, 3, 3, generator=generator) * 0.2
        self.shapes: set[tuple[int, ...]] = set()

    def halo(self, level: int) -> int:
        return 4

    def run(self, inputs: LevelInputs) -> Tensor:
        self.shapes.add(tuple(inputs.x.shape))
        z = inputs.x[None].contiguous(memory_format=torch.channels_last)
        z = torch.nn.functional.silu(torch.nn.functional.conv2d(z, self.first, padding=1))
        z = torch.nn.functional.conv2d(z, self.second, padding=1)[0]
        return idwt2(HaarBands(inputs.x, *(band.contiguous() for band in z.split(2))))


def _scene(holes: bool = True) -> ArrayReader:
    rng = np.random.default_rng(3)
    values = rng.normal(100, 20, (2, 41, 53)).astype(np.float32)
    valid = np.ones_like(values, bool)
    if holes:
        valid[0, 10:17, 20:31] = False
        valid[1, 30:, 40:] = False
        values[~valid] = -9999
    return ArrayReader(values, valid)


def _cascade(stage: object, scale: float, source: ArrayReader) -> Cascade:
    return Cascade(
        stage, SETTINGS, scale=scale, source=source, reference=None, device=torch.device("cpu"),
        dtype=torch.float32, gsd_m=30.0,
    )  # fmt: skip


def _render(cascade: Cascade, window: Window, tile: int) -> tuple[np.ndarray, np.ndarray]:
    values = np.full((2, *window.shape), np.nan, np.float32)
    valid = np.zeros((2, *window.shape), bool)
    for part in window.blocks(tile, tile):
        done = cascade.render(part)
        if done is not None:
            values[(..., *part.within(window))] = torch.where(done.valid, done.values, torch.nan).numpy()
            valid[(..., *part.within(window))] = done.valid.numpy()
    return values, valid


@pytest.mark.parametrize("scale", [2.0, 8.0, 3.0, 7.5])
@pytest.mark.parametrize("stage", [Slopes, Network])
def test_any_tile_gives_the_same_bits(scale: float, stage: type) -> None:
    source = _scene()
    grid = source.grid.finer(scale)
    whole, whole_valid = _render(_cascade(stage(), scale, source), grid.window, 4096)
    for tile in (32, 57):
        values, valid = _render(_cascade(stage(), scale, source), grid.window, tile)
        np.testing.assert_array_equal(valid, whole_valid)
        np.testing.assert_array_equal(values, whole)
    part = Window(int(5 * scale), int(10 * scale), int(20 * scale), int(12 * scale))
    values, _ = _render(_cascade(stage(), scale, source), part, 64)
    np.testing.assert_array_equal(values, whole[(..., *part.within(grid.window))])


def test_network_sees_few_shapes() -> None:
    stage = Network()
    _render(_cascade(stage, 4.0, _scene()), Window(3, 5, 70, 41), 32)
    assert stage.shapes == {(2, 24, 24)}  # blocks of 16 and their halo
    _render(_cascade(stage, 4.0, _scene()), _scene().grid.finer(4).window, 300)
    # The last column of 53 pixels, and the last row of the grid twice as fine, make blocks of 24
    assert stage.shapes == {(2, 24, 24), (2, 24, 32), (2, 32, 24)}


@pytest.mark.parametrize(("scale", "taps"), [(7.5, (0.5, 0.5)), (2.5, psf_taps(0.25)), (3.0, psf_taps(0.25))])
def test_exact_closure_where_pixels_straddle(scale: float, taps: tuple[float, ...]) -> None:
    source = _scene()
    settings = replace(SETTINGS, sensor=replace(SENSOR, taps=taps))
    grid = source.grid.finer(scale)
    stage = FusionStage(settings)
    cascade = Cascade(
        stage, settings, scale=scale, source=source, reference=None, device=torch.device("cpu"),
        dtype=torch.float32, gsd_m=30.0,
    )  # fmt: skip
    values, valid = _render(cascade, grid.window, 150)
    meter = ClosureMeter(
        source, None, source.grid.window, scale=scale, taps=taps, tolerance_dn=(0.5, 0.5),
        encoding=Encoding("float32", None, (1.0,) * 2, (0.0,) * 2, (None,) * 2, (None,) * 2, ("gray",) * 2),
    )  # fmt: skip
    meter.add(grid.window, np.nan_to_num(values), valid)
    assert max(meter.result().max_dn) < 0.5
    again, _ = _render(cascade, grid.window, 64)
    np.testing.assert_array_equal(again, values)


@pytest.mark.parametrize("scale", [2.0, 8.0, 3.0, 10.0])
def test_block_means_are_the_input(scale: float) -> None:
    source = _scene(holes=False)
    grid = source.grid.finer(scale)
    values, valid = _render(_cascade(Slopes(), scale, source), grid.window, 64)
    assert valid.all()
    k = int(scale)
    means = values.astype(np.float64).reshape(2, 41, k, 53, k).mean(axis=(2, 4))
    np.testing.assert_allclose(means, source.values, atol=1e-3)


def test_nodata_does_not_leak_either_way() -> None:
    source, clean = _scene(), _scene()
    clean.values[~clean.valid] = 1e6  # another hidden value under the same mask
    grid = source.grid.finer(8)
    values, valid = _render(_cascade(Slopes(), 8.0, source), grid.window, 128)
    np.testing.assert_array_equal(valid, source.valid.repeat(8, 1).repeat(8, 2))
    np.testing.assert_array_equal(values, _render(_cascade(Slopes(), 8.0, clean), grid.window, 128)[0])
    assert np.nanmin(values) > -100


def test_empty_windows_cost_nothing() -> None:
    source = _scene()
    source.valid[:, :20] = False
    stage = Network()
    assert _cascade(stage, 4.0, source).render(Window(0, 0, 64, 64)) is None
    assert not stage.shapes


def test_keep_restricts_the_output() -> None:
    source = _scene(holes=False)

    def left_half(window: Window) -> np.ndarray:
        cols = np.arange(window.col, window.col_stop)[None, :]
        return np.broadcast_to(cols < 20, window.shape)

    free, _ = _render(_cascade(Slopes(), 4.0, source), Window(0, 0, 64, 160), 64)
    cascade = _cascade(Slopes(), 4.0, source)
    cascade.keep = left_half
    values, valid = _render(cascade, Window(0, 0, 64, 160), 64)
    assert valid[..., :80].all()
    assert not valid[..., 80:].any()
    np.testing.assert_array_equal(values[..., :80], free[..., :80])
