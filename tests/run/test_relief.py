"""Out of memory: fewer tiles at once, then smaller pieces, the same bytes; and a clear end where nothing helps."""

from __future__ import annotations

import gc
import hashlib
import logging
import threading
import time
import weakref
from typing import TYPE_CHECKING

import pytest
import rasterio
import torch

from ursat import UpscaleOptions, upscale
from ursat.errors import LimitError, out_of_memory
from ursat.grid import Window
from ursat.kept import Kept
from ursat.run.budget import SMALLEST_TILE
from ursat.run.cascade import Cascade
from ursat.run.relief import Relief
from ursat.run.workers import in_order

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = Window(0, 0, 256, 256)
SAMPLE = "sample_data/landsat8.tif"
ERRORS = {
    "of torch": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3 GiB"),
    "of Python": MemoryError("Unable to allocate 3 GiB"),
    "of torch's allocator": RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    "of a library": RuntimeError("CUDNN_STATUS_ALLOC_FAILED"),
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=list(ERRORS))
def test_what_counts_as_out_of_memory(error: Exception) -> None:
    assert out_of_memory(error)


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), ValueError("out of memory"), KeyError("memory")])
def test_what_does_not(error: Exception) -> None:
    assert not out_of_memory(error)
    with pytest.raises(type(error)):
        Relief(2, 256).make(Window(0, 0, 8, 8), lambda _: throw(error), lambda _, pieces: pieces[0][1])


def throw(error: Exception) -> Window:
    raise error


class Held:
    """Stands for a tensor of an attempt."""


def test_what_an_attempt_held_is_free_before_the_next() -> None:
    kept: Kept[int, int] = Kept(9, lambda _: 1)
    seen: list[weakref.ref[Held]] = []

    def block(_: int) -> int:
        held = Held()
        seen.append(weakref.ref(held))
        raise MemoryError(f"no room beside {held}")

    def task(window: Window) -> Window:
        if not seen:
            list(kept.each([1], block))
        assert seen[0]() is None
        return window

    gc.disable()  # chance shall not do it
    try:
        assert Relief(2, 256).make(WHOLE, task, lambda whole, _: whole) == WHOLE
    finally:
        gc.enable()


class Scarce:
    """Makes windows as long as all that are being made have at most ``room`` pixels together."""

    def __init__(self, room: int) -> None:
        self.room, self.held, self.largest = room, 0, 0
        self._lock = threading.Lock()

    def make(self, window: Window) -> set[Window]:
        pixels = window.height * window.width
        with self._lock:
            if self.held + pixels > self.room:
                raise torch.OutOfMemoryError("CUDA out of memory")
            self.held += pixels
            self.largest = max(self.largest, self.held)
        time.sleep(0.002)
        with self._lock:
            self.held -= pixels
        return {window}


def together(_: Window, pieces: list[tuple[Window, set[Window]]]) -> set[Window]:
    return set().union(*(made for _, made in pieces))


@pytest.mark.parametrize(("room", "sides"), [(4 * 256**2, {256}), (256**2, {256}), (100**2, {64}), (64**2, {64})])
def test_first_fewer_at_once_then_smaller(room: int, sides: set[int]) -> None:
    scarce, relief = Scarce(room), Relief(4, 256)
    tiles = list(Window(0, 0, 512, 1024).blocks(256, 256))
    made = list(in_order(lambda w: relief.make(w, scarce.make, together), tiles, workers=4, cores=4, stop=lambda: None))
    assert {side for pieces in made[-4:] for piece in pieces for side in piece.shape} == sides
    for tile, pieces in zip(tiles, made, strict=True):
        assert sum(piece.height * piece.width for piece in pieces) == 256**2
        assert all(tile.contains(piece) for piece in pieces)


def test_the_end_of_what_can_be_done(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "ursat"), pytest.raises(LimitError, match="out of memory even for one"):
        Relief(3, 300).make(Window(0, 0, 300, 300), Scarce(SMALLEST_TILE**2 - 1).make, together)
    said = [record.getMessage() for record in caplog.records]
    assert [line.partition(": ")[2] for line in said] == [
        "from now on 1 at once", "tiles are made in pieces of 150 px", "tiles are made in pieces of 75 px",
        "tiles are made in pieces of 64 px",
    ]  # fmt: skip


@pytest.mark.parametrize("model", ["fusion", "core-xs"])
def test_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    """A whole quarter without data, a spread where there is a network, and memory for a quarter of a tile."""
    source = tmp_path / "in.tif"
    with rasterio.open(SAMPLE) as sample:
        pixels, profile = sample.read(window=((40, 64), (30, 54))), sample.profile
    pixels[:, :14, :10] = profile["nodata"]
    with rasterio.open(source, "w", **{**profile, "height": 24, "width": 24}) as out:
        out.write(pixels)

    def run(name: str) -> list[str]:
        samples = None if model == "fusion" else 2
        folder = tmp_path / name
        folder.mkdir()
        output = str(folder / "o.tif")
        upscale(str(source), UpscaleOptions(scale=8, output=output, model=model, tile=128, jobs=2, samples=samples))
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())]

    whole = run("whole")
    render, refused = Cascade.render, []

    def scarce(self: Cascade, window: Window) -> object:
        if window.height * window.width > SMALLEST_TILE**2:
            refused.append(window)
            raise torch.OutOfMemoryError("CUDA out of memory")
        return render(self, window)

    monkeypatch.setattr(Cascade, "render", scarce)
    assert run("pieces") == whole
    assert refused
