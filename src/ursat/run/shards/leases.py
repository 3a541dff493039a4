"""Who makes which shard: a lock file each, held with flock, its time renewed while its holder is heard of.

The kernel lets go of a lock whatever ends the process, so on one machine a lock that can be taken has no holder. On a
network disk without shared locks the holder's name in the file and the file's age decide. A lease that has expired is
anybody's, also where its holder still lives: it hangs, or its machine stands still. Two that make the same shard for
that reason do no harm: the second renames identical bytes over the first's.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING, Self

from ursat.errors import LimitError, OutputError
from ursat.run.shards.files import read_object
from ursat.run.shards.stalls import PATIENCE_SECONDS
from ursat.run.shards.values import canonical

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from ursat.run.shards.lattice import Shard
    from ursat.run.shards.places import Places

RENEW_SECONDS = 15.0
EXPIRES_SECONDS = 120.0  # eight renewals missed
_FULL = {errno.ENOSPC, errno.EDQUOT}


class Lease:
    """A claimed shard; leaving the block gives it back.

    Args:
        path: of the lock file.
        descriptor: of it, locked.
        patience: seconds without a `beat` after which the lease is renewed no more.
        hung: called then, once, with those seconds.
    """

    def __init__(
        self, path: Path, descriptor: int, *, patience: float, hung: Callable[[float], None] | None = None
    ) -> None:
        self._path, self._descriptor = path, descriptor
        self._patience, self._hung = patience, hung
        self._heard = time.monotonic()
        self._over = Event()
        self._renewal = Thread(target=self._renew, daemon=True)

    def beat(self) -> None:
        """The holder has made something."""
        self._heard = time.monotonic()

    def __enter__(self) -> Self:
        self._renewal.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._renewal.join()
        with suppress(OSError):
            if self._path.stat().st_ino == os.fstat(self._descriptor).st_ino:  # else it has expired, and is another's
                self._path.unlink()
        os.close(self._descriptor)

    def _renew(self) -> None:
        pause = min(RENEW_SECONDS, self._patience / 4)
        began = time.monotonic()
        while not self._over.wait(pause):
            now = time.monotonic()
            if now - began > 3 * pause:  # the whole process was suspended meanwhile: its silence does not count
                self._heard += now - began
            began = now
            if now - self._heard > self._patience:
                if self._hung is not None:
                    self._hung(self._patience)
                return
            with suppress(OSError):
                os.utime(self._descriptor)


def claim(
    places: Places,
    shard: Shard,
    worker: str,
    *,
    patience: float = PATIENCE_SECONDS,
    hung: Callable[[float], None] | None = None,
) -> Lease | None:
    """Take a shard, or None where somebody else is at it.

    Args:
        places: the run's folder.
        shard: to be made.
        worker: who will make it.
        patience: see `Lease`, like ``hung``.
        hung: see there.

    Raises:
        LimitError, OutputError: the folder of locks cannot be written to.
    """
    path = places.lease(shard)
    try:
        path.parent.mkdir(exist_ok=True)
        descriptor = _locked(path)
        if descriptor is None and _expired(path, places, worker):
            path.unlink(missing_ok=True)
            descriptor = _locked(path)
        if descriptor is None:
            return None
        if _held_elsewhere(path, places, worker):
            os.close(descriptor)
            return None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, canonical({"host": socket.gethostname(), "worker": worker}).encode(), 0)
    except OSError as error:
        kind = LimitError if error.errno in _FULL else OutputError
        raise kind(
            f"cannot write to {path.parent}: {error.strerror}", hint="make room, or mend its permissions"
        ) from error
    return Lease(path, descriptor, patience=patience, hung=hung)


def lapsed(places: Places, shard: Shard) -> bool | None:
    """Whether nothing was heard of a shard's holder for too long; None where it has no holder."""
    path = places.lease(shard)
    return _expired(path, places, f"reader-{os.getpid()}") if path.exists() else None


def holders(places: Places) -> dict[str, str]:
    """{shard: worker} of the leases in force; a lock that has expired or can be taken does not count."""
    found = {}
    for path in sorted(places.leases.glob("*.lock")):
        said = read_object(path)
        if said is not None and isinstance(said.get("worker"), str) and not _free(path, places):
            found[path.stem] = said["worker"]
    return found


def _locked(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    if _take(descriptor, path):
        return descriptor
    os.close(descriptor)
    return None


def _take(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: name and age decide
        return True
    with suppress(OSError):
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    return False  # the former holder has removed it meanwhile


def _held_elsewhere(path: Path, places: Places, worker: str) -> bool:
    """Whether another machine holds what could be locked here."""
    said = read_object(path)
    if said is None or said.get("worker") == worker:
        return False
    return said.get("host") != socket.gethostname() and not _expired(path, places, worker)


def _expired(path: Path, places: Places, worker: str) -> bool:
    # the disk's clock dates both files: machines' own clocks may differ
    now = places.leases / f".now-{worker}"
    try:
        now.touch()
        return now.stat().st_mtime - path.stat().st_mtime > EXPIRES_SECONDS
    except OSError:  # a full disk tells no time; a file that is gone is nobody's
        return not path.exists()
    finally:
        with suppress(OSError):
            now.unlink()


def _free(path: Path, places: Places) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return True
    try:
        reader = f"reader-{os.getpid()}"
        if _take(descriptor, path):
            return not _held_elsewhere(path, places, reader)
        return _expired(path, places, reader)
    finally:
        os.close(descriptor)
