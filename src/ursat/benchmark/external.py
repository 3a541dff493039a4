"""Any other program as a method: a command line with {lr}, {ref}, {out} and {scale}."""

from __future__ import annotations

import hashlib
import os
import shlex
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ursat.benchmark.observation import read_result, write_observation
from ursat.errors import InputError, UrsatError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ursat.benchmark.observation import Observation

PLACES = ("{lr}", "{ref}", "{out}", "{scale}")
TIMEOUT_S = 600.0
_SCRIPTS = frozenset({".py", ".sh", ".R", ".jl"})
_SAID = 200  # characters of what a failed program said last


@dataclass(frozen=True, slots=True)
class External:
    """A program that reads {lr} (and {ref}, an empty word where there is none) and writes {out}, all GeoTIFFs.

    words: the command, split as a shell would, without being run by one. The files are uint16 (reflectance x 10000, or
    eight bits x 40) on one UTM grid; {out} must have the bands of {lr} and {scale} times its pixels a side.
    timeout_s: of one call, in seconds.
    """

    words: tuple[str, ...]
    timeout_s: float = TIMEOUT_S

    @property
    def label(self) -> str:
        """The program's name, with a hash of the command and of the files that it names: 'enlarge.py@1a2b3c4d'."""
        digest = hashlib.sha256(shlex.join(self.words).encode())
        for word in self.words:
            if Path(word).is_file():
                digest.update(Path(word).read_bytes())
        return f"{self.name}@{digest.hexdigest()[:8]}"

    @property
    def name(self) -> str:
        """The script's, or the program's: 'enlarge.py'."""
        return next((Path(w).name for w in self.words if Path(w).suffix in _SCRIPTS), Path(self.words[0]).name)

    def __call__(self, observation: Observation) -> NDArray[Any]:
        """(C, H, W) DN as the program wrote them.

        Raises:
            UrsatError: it cannot be started, takes too long, ends with another code than 0, or leaves no image of the
                right shape.
        """
        with tempfile.TemporaryDirectory(prefix="ursat-external-") as name:
            folder = Path(name)
            lr, ref = write_observation(observation, folder)
            out = folder / "out.tif"
            values = dict(zip(PLACES, (str(lr), str(ref or ""), str(out), str(observation.scale)), strict=True))
            self._run([_filled(word, values) for word in self.words])
            if not out.is_file():
                raise InputError(f"{self.name} wrote no {{out}}")
            try:
                pixels = read_result(out)
            except Exception as error:
                raise InputError(f"{self.name}: {{out}} cannot be read ({type(error).__name__})") from error
        expected = (len(observation.lr), *observation.shape)
        if pixels.shape != expected:
            raise InputError(f"{self.name} wrote {pixels.shape} pixels instead of {expected}")
        return pixels

    def _run(self, command: list[str]) -> None:
        try:
            process = subprocess.Popen(  # noqa: S603  (the user's own command, no shell)
                command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise InputError(f"{command[0]} cannot be started: {error.strerror}") from error
        try:
            _, said = process.communicate(timeout=self.timeout_s)
        except subprocess.TimeoutExpired as error:
            raise UrsatError(f"{self.name} took longer than {self.timeout_s:g} s") from error
        finally:
            if process.poll() is None:  # with its children: it leads a group of its own
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        if process.returncode:
            last = (said.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
            raise UrsatError(f"{self.name} ended with {process.returncode}: {last[:_SAID]}")


def _filled(word: str, values: dict[str, str]) -> str:
    for place, value in values.items():
        word = word.replace(place, value)
    return word


def parse_external(text: str, timeout_s: float = TIMEOUT_S) -> External:
    """A command line as a method.

    Raises:
        UsageError: it cannot be split into words, or lacks {lr} or {out}.
    """
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"--external: {text!r} cannot be read ({error})", hint="quote it as for a shell") from error
    lacking = [place for place in ("{lr}", "{out}") if not any(place in word for word in words)]
    if lacking:
        raise UsageError(
            f"--external: {text!r} has no {' and no '.join(lacking)}",
            hint="such as --external 'python mine.py {lr} {ref} {out} {scale}'",
        )
    return External(words, timeout_s)
