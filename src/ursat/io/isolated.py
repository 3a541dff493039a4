"""Calls in a process beside this one, which is killed when one of them computes without end, or dies of it.

A damaged JPEG 2000 file can keep OpenJPEG computing for hours, and nothing inside a process can end such a call. So
that driver decodes here: one process for all JPEG 2000 files, started for the first and gone after a minute without
work. The kernel ends it when a call has used up its processor time (`RLIMIT_CPU`: time that a slow disk or a loaded
machine does not use up), whatever has become of the process that asked. It keeps nothing that a new one would lack.
"""

from __future__ import annotations

import atexit
import io
import json
import math
import os
import pickle
import resource
import select
import signal
import subprocess
import sys
import time
from multiprocessing.spawn import get_executable
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from rasterio.errors import RasterioError, RasterioIOError

from ursat.errors import InputError, LimitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ursat.io.remote import Location

SECONDS = 6  # of processor time for a call, and
PIXELS_A_SECOND = 5e5  # more where it decodes many: an eighth of what OpenJPEG does, measured on lossless 16-bit blocks
MEMORY = 4 << 30  # of address space: a header that claims more fails as damaged, and takes nobody else's memory
RESIDENT = 220 << 20  # of memory: 137 MB measured on windows of a full Sentinel-2 band; and its cache of GDAL when full
_IDLE_SECONDS, _LOOK_SECONDS = 60, 2
_ATTEMPTS = 2  # the first process may just have gone for want of work
_START = "import sys; sys.path[:] = sys.argv[1:]; from ursat.io.isolated import serve; serve()"
_seconds: float | None = None  # for a call; None in any process but the one for decoding


class _GoneError(Exception):
    """The process has ended without an answer."""


class _Process:
    """The process, as its parent sees it."""

    def __init__(self) -> None:
        # -P: nothing is imported from the current folder, which may be the one that the images came in
        command = [os.fsdecode(get_executable() or sys.executable), "-P", "-c", _START, *sys.path]
        try:
            self._child = subprocess.Popen(  # noqa: S603  (this very interpreter)
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
            )
        except OSError as error:
            raise LimitError(
                f"the process that decodes JPEG 2000 cannot be started: {error.strerror}",
                hint="allow one more process (ulimit -u), or convert the file: gdal_translate IN.jp2 OUT.tif",
            ) from error
        self._requests = cast("io.FileIO", self._child.stdin)  # not buffered: a fork would send what waits once more
        self._answers = io.BufferedReader(cast("io.FileIO", self._child.stdout))
        if not self._answers.readline():
            raise RuntimeError(f"the process for decoding has ended with {self.end()} before it was asked anything")

    def ask(self, request: bytes) -> tuple[dict[str, Any], NDArray[Any] | None]:
        """Send a pickled call and wait for (the answer's head, the array that it returned)."""
        try:
            rest = memoryview(request)
            while rest:
                rest = rest[self._requests.write(rest) :]
        except BrokenPipeError as error:
            raise _GoneError from error
        line = self._answers.readline()
        if not line.endswith(b"\n"):
            raise _GoneError
        head: dict[str, Any] = json.loads(line)
        if "shape" not in head:
            return head, None
        array = np.empty(head["shape"], head["dtype"])
        if self._answers.readinto(array.reshape(-1).view(np.uint8).data) != array.nbytes:
            raise _GoneError
        return head, array

    def running(self) -> bool:
        """Whether it has not gone, for want of work or otherwise."""
        return self._child.poll() is None

    def end(self) -> int:
        """Make sure that it has ended; its exit status, negative for a signal."""
        self._child.kill()
        self._requests.close()
        self._answers.close()
        return self._child.wait()


_one_asks = Lock()
_process: _Process | None = None


def call(path: Location, function: Callable[..., NDArray[Any] | None], *arguments: object) -> NDArray[Any] | None:
    """``function(*arguments)`` in the process for decoding.

    Args:
        path: the file that messages name.
        function: of a module; may ask for more time with `allow`.
        arguments: what pickle takes.

    Raises:
        InputError, RasterioError: as the function raises them; InputError also where it computes without end or breaks
            the process.
        LimitError: no further process may be started.
    """
    request = pickle.dumps((SECONDS, function, arguments))
    with _one_asks:
        head, array = _ask(path, request)
    if "input" in head:
        raise InputError(head["input"], hint=head["hint"])
    if "raster" in head:
        raise RasterioIOError(head["raster"])
    if "error" in head:
        raise RuntimeError(f"in the process for decoding: {head['error']}")
    return array


def running() -> bool:
    """Whether the process for decoding is there, and takes its part of the memory."""
    process = _process
    return process is not None and process.running()


def _ask(path: Location, request: bytes) -> tuple[dict[str, Any], NDArray[Any] | None]:
    global _process  # noqa: PLW0603  (one a program, as it holds a cache)
    status = 0
    for _ in range(_ATTEMPTS):
        if _process is None:
            _process = _Process()
        try:
            return _process.ask(request)
        except _GoneError:
            status = _end()
            if status == -signal.SIGXCPU:
                raise InputError(
                    f"{path}: damaged, decoding it comes to no end",
                    hint="copy or download the file again; if others can read it: gdal_translate IN.jp2 OUT.tif",
                ) from None
        except BaseException:
            _end()  # the answer that nobody waits for must not be taken for the next one
            raise
    raise InputError(
        f"{path}: damaged, the process that decodes it has ended with {status}", hint="copy or download the file again"
    )


def _end() -> int:
    global _process
    process, _process = _process, None
    return 0 if process is None else process.end()


def _forked() -> None:
    """A fork starts its own: two would mix up their answers. The lock may be one that nobody here can open."""
    global _one_asks, _process
    _one_asks, _process = Lock(), None


os.register_at_fork(after_in_child=_forked)
atexit.register(_end)


def allow(pixels: float) -> None:
    """Give the call under way the time of decoding ``pixels``, from now on; only in the process for decoding."""
    if _seconds is not None:
        until = math.ceil(time.process_time() + _seconds + pixels / PIXELS_A_SECOND)
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (_least(until, most), most))


def _least(wanted: int, most: int) -> int:
    return wanted if most == resource.RLIM_INFINITY else min(wanted, most)


def serve() -> None:
    """The process's own side: calls from stdin, answers to stdout, until nobody is there or wants anything."""
    global _seconds
    for number in (signal.SIGINT, signal.SIGTERM):  # a terminal and `timeout` send them to everyone; the parent decides
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_least(MEMORY, most), most))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no answer
    parent = os.getppid()
    answers.write(b"ready\n")
    answers.flush()
    while _asked(parent):
        try:
            _seconds, function, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301  (the parent's own words)
        except EOFError:
            return
        allow(0)
        head, array = _answer(function, arguments)
        answers.write(json.dumps(head).encode() + b"\n")
        if array is not None:
            answers.write(array.reshape(-1).view(np.uint8).data)
        answers.flush()


def _asked(parent: int) -> bool:
    """Wait for something to read; False when the parent has gone, or wants nothing for a minute."""
    until = time.monotonic() + _IDLE_SECONDS
    while not select.select([0], [], [], _LOOK_SECONDS)[0]:
        # a fork of the parent that lives on holds the pipe open
        if os.getppid() != parent or time.monotonic() > until:
            return False
    return True


def _answer(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[dict[str, Any], NDArray[Any] | None]:
    try:
        array = function(*arguments)
    except InputError as error:
        return {"input": error.message, "hint": error.hint}, None
    except (RasterioError, MemoryError) as error:
        return {"raster": str(error)}, None
    except Exception as error:  # noqa: BLE001  (the parent tells it)
        return {"error": repr(error)}, None
    if array is None:
        return {}, None
    array = np.ascontiguousarray(array)
    return {"shape": array.shape, "dtype": array.dtype.str}, array
