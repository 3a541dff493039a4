"""The files of a product, whether they lie in a folder or in a zip archive."""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from ursat.errors import InputError

if TYPE_CHECKING:
    from contextlib import ExitStack

MAX_MEMBERS = 20_000
MAX_RATIO = 200  # of a member over 1 MB; real products are JPEG 2000 inside and hardly compress
RATIO_FROM_BYTES = 1 << 20
_AGAIN = "download the product again"


class Tree(Protocol):
    """Named files; names are relative, with forward slashes."""

    def names(self) -> list[str]:
        """All files, sorted."""
        ...

    def local(self, name: str) -> Path:
        """A path on disk where the file's bytes can be read."""
        ...


def inside(file: Path, folder: Path) -> Path:
    """``file``, if it lies under ``folder`` once all links are followed.

    Raises:
        InputError: a link leads out of the folder.
    """
    if not file.resolve().is_relative_to(folder.resolve()):
        raise InputError(
            f"{file} is a link out of the product's folder", hint="pass --trusted if you made the link yourself"
        )
    return file


class FolderTree:
    """The files under a folder; folders that are links are not entered.

    Args:
        root: the folder.
        trusted: files may be links to anywhere.
    """

    def __init__(self, root: Path, *, trusted: bool = False) -> None:
        self._root, self._trusted = root, trusted

    def names(self) -> list[str]:
        """All files, sorted.

        Raises:
            InputError: absurdly many.
        """
        found: list[str] = []
        for folder, _, files in os.walk(self._root):
            here = Path(folder).relative_to(self._root)
            found += [(here / name).as_posix() for name in files]
            if len(found) > MAX_MEMBERS:
                raise InputError(f"{self._root}: more than {MAX_MEMBERS} files", hint="name the product's own folder")
        return sorted(found)

    def local(self, name: str) -> Path:
        """The file itself.

        Raises:
            InputError: it is a link that leaves the folder.
        """
        file = self._root / name
        return file if self._trusted else inside(file, self._root)


class ZipTree:
    """The files of an archive; a file is unpacked into a temporary folder when it is asked for.

    Raises:
        InputError: not a zip; members that would leave the folder, links, encrypted or duplicate members, absurd
            numbers of members or compression ratios.
    """

    def __init__(self, path: Path, cleanup: ExitStack) -> None:
        self._path = path
        try:
            self._zip = cleanup.enter_context(zipfile.ZipFile(path))
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
            raise InputError(f"{path}: damaged or truncated zip archive ({error})", hint=_AGAIN) from error
        self._members: dict[str, zipfile.ZipInfo] = {}
        infos = self._zip.infolist()
        if len(infos) > MAX_MEMBERS:
            raise InputError(f"{path}: {len(infos)} members, over the limit of {MAX_MEMBERS}", hint=_AGAIN)
        for info in infos:
            self._check(info)
            if not info.is_dir():
                self._members[info.filename] = info
        self._folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="ursat-zip-")))

    def _check(self, info: zipfile.ZipInfo) -> None:
        name = info.filename
        why = None
        if name.startswith("/") or "\\" in name or ":" in name or ".." in PurePosixPath(name).parts:
            why = "its path leaves the archive"
        elif stat.S_ISLNK(info.external_attr >> 16):
            why = "it is a symbolic link"
        elif info.flag_bits & 1:
            why = "it is encrypted"
        elif name in self._members:
            why = "it occurs twice"
        elif info.file_size > RATIO_FROM_BYTES and info.file_size > MAX_RATIO * info.compress_size:
            why = f"it expands more than {MAX_RATIO} times"
        if why:
            raise InputError(f"{self._path}: member {name[:120]!r} is refused, {why}", hint=_AGAIN)

    def names(self) -> list[str]:
        """All files, sorted."""
        return sorted(self._members)

    def local(self, name: str) -> Path:
        """Unpack a member, once.

        Raises:
            InputError: damaged member or full disk.
        """
        info = self._members[name]
        target = self._folder.joinpath(*PurePosixPath(name).parts)
        if target.exists():
            return target
        free = shutil.disk_usage(self._folder).free
        if info.file_size > free:
            raise InputError(
                f"{self._path}: unpacking {name} needs {info.file_size >> 20} MB, only {free >> 20} are free",
                hint="set TMPDIR to a folder on a larger disk, or unpack the archive yourself",
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._zip.open(info) as packed, target.open("wb") as file:
                shutil.copyfileobj(packed, file, 1 << 20)
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, RuntimeError) as error:
            target.unlink(missing_ok=True)
            raise InputError(f"{self._path}: member {name} does not unpack ({error})", hint=_AGAIN) from error
        return target
