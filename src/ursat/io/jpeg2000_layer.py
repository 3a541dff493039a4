"""Warped views (`ursat.io.layer`) of stacks with JPEG 2000 files: made and read in the process for decoding."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ursat.io import isolated
from ursat.io.jpeg2000 import DRIVER, forget, new_number, there
from ursat.io.layer import Stack
from ursat.io.safety import sniff

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ursat.grid import Grid, Window
    from ursat.io.layer import Layer
    from ursat.io.remote import Location

_BLOCK = 1024  # pixels a side, the largest that GDAL decodes at once unless tiles are larger


def open_stack(text: str, grid: Grid, files: Iterable[Location]) -> Stack | JpegStack:
    """A stack (`ursat.io.stack`) of ``files``, here or, with a JPEG 2000 file among them, in the other process."""
    files = list(files)
    elsewhere = any(isinstance(path, Path) and sniff(path) == DRIVER for path in files)
    return (JpegStack if elsewhere else Stack)(text, grid, files[0])


class JpegStack:
    """A `ursat.io.layer.Stack` in the process for decoding."""

    def __init__(self, text: str, grid: Grid, location: Location) -> None:
        self.text, self.grid, self.location = text, grid, location
        self.number = new_number()

    def layer(self, grid: Grid, **options: Any) -> Layer:
        """A view of it; see `ursat.io.layer.WarpLayer`, whose ``options`` these are."""
        return _JpegLayer(self, grid, options)

    def close(self) -> None:
        """Release it; the layers over it come first."""
        forget(self.location, self.number)


class _JpegLayer:
    def __init__(self, stack: JpegStack, grid: Grid, options: dict[str, Any]) -> None:
        self._stack, self._arguments = stack, (grid, options)
        self._number = new_number()

    def read(self, window: Window) -> NDArray[Any]:
        stack = self._stack
        of_stack = (stack.number, stack.text, stack.grid, stack.location)
        pixels = isolated.call(stack.location, _read, of_stack, self._number, *self._arguments, window)
        if pixels is None:
            raise ValueError("a layer without pixels")
        return pixels

    def close(self) -> None:
        forget(self._stack.location, self._number)


def _read(
    of_stack: tuple[int, str, Grid, Location], number: int, grid: Grid, options: dict[str, Any], window: Window
) -> NDArray[Any]:
    stack = there(of_stack[0], lambda: Stack(*of_stack[1:]))
    layer = there(number, lambda: stack.layer(grid, **options))
    across, down = options["ratio"]
    cols = min(window.width * across + 2 * _BLOCK, stack.grid.width)
    rows = min(window.height * down + 2 * _BLOCK, stack.grid.height)
    isolated.allow(rows * cols * stack.dataset.count)
    pixels: NDArray[Any] = layer.read(window)
    return pixels
