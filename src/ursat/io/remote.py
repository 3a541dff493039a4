"""Rasters on a web or S3 server: one named file, by ranges, and only where the user has allowed it.

GDAL's ``/vsicurl`` and ``/vsis3`` do the transfer. GDAL is told the one name that it may open, so nothing that a file
says can make it fetch another. Credentials are the environment's own (``AWS_...``, ``GDAL_HTTP_...``); ursat neither
reads nor shows them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rasterio.io import DatasetReader

    from ursat.grid import Window

_WEB = re.compile(r"(?:/vsicurl/)?(?P<url>https?://.+)", re.IGNORECASE | re.DOTALL)
_S3 = re.compile(r"(?:/vsis3/|s3://)(?P<key>.+)", re.IGNORECASE | re.DOTALL)
_PAGE = 16 << 10  # what GDAL rounds a range to when it reads a single block
_OPTIONS: dict[str, str | int] = {
    "GDAL_CACHEMAX": 96 << 20,
    "GDAL_INGESTED_BYTES_AT_OPEN": 64 << 10,
    "CPL_VSIL_CURL_CACHE_SIZE": 32 << 20,
    "GDAL_HTTP_CONNECTTIMEOUT": "20",
    "GDAL_HTTP_LOW_SPEED_LIMIT": "1000",
    "GDAL_HTTP_LOW_SPEED_TIME": "30",
    "GDAL_HTTP_MAX_RETRY": "3",
    "GDAL_HTTP_RETRY_DELAY": "0.5",
}


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on a server.

    gdal: what GDAL calls it. shown: what messages, reports and logs call it: no user name, password or query.
    """

    gdal: str
    shown: str

    @property
    def name(self) -> str:
        """Its last component."""
        return self.shown.rpartition("/")[2]

    def __str__(self) -> str:
        return self.shown


Location = Path | RemoteFile


def remote_file(text: str) -> RemoteFile | None:
    """The remote file that ``text`` names (http, https, s3, ``/vsicurl/http...``, ``/vsis3/...``), or None."""
    if any(ord(c) <= ord(" ") for c in text):
        return None
    web, bucket = _WEB.fullmatch(text), _S3.fullmatch(text)
    if web is not None:
        parts = urlsplit(web["url"])
        host = parts.netloc.rpartition("@")[2]
        return RemoteFile(f"/vsicurl/{web['url']}", f"{parts.scheme}://{host}{parts.path}") if host else None
    if bucket is not None and ".." not in bucket["key"].split("/"):
        return RemoteFile(f"/vsis3/{bucket['key']}", f"s3://{bucket['key']}")
    return None


def gdal_name(location: Location) -> str:
    """What GDAL calls a file."""
    return location.gdal if isinstance(location, RemoteFile) else str(location)


def network_options(location: Location | None) -> dict[str, str | int]:
    """What GDAL is further told in order to read ``location``: nothing, unless it is remote."""
    if not isinstance(location, RemoteFile):
        return {}
    return {**_OPTIONS, "CPL_VSIL_CURL_ALLOWED_FILENAME": location.gdal}


def failure(error: BaseException, location: Location) -> str:
    """Why a transfer failed, in GDAL's words, on one line and without the name that may hold a signature."""
    words = []
    cause: BaseException | None = error
    while cause is not None:
        words.append(" ".join(str(cause).split()))
        cause = cause.__cause__
    text = next((w for w in words if "HTTP" in w or "CURL" in w.upper() or "AWS" in w), words[-1] or "no reason given")
    return text.replace(gdal_name(location), str(location)).replace(gdal_name(location)[9:], str(location))[:200]


def block_bytes(dataset: DatasetReader, bands: Iterable[int], window: Window) -> dict[tuple[int, int, int], int]:
    """What reading ``window`` fetches: {(band, block row, block column): bytes}, band 0 where all share a block.

    Sizes are those of the file's own index; blocks without data cost nothing.
    """
    together = dataset.count > 1 and str(dataset.interleaving or "").upper().endswith("PIXEL")
    found: dict[tuple[int, int, int], int] = {}
    for band in [1] if together else sorted(set(bands)):
        rows, cols = dataset.block_shapes[band - 1]
        for row in range(window.row // rows, -(-window.row_stop // rows)):
            for col in range(window.col // cols, -(-window.col_stop // cols)):
                size = dataset.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=band)
                if size:
                    found[0 if together else band, row, col] = int(size) + _PAGE
    return found
