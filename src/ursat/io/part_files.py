"""Temporary files beside the output: hidden, locked while their writer lives, swept when it does not.

An output `out.tif` is made as `.out.tif.<token>.part.tif`. A lock file of the same token is held with flock for as
long as the writer lives; the kernel lets go of it whatever ends the process, so a token whose lock can be taken is
dead and its files may go, and a running twin is never touched.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
from threading import Event, Thread
from typing import TYPE_CHECKING

from ursat.errors import LimitError, OutputError, OutputExistsError
from ursat.io.gdal_messages import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ursat.errors import UrsatError

_LOCK = ".part.lock"
_PROBE_BYTES = 32 << 20
_LOOK_SECONDS = 1.0
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def _key(output: Path) -> str:
    # 255 bytes is the longest name on common file systems; token, suffixes and GDAL's own ".msk.ovr.tmp" follow
    return output.name.encode()[:180].decode(errors="ignore")


class PartFiles:
    """The temporaries of one output, owned by this process until `close`."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self._descriptor, self._stem = _create_lock(output)

    def path(self, role: str) -> Path:
        """Where the temporary of that role ("work", "cog") lives."""
        return self.output.with_name(f"{self._stem}.{role}.part.tif")

    def close(self) -> None:
        """Remove every temporary (also GDAL's own beside them) and release the lock."""
        if self._descriptor < 0:
            return
        _remove_group(self.output.parent, self._stem)
        self.output.with_name(self._stem + _LOCK).unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1

    @contextlib.contextmanager
    def watched(self, beat: Callable[[], None] | None) -> Iterator[None]:
        """Call ``beat``, from another thread, whenever the temporaries have grown or changed in number meanwhile."""
        over = Event()

        def watch() -> None:
            known = self._bytes()
            while beat is not None and not over.wait(_LOOK_SECONDS):
                now = self._bytes()
                if now != known:
                    beat()
                known = now

        watcher = Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    def _bytes(self) -> list[int]:
        with contextlib.suppress(OSError):  # one of them has just gone
            return [part.stat().st_size for part in _group(self.output.parent, self._stem)]
        return []

    def publish(self, part: Path, *, overwrite: bool) -> None:
        """Make ``part`` durable and give it the final name in one step.

        Raises:
            OutputExistsError: without ``overwrite`` somebody else has created the output meanwhile.
            LimitError, OutputError: the disk would not take it.
        """
        try:
            _fsync(part, os.O_RDWR)
            if overwrite:
                part.replace(self.output)
            else:
                self._link(part)
        except OSError as error:
            raise self.failure(one_line(error)) from error
        with contextlib.suppress(OSError):  # some network file systems cannot sync a folder; the file itself is safe
            _fsync(self.output.parent, os.O_RDONLY | os.O_DIRECTORY)

    def _link(self, part: Path) -> None:
        # link() fails when the name is taken, rename() would silently replace it
        try:
            os.link(part, self.output)
        except FileExistsError as error:
            raise output_exists(self.output) from error
        except OSError as error:  # file systems without hard links
            if self.output.exists():
                raise output_exists(self.output) from error
            part.replace(self.output)
        else:
            part.unlink()

    def failure(self, why: str) -> UrsatError:
        """The error that describes a failed write, found by appending to the temporaries that are lost anyway.

        GDAL reports "write error" without the system's reason; writing on ourselves brings the errno.
        """
        where = f"{self.output} was not written"
        reason = self._system_reason()
        if reason is None:
            return OutputError(f"{where}: {why}", hint="check the destination folder and the creation options")
        if reason.errno == errno.EFBIG:
            return LimitError(
                f"{where}: the file-size limit of this process or file system is reached",
                hint="raise it (ulimit -f) or write a smaller window",
            )
        if reason.errno in _FULL:
            free = shutil.disk_usage(self.output.parent).free
            return LimitError(
                f"{where}: its disk or quota is full ({free >> 20} MB free)",
                hint="free some space, or choose another folder with -o",
            )
        return OutputError(f"{where}: {os.strerror(reason.errno or 0)}", hint="check the destination disk")

    def _system_reason(self) -> OSError | None:
        chunk = bytes(1 << 20)
        parts = sorted(_group(self.output.parent, self._stem), key=lambda p: p.stat().st_size, reverse=True)
        for part in parts:
            try:
                with part.open("ab") as file:
                    for _ in range(_PROBE_BYTES // len(chunk)):
                        file.write(chunk)
            except OSError as error:
                return error
        return None


def output_exists(path: Path) -> OutputExistsError:
    """The error for an output that is already there."""
    return OutputExistsError(f"{path} already exists", hint="pass --overwrite to replace it, or another -o")


def sweep_stale(output: Path) -> None:
    """Remove what writers of the same output that no longer live have left behind."""
    pattern = re.compile(re.escape(f".{_key(output)}.") + "[0-9a-f]{16}" + re.escape(_LOCK))
    for lock in list(output.parent.iterdir()):
        if not pattern.fullmatch(lock.name):
            continue
        # gone meanwhile, not ours, or a file system without locks: then nobody can tell, and it stays
        with contextlib.suppress(OSError):
            descriptor = os.open(lock, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove_group(output.parent, lock.name.removesuffix(_LOCK))
                lock.unlink()
            finally:
                os.close(descriptor)


def _create_lock(output: Path) -> tuple[int, str]:
    """Create and hold a lock file; (descriptor, stem of the group's names)."""
    while True:
        stem = f".{_key(output)}.{secrets.token_hex(8)}"
        lock = output.with_name(stem + _LOCK)
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        except OSError as error:
            raise OutputError(
                f"cannot write {output}: {error.strerror} in {output.parent}",
                hint="choose a folder that can be written to with -o",
            ) from error
        if _hold(descriptor) and lock.exists():
            return descriptor, stem
        os.close(descriptor)  # a sweeper took the file for dead between its creation and its locking


def _hold(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: nobody can sweep there either
        return True
    return True


def _group(folder: Path, stem: str) -> list[Path]:
    return [entry for entry in folder.iterdir() if entry.name.startswith(stem) and not entry.name.endswith(_LOCK)]


def _remove_group(folder: Path, stem: str) -> None:
    for entry in _group(folder, stem):
        entry.unlink(missing_ok=True)


def _fsync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
