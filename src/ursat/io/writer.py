"""Cloud-optimised GeoTIFFs that are either complete under their final name or not there at all.

Pixels go into an uncompressed tiled working file beside the output; GDAL's COG driver copies that into a second
temporary, which is reopened, compared with what was written, synced to disk and renamed.
"""

from __future__ import annotations

import zlib
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.windows import Window as RasterWindow

from ursat.freed import give_back
from ursat.io.creation_options import BLOCK, cog_options, is_lossless, try_options
from ursat.io.gdal_messages import GDAL_ERRORS, collect_gdal_messages, one_line
from ursat.io.part_files import PartFiles, output_exists, sweep_stale
from ursat.io.provenance import NAMESPACE, provenance_tags
from ursat.io.safety import locked_env

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

    from ursat.grid import Grid, Window
    from ursat.types import Encoding

# The copy goes from block to block: 64 MiB take no less time and 75 MiB more (docs/decisions.md, 18)
_COPY_CACHE = 16 << 20


class CogWriter:
    """Writes one output window by window; use it as a context manager and call `finish` at the end.

    Leaving the block without `finish`, whatever the reason, removes every temporary; nothing then stands under
    the final name that was not there before.

    Args:
        path: the output; its folder must exist.
        grid: of the output.
        encoding: of the output; nodata has already been put into the pixels handed in.
        creation_options: (name, value) pairs for GDAL's COG driver; they win over the defaults.
        overwrite: replace an existing output (only at the very end, in one step).
        threads: for overviews, compression and the final check; they do not change a byte.

    Raises:
        UsageError: a creation option that GDAL does not accept.
        OutputExistsError: the output is there and ``overwrite`` is not set.
        OutputError: the folder cannot be written to.
    """

    def __init__(
        self,
        path: Path,
        grid: Grid,
        encoding: Encoding,
        *,
        creation_options: Sequence[tuple[str, str]] = (),
        overwrite: bool = False,
        threads: int = 1,
    ) -> None:
        self.path = path
        self.grid = grid
        self.encoding = encoding
        self._overwrite = overwrite
        self._threads = threads
        self._options = cog_options(encoding, creation_options, threads)
        self._written: dict[Window, int] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(locked_env())  # bounds GDAL's block cache, and keeps side-cars away
            profile = _working_profile(self.grid, self.encoding)
            try_options(profile, self._options)
            if self.path.exists() and not self._overwrite:
                raise output_exists(self.path)
            self._parts = PartFiles(self.path)
            stack.callback(self._parts.close)
            sweep_stale(self.path)
            with self._failures("opening"):
                self._dataset = rasterio.open(self._parts.path("work"), "w", **profile)
                stack.callback(self._close_quietly)
                _describe(self._dataset, self.encoding)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def write(self, window: Window, dn: NDArray[Any]) -> None:
        """Put one window's pixels into the output.

        Args:
            window: inside the output's grid; windows must not overlap each other (the same one may come twice).
            dn: (bands, height, width) stored numbers, already in the output's dtype.

        Raises:
            ValueError: a wrong shape, dtype or place.
            LimitError: the disk, the quota or the file-size limit is full.
            OutputError: the pixels could not be written for another reason.
        """
        expected = (len(self.encoding.scales), *window.shape)
        if dn.shape != expected or dn.dtype != np.dtype(self.encoding.dtype):
            raise ValueError(f"expected {expected} {self.encoding.dtype}, got {dn.shape} {dn.dtype}")
        if not self.grid.window.contains(window):
            raise ValueError(f"{window} is outside the output's {self.grid.shape}")
        if window.empty:
            return
        with self._failures("writing"):
            self._dataset.write(dn, window=_raster_window(window))
        self._written[window] = _checksum(dn)

    def finish(self, provenance: Mapping[str, Any], beat: Callable[[], None] | None = None) -> Path:
        """Turn what was written into the final file and give it its name.

        Args:
            provenance: JSON-ready; stored as tags of the namespace URSAT.
            beat: called, perhaps by another thread, while files grow and whenever a window was checked.

        Returns:
            The output's path.

        Raises:
            LimitError: the disk, the quota or the file-size limit is full.
            OutputError: GDAL failed, or what it wrote is not what was handed in.
            OutputExistsError: without ``overwrite``, somebody else has made the output meanwhile.
        """
        work, cog = self._parts.path("work"), self._parts.path("cog")
        tags = provenance_tags(provenance)
        with self._failures("closing"):
            self._dataset.update_tags(ns=NAMESPACE, **tags)
            self._dataset.close()
        # The overviews pass through a file of their own that nobody keeps: compressing it would take a quarter longer
        with rasterio.Env(GDAL_NUM_THREADS=self._threads, COG_TMP_COMPRESSION="NONE", GDAL_CACHEMAX=_COPY_CACHE):
            give_back()
            with self._failures("copying"), self._parts.watched(beat):
                rasterio.shutil.copy(work, cog, driver="COG", **self._options)
            with self._failures("checking"):
                self._check(work, cog, tags, beat)
        work.unlink()
        self._parts.publish(cog, overwrite=self._overwrite)
        return self.path

    def _check(self, work: Path, cog: Path, tags: Mapping[str, str], beat: Callable[[], None] | None) -> None:
        """Compare the finished file with the working file's header and with every window handed in."""
        with rasterio.open(work, driver="GTiff") as expected, rasterio.open(cog, driver="GTiff") as found:
            for name in ("shape", "count", "dtypes", "transform", "crs", "scales", "offsets", "units", "descriptions"):
                if getattr(found, name) != getattr(expected, name):
                    raise self._parts.failure(f"its {name} reads back as {getattr(found, name)}")
            if not np.array_equal(found.nodata or 0, expected.nodata or 0, equal_nan=True):
                raise self._parts.failure(f"its nodata value reads back as {found.nodata}")
            if found.tags(ns=NAMESPACE) != tags:
                raise self._parts.failure("its provenance tags do not read back")
            # GDAL closes a file that it could not complete without a word: only reading it all tells
            source = found if is_lossless(self._options) else expected
            for window, checksum in self._written.items():
                pixels = source.read(window=_raster_window(window))
                if _checksum(pixels) != checksum:
                    raise self._parts.failure(f"its pixels of {window} do not read back as written")
                if beat is not None:
                    beat()

    @contextmanager
    def _failures(self, doing: str) -> Iterator[None]:
        """Turn GDAL's and the system's failures of one step into the error that tells the user why."""
        with collect_gdal_messages() as messages:
            try:
                yield
            except GDAL_ERRORS as error:
                text = one_line(messages[0] if messages else error)
                raise self._parts.failure(f"{doing} failed: {text}") from error

    def _close_quietly(self) -> None:
        """Close after a failure: what GDAL still wants to flush has no reader any more."""
        with collect_gdal_messages():
            try:
                self._dataset.close()
            except GDAL_ERRORS:
                return


def _working_profile(grid: Grid, encoding: Encoding) -> dict[str, Any]:
    # uncompressed: measured at 4096 x 4096 x 3 uint16, ZSTD level 1 writes half as fast and saves a fifth of the space
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "height": grid.height,
        "width": grid.width,
        "count": len(encoding.scales),
        "dtype": encoding.dtype,
        "nodata": encoding.nodata,
        "transform": grid.transform,
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        # by band: GDAL leaves the other bands of a half-written pixel-interleaved block at 0 instead of nodata
        "interleave": "band",
        # GDAL guesses RGB and RGBA from band count and dtype unless it is told
        "photometric": "RGB" if encoding.colorinterp[:3] == ("red", "green", "blue") else "MINISBLACK",
        "ALPHA": "NO",
        "SPARSE_OK": "TRUE",
        "BIGTIFF": "IF_SAFER",
    }
    if grid.crs:
        profile["crs"] = CRS.from_user_input(grid.crs)
    return profile


def _describe(dataset: Any, encoding: Encoding) -> None:
    """Everything about the bands that is not a pixel."""
    dataset.scales = encoding.scales
    dataset.offsets = encoding.offsets
    if any(unit is not None for unit in encoding.units):
        dataset.units = tuple(unit or "" for unit in encoding.units)
    for index, text in enumerate(encoding.descriptions, start=1):
        if text is not None:
            dataset.set_band_description(index, text)
    dataset.colorinterp = [ColorInterp[name] for name in encoding.colorinterp]
    dataset.update_tags(AREA_OR_POINT="Area")


def _raster_window(window: Window) -> RasterWindow:
    return RasterWindow(window.col, window.row, window.width, window.height)


def _checksum(pixels: NDArray[Any]) -> int:
    return zlib.crc32(np.ascontiguousarray(pixels).view(np.uint8).data)
