"""Opening one raster file: forced driver, gates before the first pixel, and a probe of its blocks."""

from __future__ import annotations

import os
import re
import warnings
from contextlib import contextmanager, nullcontext
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError, RasterioIOError

from ursat.errors import InputError
from ursat.grid import Grid
from ursat.io import isolated
from ursat.io.integrity import check_integrity
from ursat.io.jpeg2000 import DRIVER, JpegReader
from ursat.io.remote import RemoteFile, failure, gdal_name
from ursat.io.safety import locked_env, sniff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rasterio.io import DatasetReader

    from ursat.io.remote import Location

MAX_PIXELS = 1e12
MAX_BANDS = 4096
MAX_BLOCK_BYTES = 256 << 20
MAX_SIDE = 2**31 - 1
_one_silences = Lock()
DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")


def one_line(error: BaseException) -> str:
    """The first line of an error, without the absolute folder that GDAL likes to repeat."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return re.sub(r"\s+", " ", text)[:200]


def open_raster(path: Location, *, trusted: bool = False, probe: bool = True) -> DatasetReader:
    """Open a raster by the driver that its first bytes call for, after all checks that need no pixel.

    Args:
        path: absolute path of a local file, or a remote file, which must be a GeoTIFF.
        trusted: also open VRT, which reads whatever files it names.
        probe: decode the first, middle and last block, so that a damaged file fails here and not hours later.

    Raises:
        InputError: not a raster; VRT without ``trusted``; damaged; complex, 64-bit or paletted; absurd sizes; a
            server that does not answer.
    """
    kind = "GTiff" if isinstance(path, RemoteFile) else sniff(path)
    if kind == "VRT" and not trusted:
        raise InputError(
            f"{path}: this is a VRT, which makes GDAL read every file that it names",
            hint="pass --trusted if you made it yourself, or convert it: gdal_translate IN.vrt OUT.tif",
        )
    if kind not in {"GTiff", "JP2OpenJPEG", "VRT"}:
        raise InputError(
            f"{path}: not a raster ({kind} file)",
            hint="give a GeoTIFF or JPEG 2000 file, a Landsat folder or *_MTL file, a Sentinel-2 .SAFE folder or zip",
        )
    if kind == DRIVER:
        isolated.call(path, _prove, path, probe)
        return _open(path, kind, probe=False, reader=JpegReader)
    return _open(path, kind, probe=probe, reader=partial(rasterio.open, driver=kind))


def _prove(path: Path, probe: bool) -> None:
    """In the process for decoding: open a JPEG 2000 file, or fail in time."""
    _open(path, DRIVER, probe=probe, reader=partial(rasterio.open, driver=DRIVER)).close()


def _open(path: Location, kind: str, *, probe: bool, reader: Callable[[str], DatasetReader]) -> DatasetReader:
    with locked_env(path), nullcontext() if isinstance(path, RemoteFile) else _silence():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)  # `grid_of` says it better
                dataset = reader(gdal_name(path))
        except RasterioIOError as error:
            raise _not_opened(error, path) from error
        try:
            check_header(dataset, path)
            if probe:
                if not isinstance(path, RemoteFile):
                    check_integrity(dataset, path, kind)
                _probe(dataset, path)
        except BaseException:
            dataset.close()
            raise
    return dataset


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what C code prints to stderr by itself away from the user.

    libgeotiff does so for a damaged GeoJP2 box, libtiff for an offset beyond what a file can have.
    """
    with _one_silences:  # two that overlap would each take the other's silence for what stderr was
        kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)


def _not_opened(error: RasterioIOError, path: Location) -> InputError:
    if isinstance(path, RemoteFile):
        return InputError(
            f"{path}: not there, not readable from here, or not a GeoTIFF ({failure(error, path)})",
            hint="check the address; for S3 the AWS_... variables (AWS_NO_SIGN_REQUEST=YES for a public bucket)",
        )
    return InputError(
        f"{path}: cannot be opened, the header is damaged or the file is truncated ({one_line(error)})",
        hint="copy or download the file again",
    )


def not_decoded(error: BaseException, path: Location, where: str) -> InputError:
    """The error for pixels that cannot be had: damaged on disk, or lost on the network."""
    if isinstance(path, RemoteFile):
        return InputError(
            f"{path}: reading over the network failed at {where} ({failure(error, path)})",
            hint="check the connection and run the same command again",
        )
    return InputError(f"{path}: truncated or damaged, {where} does not decode", hint="copy or download the file again")


def check_header(dataset: DatasetReader, path: Location) -> None:
    """Refuse what no honest image claims, before any pixel is decoded.

    Raises:
        InputError: no bands, sizes beyond the limits above, or an unsupported data type.
    """
    height, width, count = dataset.height, dataset.width, dataset.count
    if count == 0:
        raise InputError(f"{path}: the file holds no raster band", hint="give one of its sub-datasets as a GeoTIFF")
    if count > MAX_BANDS:
        raise InputError(
            f"{path}: the header claims {count} bands, over the limit of {MAX_BANDS}",
            hint="take out the bands you need: gdal_translate -b 1 -b 2 IN OUT.tif",
        )
    if max(height, width) > MAX_SIDE or float(height) * width * count > MAX_PIXELS:
        raise InputError(
            f"{path}: the header claims {width} x {height} pixels in {count} bands, over the limit of {MAX_PIXELS:.0e}",
            hint="cut out the part you need: gdal_translate -srcwin X Y W H IN OUT.tif",
        )
    for name in dataset.dtypes:
        if name not in DTYPES:
            raise InputError(
                f"{path}: pixels of type {name} are not supported",
                hint="convert to one of " + ", ".join(DTYPES) + ": gdal_translate -ot Float32 IN OUT.tif",
            )
    together = count if str(dataset.interleaving or "").upper().endswith("PIXEL") else 1
    for (rows, cols), name in zip(dataset.block_shapes, dataset.dtypes, strict=True):
        size = rows * cols * np.dtype(name).itemsize * together
        if size > MAX_BLOCK_BYTES:
            raise InputError(
                f"{path}: one block of {cols} x {rows} pixels takes {size >> 20} MB, over the limit of "
                f"{MAX_BLOCK_BYTES >> 20} MB",
                hint="tile the file: gdal_translate -co TILED=YES IN OUT.tif",
            )
    if dataset.colorinterp[0].name == "palette":
        raise InputError(
            f"{path}: a colour-table image holds class numbers, not measurements",
            hint="expand it if it is a picture: gdal_translate -expand rgb IN OUT.tif",
        )


def grid_of(dataset: DatasetReader, path: Location) -> Grid:
    """The dataset's pixel grid.

    Raises:
        InputError: without a CRS, or located only by ground control points or rational polynomials.
    """
    transform = dataset.transform
    if transform.is_identity:
        gcps, _ = dataset.gcps
        if gcps:
            raise InputError(
                f"{path}: located by {len(gcps)} ground control points only, not by an affine transform",
                hint="warp it first: gdalwarp -tps -r cubic IN OUT.tif",
            )
        if dataset.rpcs is not None:
            raise InputError(
                f"{path}: located by rational polynomials (RPC) only, not by an affine transform",
                hint="orthorectify it first: gdalwarp -rpc -r cubic IN OUT.tif",
            )
    if dataset.crs is None:
        raise InputError(
            f"{path}: no coordinate reference system", hint="assign it: gdal_edit.py -a_srs EPSG:CODE FILE"
        )
    if transform.is_identity or transform.determinant == 0 or not all(map(np.isfinite, transform[:6])):
        raise InputError(f"{path}: no usable geotransform", hint="assign it: gdal_edit.py -a_ullr ULX ULY LRX LRY FILE")
    return Grid(dataset.height, dataset.width, transform, dataset.crs.to_wkt())


def gsd_of(dataset: DatasetReader) -> float | None:
    """Ground sampling distance in metres, as `Grid.gsd_m` measures it; None where the dataset has no grid."""
    if dataset.crs is None or dataset.transform.is_identity:
        return None
    return Grid(dataset.height, dataset.width, dataset.transform, dataset.crs.to_wkt()).gsd_m


def _probe(dataset: DatasetReader, path: Location) -> None:
    """Decode the first, the middle and the last block of the first and the last band."""
    for band in sorted({1, dataset.count}):
        rows, cols = dataset.block_shapes[band - 1]
        last = ((dataset.height - 1) // rows, (dataset.width - 1) // cols)
        for row, col in sorted({(0, 0), (last[0] // 2, last[1] // 2), last}):
            isolated.allow(rows * cols * dataset.count)
            try:
                dataset.read(band, window=dataset.block_window(band, row, col))
            except (RasterioError, ValueError) as error:
                raise not_decoded(error, path, f"block ({row}, {col}) of band {band}") from error
