"""ursat itself as a method of the benchmark: through files, as any user runs it."""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
import tempfile
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

import ursat
from ursat.benchmark.judge import Answer
from ursat.benchmark.observation import Observation, read_result, write_observation
from ursat.errors import UrsatError, UsageError
from ursat.run.report import Sampling

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ursat.models.registry import ModelInfo

_WORDS = {"true": True, "yes": True, "false": False, "no": False}
_SET_HERE = {"scale", "gsd", "ref", "output", "overwrite"}


@dataclass(frozen=True, slots=True)
class Ursat:
    """A way of calling ursat: options as (name, text) pairs, and whether through the real command line.

    threads: 0 for all cores; no part of the label, as no pixel depends on it. Calling it writes the observation as
    GeoTIFFs into a temporary folder, runs with the observation's seed, and reads the output back.
    """

    options: tuple[tuple[str, str], ...] = ()
    command_line: bool = False
    threads: int = 0

    @property
    def label(self) -> str:
        """``ursat``, ``core-xs:faithful,psf=box``: as ``--methods`` takes it; a file with the start of its sha256."""
        rest = [(name, _content(text)) for name, text in self.options]
        model = next((text for name, text in rest if name == "model"), "ursat")
        mode = next((f":{text}" for name, text in rest if name == "mode"), "")
        return ",".join([model + mode, *(f"{name}={text}" for name, text in rest if name not in {"model", "mode"})])

    @property
    def sha256(self) -> str:
        """Of the model's weights; empty for a classical model.

        Raises:
            UsageError: there is no such model.
            InputError: its weights cannot be used.
        """
        return self._model.sha256

    @property
    def parameters(self) -> int:
        """Of the model's network; 0 for a classical model."""
        weights = self._model.weights
        return 0 if weights is None else weights.parameters

    @property
    def _model(self) -> ModelInfo:
        from ursat.models.registry import find_model  # noqa: PLC0415  (imports more than most runs need)

        options = dict(self.options)
        return find_model(options.get("model", ursat.UpscaleOptions().model), options.get("sr"))

    def having(self, name: str, value: object) -> Ursat:
        """The same with one more option."""
        return replace(self, options=(*self.options, (name, str(value))))

    def __call__(self, observation: Observation) -> Answer:
        """(C, H, W) DN as the output file holds them, with what the run's report says.

        ``closure_rms`` and ``closure_max``, and ``evaluations`` of the network over all levels, for three bands.

        Raises:
            UrsatError: the run fails.
        """
        if "seed" not in dict(self.options):
            return self.having("seed", observation.seed)(observation)
        with tempfile.TemporaryDirectory(prefix="ursat-benchmark-") as name:
            folder = Path(name)
            lr, ref = write_observation(observation, folder)
            out = folder / "out.tif"
            run = self._run_command if self.command_line else self._run_here
            report = run(lr, ref, out, observation.scale)
            return Answer(
                read_result(out), {**_closure(report["closure"]), **_evaluations(report["sampling"], observation)}
            )

    def _run_here(self, lr: Path, ref: Path | None, out: Path, scale: int) -> dict[str, Any]:
        files: dict[str, Any] = {"ref": str(ref) if ref else None, "output": str(out), "overwrite": True}
        asked = {"jobs": self.threads, **typed_options(self.options)}
        options = ursat.UpscaleOptions(scale=scale, **files, **asked)
        return ursat.upscale(str(lr), options).to_json()

    def _run_command(self, lr: Path, ref: Path | None, out: Path, scale: int) -> dict[str, Any]:
        command = [sys.executable, "-m", "ursat", "upscale", str(lr), "-o", str(out), "--scale", str(scale), "-q"]
        command += ["--json", *(["--ref", str(ref)] if ref else [])]
        for name, text in (("jobs", str(self.threads)), *self.options):
            flag = f"--{name.replace('_', '-')}"
            command += [flag] if _WORDS.get(text.lower()) is True else [flag, text]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[0]
            raise UrsatError(f"ursat upscale ended with {done.returncode}: {last}")
        report: dict[str, Any] = json.loads(done.stdout)
        return report


def _closure(summary: Mapping[str, Any]) -> dict[str, float]:
    """Residuals of H(output) - input over all bands, DN: root mean square and largest; none where not measured."""
    rms, largest = summary["rmse_dn"], summary["max_dn"]
    if None in rms:  # a band without a single complete pixel
        return {}
    mean_square = math.fsum(v * v for v in rms) / len(rms)
    return {"closure_rms": math.sqrt(mean_square), "closure_max": max(largest)}


def _evaluations(sampling: Mapping[str, Any], observation: Observation) -> dict[str, float]:
    depth = math.ceil(math.log2(observation.scale))
    total = sum(Sampling(**sampling).on(level, depth) for level in range(1, depth + 1))
    return {"evaluations": float(total)} if total else {}


def _content(text: str) -> str:
    """A path to a file with the start of its content's sha256: weights that are trained on keep their name."""
    path = Path(text)
    return f"{path.name}@{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}" if path.is_file() else text


def parse_options(words: list[str]) -> tuple[tuple[str, str], ...]:
    """``["psf=mtf=0.25", "closure=off"]`` as (name, text) pairs.

    Raises:
        UsageError: a word without ``=``, no such option, or a value of another kind than the option's.
    """
    known = {field.name for field in fields(ursat.UpscaleOptions)} - _SET_HERE
    pairs = []
    for word in words:
        name, equals, text = word.partition("=")
        name = name.replace("-", "_")
        if not equals or name not in known:
            raise UsageError(f"--methods: {word!r} is no NAME=VALUE of upscale", hint=", ".join(sorted(known)))
        pairs.append((name, text))
    typed_options(pairs)
    return tuple(pairs)


def typed_options(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Arguments of `ursat.UpscaleOptions` from the pairs of `parse_options`."""
    return {name: _typed(name, text) for name, text in pairs}


def _typed(name: str, text: str) -> Any:
    """The text as the first of the option's declared types that it can be read as."""
    declared = get_type_hints(ursat.UpscaleOptions)[name]
    for kind in get_args(declared) if get_origin(declared) in {Union, UnionType} else (declared,):
        value = _read(kind, text)
        if value is not None:
            return value
    raise UsageError(f"--methods: {name} cannot be {text!r}", hint="ursat upscale --help lists what it takes")


def _read(kind: Any, text: str) -> Any:
    """The text as one type; None where it is none."""
    if kind is bool:
        return _WORDS.get(text.lower())
    if get_origin(kind) is Literal:
        return text if text in get_args(kind) else None
    if get_origin(kind) is tuple:
        parts = [_read(get_args(kind)[0], part) for part in text.split(",")]
        return None if None in parts else tuple(parts)
    try:
        return kind(text) if kind in {int, float, str} else None
    except ValueError:
        return None
