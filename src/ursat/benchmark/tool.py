"""ursat itself as a method of the benchmark: through files, as any user runs it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ursat
from ursat.benchmark.observation import Observation, read_result, write_observation
from ursat.errors import UrsatError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WORDS = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Ursat:
    """A way of calling ursat: options as (name, text) pairs, and whether through the real command line.

    Calling it writes the observation as GeoTIFFs into a temporary folder, runs, and reads the output back.
    """

    options: tuple[tuple[str, str], ...] = ()
    command_line: bool = False

    @property
    def label(self) -> str:
        """``ursat`` or ``ursat[psf=box closure=exact]``."""
        words = [f"{name}={text}" for name, text in self.options]
        return f"ursat[{' '.join(words)}]" if words else "ursat"

    def __call__(self, observation: Observation) -> NDArray[Any]:
        """(C, H, W) DN as the output file holds them; UrsatError when the run fails."""
        with tempfile.TemporaryDirectory(prefix="ursat-benchmark-") as name:
            folder = Path(name)
            lr, ref = write_observation(observation, folder)
            out = folder / "out.tif"
            if self.command_line:
                self._run_command(lr, ref, out, observation.scale)
            else:
                self._run_here(lr, ref, out, observation.scale)
            return read_result(out)

    def _run_here(self, lr: Path, ref: Path | None, out: Path, scale: int) -> None:
        chosen = {name: _typed(name, text) for name, text in self.options}
        ursat.upscale(
            str(lr),
            ursat.UpscaleOptions(scale=scale, ref=str(ref) if ref else None, output=str(out), overwrite=True, **chosen),
        )

    def _run_command(self, lr: Path, ref: Path | None, out: Path, scale: int) -> None:
        command = [sys.executable, "-m", "ursat", "upscale", str(lr), "-o", str(out), "--scale", str(scale), "-q"]
        if ref:
            command += ["--ref", str(ref)]
        for name, text in self.options:
            flag = f"--{name.replace('_', '-')}"
            command += [flag] if _WORDS.get(text.lower()) is True else [flag, text]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[0]
            raise UrsatError(f"ursat upscale ended with {done.returncode}: {last}")


def parse_options(words: list[str]) -> tuple[tuple[str, str], ...]:
    """``["psf=mtf=0.25", "closure=off"]`` as (name, text) pairs.

    Raises:
        UsageError: a word without ``=``, or no such option.
    """
    known = {field.name for field in fields(ursat.UpscaleOptions)} - {"scale", "gsd", "ref", "output", "overwrite"}
    pairs = []
    for word in words:
        name, equals, text = word.partition("=")
        name = name.replace("-", "_")
        if not equals or name not in known:
            raise UsageError(f"--ursat-options: {word!r} is no NAME=VALUE of upscale", hint=", ".join(sorted(known)))
        pairs.append((name, text))
    return tuple(pairs)


def _typed(name: str, text: str) -> Any:
    """The text as the type of the option's default."""
    default = next(field.default for field in fields(ursat.UpscaleOptions) if field.name == name)
    if isinstance(default, bool):
        return _WORDS[text.lower()]
    if isinstance(default, int | float):
        return type(default)(text)
    return tuple(text.split(",")) if isinstance(default, tuple) else text
