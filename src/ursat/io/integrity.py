"""Truncation that a decoder may hide: blocks or boxes that reach beyond the end of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursat.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rasterio.io import DatasetReader

MAX_BLOCKS_CHECKED = 4096
_END_OF_CODESTREAM = b"\xff\xd9"


def check_integrity(dataset: DatasetReader, path: Path, driver: str) -> None:
    """Compare the sizes that a file claims for its parts with its length.

    Raises:
        InputError: when a part lies beyond the end.
    """
    if driver == "GTiff":
        _check_tiff(dataset, path)
    elif driver == "JP2OpenJPEG":
        _check_jp2(path)


def _truncated(path: Path, claimed: int, size: int) -> InputError:
    return InputError(
        f"{path}: truncated, the header places data up to byte {claimed} but the file ends at byte {size}",
        hint="copy or download the file again",
    )


def _check_tiff(dataset: DatasetReader, path: Path) -> None:
    """Offsets and sizes of about 4096 evenly spaced blocks over all bands, the last one of each included."""
    size = path.stat().st_size
    together = str(dataset.interleaving or "").upper().endswith("PIXEL")
    bands = [1] if together else range(1, dataset.count + 1)
    for band in bands:
        rows, cols = dataset.block_shapes[band - 1]
        down, across = -(-dataset.height // rows), -(-dataset.width // cols)
        step = max(1, -(-down * across * len(bands) // MAX_BLOCKS_CHECKED))
        for number in {*range(0, down * across, step), down * across - 1}:
            key = f"{number % across}_{number // across}"
            offset = dataset.get_tag_item(f"BLOCK_OFFSET_{key}", "TIFF", bidx=band)
            length = dataset.get_tag_item(f"BLOCK_SIZE_{key}", "TIFF", bidx=band)
            if offset and length and int(offset) + int(length) > size:
                raise _truncated(path, int(offset) + int(length), size)


def _check_jp2(path: Path) -> None:
    """Walk the top-level boxes (ISO/IEC 15444-1, annex I.4) and look for the codestream's end marker."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) == b"\xff\x4f\xff\x51":  # a bare codestream has no boxes
            start, end = 0, size
        else:
            start, end = _codestream(file.seek, file.read, size, path)
        file.seek(max(start, end - 2))
        if file.read(2) != _END_OF_CODESTREAM:
            raise InputError(
                f"{path}: truncated, the JPEG 2000 codestream has no end marker", hint="copy or download the file again"
            )


def _codestream(seek: Callable[[int], int], read: Callable[[int], bytes], size: int, path: Path) -> tuple[int, int]:
    position, found = 0, (0, 0)
    while position + 8 <= size:
        seek(position)
        head = read(16)
        length, kind, body = int.from_bytes(head[:4]), head[4:8], 8
        if length == 1:
            length, body = int.from_bytes(head[8:16]), 16
        elif length == 0:
            length = size - position
        if length < body:
            break
        if position + length > size:
            raise _truncated(path, position + length, size)
        if kind == b"jp2c":
            found = (position + body, position + length)
        position += length
    if found == (0, 0):
        raise InputError(f"{path}: the JPEG 2000 file holds no codestream", hint="copy or download the file again")
    return found
