"""A hash by which a plan recognises its inputs: the bytes of small files, a sample of large ones, never a path."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from typing import TYPE_CHECKING

from rasterio.errors import RasterioError

from ursat.errors import InputError
from ursat.io.raster import not_decoded, open_raster
from ursat.io.remote import RemoteFile
from ursat.io.safety import locked_env

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ursat.io.product import Product
    from ursat.io.remote import Location

WHOLE_UP_TO_BYTES = 64 << 20
SAMPLES, SAMPLE_BYTES = 64, 64 << 10
MAX_ENTRIES = 4096


def fingerprint(product: Product, *, by_index: bool = False) -> str:
    """sha256 (hex) over what was understood of the input and over its files' contents.

    Files from 64 MB on count with their size and 64 evenly spaced pieces of 64 kB, the first and last included; remote
    files with their index (where each block begins and how long it is) and their middle block, and so do local ones
    where ``by_index``: a copy of a remote file is then known by the fingerprint that was taken over the network.

    Raises:
        InputError: when a file has disappeared.
    """
    encoding = product.encoding
    facts = {
        "sensor": product.sensor,
        "level": product.level,
        "shape": product.grid.shape,
        "transform": list(product.grid.transform)[:6],
        "crs": product.grid.crs,
        "dtype": encoding.dtype,
        "nodata": repr(encoding.nodata),
        "scales": encoding.scales,
        "offsets": encoding.offsets,
        "bands": [(s.index, b.native_name, b.common_name) for s, b in zip(product.sources, product.bands, strict=True)],
        "mask": product.mask and (product.mask.rule, product.mask.index),
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    paths = dict.fromkeys(source.path for source in product.sources)
    if product.mask is not None:
        paths[product.mask.path] = None
    for path in paths:
        for piece in _by_index(path) if by_index or isinstance(path, RemoteFile) else _pieces(path):
            digest.update(piece)
    return digest.hexdigest()


def _pieces(path: Path) -> Iterable[bytes]:
    try:
        size = path.stat().st_size
        yield size.to_bytes(8)
        with path.open("rb") as file:
            if size < WHOLE_UP_TO_BYTES:
                while piece := file.read(1 << 20):
                    yield piece
                return
            for number in range(SAMPLES):
                file.seek((size - SAMPLE_BYTES) * number // (SAMPLES - 1))
                yield file.read(SAMPLE_BYTES)
    except OSError as error:
        raise InputError(f"{path}: cannot be read any more ({error.strerror})", hint="restore the file") from error


def _by_index(path: Location) -> Iterable[bytes]:
    """The index, band by band, at most so many entries, evenly spaced; and the middle block of the first band."""
    with closing(open_raster(path, probe=False)) as dataset, locked_env(path):
        rows, cols = dataset.block_shapes[0]
        down, across = -(-dataset.height // rows), -(-dataset.width // cols)
        step = max(1, -(-down * across * dataset.count // MAX_ENTRIES))
        for band in range(1, dataset.count + 1):
            for number in range(0, down * across, step):
                key = f"{number % across}_{number // across}"
                for what in ("BLOCK_OFFSET", "BLOCK_SIZE"):
                    yield str(dataset.get_tag_item(f"{what}_{key}", "TIFF", bidx=band)).encode()
        try:
            yield dataset.read(1, window=dataset.block_window(1, down // 2, across // 2)).tobytes()
        except RasterioError as error:
            raise not_decoded(error, path, "its middle block") from error
