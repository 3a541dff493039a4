"""One warped view of a stack, read by windows so that no window changes a pixel.

GDAL's `WarpedVRT` is the same whatever the window only while it is read through its own blocks: requests that are
larger than a block in both directions, or the whole raster at once, are warped directly and differ in the last bit.
So each request stays within one row of blocks, and the virtual raster is one pixel larger than the grid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window as RasterioWindow

from ursat.io.raster import not_decoded
from ursat.io.safety import locked_env

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio.io import DatasetReader

    from ursat.grid import Grid, Window
    from ursat.io.remote import Location

TOLERANCE_PX = 1e-3  # of the approximated coordinate transformation, source pixels (rasterio 1.4 rejects 0)
WARP_MEMORY_MB = 64


class Layer(Protocol):
    """A stack on another grid, wherever it is read."""

    def read(self, window: Window) -> NDArray[Any]:
        """See `WarpLayer.read`."""
        ...

    def close(self) -> None:
        """Release the view."""
        ...


class Stack:
    """An opened stack (`ursat.io.stack`): all views of a scene share it, and with it what GDAL has read already.

    Args:
        text: VRT text.
        grid: its grid.
        location: a file that it names; the network is opened for that one, if it is remote.
    """

    def __init__(self, text: str, grid: Grid, location: Location) -> None:
        self.grid, self.location = grid, location
        with locked_env(location):
            self.dataset: DatasetReader = rasterio.open(text)

    def layer(self, grid: Grid, **options: Any) -> Layer:
        """A view of it; see `WarpLayer`, whose ``options`` these are."""
        return WarpLayer(self, grid, **options)

    def close(self) -> None:
        """Release it; the layers over it come first."""
        self.dataset.close()


class WarpLayer:
    """A stack resampled onto ``grid``.

    Args:
        stack: outlives this.
        grid: the target grid.
        resampling: a name of `rasterio.enums.Resampling`.
        dtype: "float32" or "float64", the stack's type.
        skip_nan: leave NaN out of the kernel and renormalise it; otherwise one NaN under the kernel makes NaN.
        fill: value where the source does not reach.
        ratio: source pixels per target pixel (along row, along column). Given to GDAL as XSCALE and YSCALE, which it
            otherwise estimates from each chunk.
    """

    def __init__(
        self,
        stack: Stack,
        grid: Grid,
        *,
        resampling: str,
        dtype: str,
        skip_nan: bool,
        fill: float,
        ratio: tuple[float, float],
    ) -> None:
        self.grid = grid
        self._stack = stack
        extras: dict[str, Any] = {
            "UNIFIED_SRC_NODATA": "NO",
            "NUM_THREADS": "1",
            "INIT_DEST": repr(fill),
            "XSCALE": repr(1 / ratio[0]),
            "YSCALE": repr(1 / ratio[1]),
        }
        with locked_env(stack.location):
            self._vrt = WarpedVRT(
                stack.dataset,
                src_crs=stack.grid.crs,
                src_transform=stack.grid.transform,
                src_nodata=np.nan if skip_nan else None,
                crs=grid.crs,
                transform=grid.transform,
                height=grid.height + 1,
                width=grid.width + 1,
                nodata=np.nan if np.isnan(fill) else None,
                resampling=Resampling[resampling],
                tolerance=TOLERANCE_PX,
                dtype=dtype,
                warp_mem_limit=WARP_MEMORY_MB,
                **extras,
            )
        self._fill = fill
        self._dtype = dtype
        self._block_rows = self._vrt.block_shapes[0][0]

    @property
    def count(self) -> int:
        """Number of bands."""
        return int(self._stack.dataset.count)

    def read(self, window: Window) -> NDArray[Any]:
        """(bands, height, width) of ``window``; ``fill`` outside the grid.

        Raises:
            InputError: when a source block does not decode.
        """
        out = np.full((self.count, *window.shape), self._fill, dtype=self._dtype)
        inside = window.intersect(self.grid.window)
        if inside.empty:
            return out
        with locked_env(self._stack.location):
            for part in inside.blocks(self._block_rows, self.grid.width):
                rows, cols = part.within(window)
                try:
                    out[:, rows, cols] = self._vrt.read(
                        window=RasterioWindow(part.col, part.row, part.width, part.height)
                    )
                except RasterioError as error:
                    raise not_decoded(error, self._stack.location, "a block under the other image") from error
        return out

    def close(self) -> None:
        """Release the view."""
        self._vrt.close()
