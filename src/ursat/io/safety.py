"""What ursat lets GDAL open: local files whose first bytes say what they are, each by the one driver it belongs to.

The file name proves nothing: a VRT named ``scene.tif`` makes an unrestricted GDAL read any file it points to. So the
content is sniffed, the driver is forced, and GDAL runs with side-cars, Python pixel functions and networks switched
off (advice of GDAL's own "Security considerations" page).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import rasterio

from ursat.errors import InputError
from ursat.io.remote import network_options, remote_file

if TYPE_CHECKING:
    from ursat.io.remote import Location

# What GDAL may do while ursat reads. Its block cache takes 5 % of the machine's memory by default; rasterio hands the
# number to GDALSetCacheMax64, so it counts bytes here ("128" would be 128 bytes, and warping fifteen times slower).
LOCKDOWN: dict[str, str | int | bool] = {
    "GDAL_CACHEMAX": 64 << 20,
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_GEOREF_SOURCES": "INTERNAL",
    "GTIFF_POINT_GEO_IGNORE": "NO",
    "GDAL_VRT_ENABLE_PYTHON": "NO",
    "GDAL_VRT_ENABLE_RAWRASTERBAND": "NO",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "PROJ_NETWORK": "OFF",
    "GDAL_NUM_THREADS": "1",
}

_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_JP2 = (b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_KNOWN = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89HDF": "an HDF5 or netCDF-4 file",
    b"CDF\x01": "a netCDF file",
    b"CDF\x02": "a netCDF file",
    b"\x0e\x03\x13\x01": "an HDF4 file",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF document",
    b"NITF": "a NITF file",
    b"EHFA": "an Erdas Imagine file",
    b"RIFF": "a WebP or other RIFF file",
}
_REMOTE = re.compile(r"^(/vsi|[A-Za-z][A-Za-z0-9+.-]*://)")
_PREFIX = re.compile(r"^[A-Za-z][A-Za-z0-9_]+:")
_HINT_CONVERT = "convert it with: gdal_translate -of COG IN OUT.tif"


def locked_env(location: Location | None = None) -> rasterio.Env:
    """A GDAL environment for reading: no side-cars, no code in VRTs, a small block cache, and no network.

    Args:
        location: what is to be read; a remote file is the one thing that the network is opened for.
    """
    return rasterio.Env(**{**LOCKDOWN, **network_options(location)})


def locate(text: str, *, allow_remote: bool) -> Location:
    """The file or folder that ``text`` names, on a server only where that is allowed.

    Raises:
        InputError: see `local_path`.
    """
    found = remote_file(text) if allow_remote else None
    return found if found is not None else local_path(text)


def local_path(text: str) -> Path:
    """The absolute path that ``text`` names on this machine's own disks.

    Raises:
        InputError: for URLs, ``/vsi...``, ``DRIVER:...`` connection strings, XML documents, and missing files.
    """
    shown = text if len(text) <= 200 else text[:200] + "..."
    shown = shown.replace("\n", " ")
    if "\x00" in text or text.lstrip().startswith(("<", "{")):
        raise InputError(f"not a path: {shown!r}", hint="give the path of a local file or scene folder")
    known = remote_file(text)
    if known is not None:
        raise InputError(
            f"{known}: remote files are opened only with --allow-remote",
            hint="add --allow-remote, or download the file first",
        )
    if _REMOTE.match(text):
        raise InputError(
            f"{shown}: remote and virtual paths of this kind are not opened",
            hint="download the file first; http, https and s3 can be read with --allow-remote",
        )
    try:
        path = Path(text).expanduser()
        exists = path.exists()
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{shown}: not a usable path ({error})", hint="give the path of a local file") from error
    if not exists:
        if _PREFIX.match(text):
            raise InputError(
                f"{shown}: GDAL connection strings are not opened", hint="give the path of a local file or scene folder"
            )
        raise InputError(
            f"{shown}: no such file or folder", hint="check the path; relative paths start at the current folder"
        )
    if not (path.is_file() or path.is_dir()):
        raise InputError(
            f"{shown}: neither a file nor a folder", hint="to read from a pipe, use '-': ... | ursat ... -"
        )
    return path.absolute()


def sniff(path: Path) -> str:
    """What the first bytes of a file say it is: "GTiff", "JP2OpenJPEG", "VRT", "ZIP", "XML", "JSON" or "ODL".

    Raises:
        InputError: unreadable or empty files, and contents that ursat does not read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", hint="check the file's permissions") from error
    if not head:
        raise InputError(f"{path}: the file is empty", hint="download or copy it again")
    for magics, kind in ((_TIFF, "GTiff"), (_JP2, "JP2OpenJPEG"), (_ZIP, "ZIP")):
        if head.startswith(magics):
            return kind
    for magic, what in _KNOWN.items():
        if head.startswith(magic):
            raise InputError(f"{path}: not a raster that ursat reads, it is {what}", hint=_HINT_CONVERT)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if b"<VRTDataset" in head or b"<VRTDataset" in text:
        return "VRT"
    for start, kind in ((b"<", "XML"), (b"{", "JSON"), (b"GROUP", "ODL")):
        if text.startswith(start):
            return kind
    raise InputError(
        f"{path}: not a raster that ursat reads (GeoTIFF, COG, JPEG 2000, Landsat or Sentinel-2 scene)",
        hint=_HINT_CONVERT,
    )
