"""The models that a run can name: `fusion`, the learned ones whose weights ship, and any file of weights."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ursat.errors import InputError, UsageError
from ursat.models.core.weights import SUFFIX, WeightsInfo, load_weights, read_info
from ursat.models.paper.weights import is_paper, load_paper, read_paper
from ursat.models.shipped import DEFAULT_MODEL, SHA256
from ursat.models.sr.catalog import SRInfo, find_sr, load_sr

if TYPE_CHECKING:
    import torch

    from ursat.models.paper.config import CSPKind
    from ursat.models.paper.samplers import Sampler
    from ursat.models.stage import Stage, StageSettings

WEIGHTS = Path(__file__).with_name("weights")
FUSION = "fusion"
WAVEDIFFUR, CSP = "wavediffur", "csp-wavediffur"
PAPER_WEIGHTS = "paper-mini"  # of both systems of the paper, where no file is named
_FUSION_SUMMARY = "least-squares deconvolution of the input and detail of the harmonised reference; nothing learned"
_CORE_SUMMARY = "wavelet-domain diffusion that corrects the classical answer (core family)"
_SUMMARIES = {
    WAVEDIFFUR: "Algorithm 1 of arXiv 2412.18996: the plug-in SR module of --sr, its low-frequency band diffused",
    CSP: "Algorithm 2 of arXiv 2412.18996: CSP encoder, low-frequency diffusion, high-frequency restoration (CSHR)",
}

Mode = Literal["faithful", "realistic"]
_MODE: Mode = "realistic"
_CORE_STEPS, _PAPER_STEPS = 1, 20


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the tool says of a model: in the run report, in the file's provenance, in ``ursat models``.

    kind: "classical" (no learned weights) or "diffusion". mode: what it does unless told otherwise; only a diffusion
    can be "realistic". weights: what their file says, None where there is none; path: that file; pinned: whether its
    sha256 is one that this version of ursat was published with. steps: of a sample, after the mean, unless told
    otherwise. sr: the SR module, of `WAVEDIFFUR` only. guided: whether it takes detail from a reference.
    """

    name: str
    kind: str
    summary: str
    mode: Mode
    weights: WeightsInfo | None = None
    path: Path | None = None
    pinned: bool = False
    steps: int = 0
    sr: SRInfo | None = None
    guided: bool = True

    @property
    def sha256(self) -> str:
        """Of the weights; empty where there are none."""
        return "" if self.weights is None else self.weights.sha256

    @property
    def of_paper(self) -> bool:
        """Whether it is one of the paper's two systems."""
        return self.name in _SUMMARIES


@dataclass(frozen=True, slots=True)
class Choices:
    """What only the paper's systems understand.

    sr: name or path of the SR module; None is the default one of `WAVEDIFFUR`. one_step: the number of doublings that
    one enlargement stands for; 0 is the cascade. sampler, start: see `ursat.models.paper.chain.Chain`. csp: see
    `ursat.models.paper.stage.CSPWaveDiffURStage`. literal: names of `RUN_LITERALS` in
    `ursat.models.paper.config`, besides what the weights were trained with.
    """

    sr: str | None = None
    one_step: int = 0
    sampler: Sampler = "ddim"
    start: float = 0.4
    csp: CSPKind | None = None
    literal: tuple[str, ...] = ()


def model_names() -> tuple[str, ...]:
    """Every model that can be named without a path."""
    systems = (CSP, WAVEDIFFUR) if PAPER_WEIGHTS in SHA256 else ()
    return (FUSION, *sorted((set(SHA256) - {PAPER_WEIGHTS}) | set(systems)))


def find_model(name: str, sr: str | None = None) -> ModelInfo:
    """A model by its name, or by the path of a file of weights. Torch is not loaded.

    Args:
        name: of a model, or a path; weights of the paper's networks are Algorithm 2, with ``sr`` Algorithm 1.
        sr: name or path of the SR module of Algorithm 1.

    Raises:
        UsageError: no such model or SR module, or a model that has none.
        InputError: weights are missing, damaged, or not those that were published.
    """
    if name == FUSION:
        found = ModelInfo(FUSION, "classical", _FUSION_SUMMARY, "faithful")
    elif _is_paper(name):
        return _paper_model(name, sr)
    else:
        path = weights_file(name)
        info = read_info(path, sha256=_pin(name))
        _check_name(name, info, path)
        pinned = info.sha256 in SHA256.values()
        found = ModelInfo(info.config.name, "diffusion", _CORE_SUMMARY, _MODE, info, path, pinned, _CORE_STEPS)
    if sr is not None:
        raise UsageError(f"--sr: the model {found.name} has no SR module", hint=f"--model {WAVEDIFFUR} has one")
    return found


def weights_file(name: str) -> Path:
    """Where the weights of a learned model are: beside this module for a name, or the path itself.

    Raises:
        UsageError: neither a known name nor the path of a ``.safetensors`` file.
    """
    if name in _SUMMARIES:
        name = PAPER_WEIGHTS
    if name in SHA256 or name == PAPER_WEIGHTS:
        return WEIGHTS / f"{name}{SUFFIX}"
    if name.endswith(SUFFIX):
        return Path(name)
    raise UsageError(
        f"--model: there is no model '{name}'",
        hint=f"known models: {', '.join(model_names())}; or the path of a {SUFFIX} file",
    )


def load_network(name: str, device: str = "cpu") -> tuple[Any, WeightsInfo]:
    """The network of a learned model, every number of it checked, and what its file says of itself.

    Raises:
        UsageError: no such model.
        InputError: its weights cannot be used.
    """
    path = weights_file(name)
    return _network(path, _pin(name), device, _is_paper(name), _version(path))


def get_stage(
    name: str, settings: StageSettings, *, device: torch.device | str = "cpu", choices: Choices | None = None
) -> Stage:
    """The stage of model ``name`` (or of a file of weights), made for one run; its network on ``device``.

    Raises:
        UsageError: no such model.
        InputError: its weights cannot be used.
    """
    if name == FUSION:
        from ursat.models.fusion import FusionStage  # noqa: PLC0415

        return FusionStage(settings)
    net, info = load_network(name, str(device))
    if _is_paper(name):
        return _paper_stage(name, net, settings, str(device), choices or Choices())
    from ursat.models.core.stage import CoreStage  # noqa: PLC0415

    return CoreStage(settings, net, info.calibration)


def _paper_model(name: str, sr: str | None) -> ModelInfo:
    if name == CSP and sr is not None:
        raise UsageError(f"--sr: the model {CSP} has no SR module", hint=f"--model {WAVEDIFFUR} has one")
    path = weights_file(name)
    info = read_paper(path, sha256=_pin(name))
    _check_name(name, info, path)
    pinned = info.sha256 in SHA256.values()
    module = _module(name, sr)
    system = CSP if module is None else WAVEDIFFUR
    found = ModelInfo(system, "diffusion", _SUMMARIES[system], _MODE, info, path, pinned, _PAPER_STEPS)
    return found if module is None else replace(found, sr=module, guided=module.guided)


def _module(name: str, sr: str | None) -> SRInfo | None:
    """The SR module that makes a paper model Algorithm 1, or None."""
    if sr is None and name != WAVEDIFFUR:
        return None
    own = (FUSION, *sorted(set(SHA256) - {PAPER_WEIGHTS}))
    module = find_sr(sr or DEFAULT_MODEL, own)
    if module.kind == "ursat" and module.path is not None and is_paper(module.path):
        raise UsageError(f"--sr {module.name} holds networks of the paper", hint="an SR module enlarges by itself")
    return module


def _paper_stage(name: str, net: Any, settings: StageSettings, device: str, choices: Choices) -> Stage:
    from ursat.models.paper.chain import Chain  # noqa: PLC0415
    from ursat.models.paper.one_step import OneStep  # noqa: PLC0415
    from ursat.models.paper.printed_loop import PrintedLoop  # noqa: PLC0415
    from ursat.models.paper.stage import CSPWaveDiffURStage, PaperStage, WaveDiffURStage  # noqa: PLC0415

    literal = {*net.config.literal.names, *choices.literal}
    chain = Chain(choices.sampler, settings.steps, choices.start, "projection" in literal)
    module = _module(name, choices.sr)
    stage: PaperStage
    if module is None:
        stage = CSPWaveDiffURStage(settings, net, chain, choices.csp)
    else:
        alone = replace(settings, closure="off", fidelity=1.0)
        plugged = load_sr(module, settings, device, lambda own: get_stage(own, alone, device=device))
        stage = WaveDiffURStage(settings, net, plugged, chain)
    if choices.one_step:
        return OneStep(stage, choices.one_step)
    return PrintedLoop(stage) if "loop" in literal else stage


def _is_paper(name: str) -> bool:
    if name in _SUMMARIES or name == PAPER_WEIGHTS:
        return True
    return name != FUSION and name not in SHA256 and is_paper(weights_file(name))


def _pin(name: str) -> str | None:
    return SHA256.get(PAPER_WEIGHTS if name in _SUMMARIES else name)


def _check_name(name: str, info: WeightsInfo, path: Path) -> None:
    expected = PAPER_WEIGHTS if name in _SUMMARIES else name
    if expected in SHA256 and info.config.name != expected:
        raise InputError(f"{path} holds weights of {info.config.name}, not of {expected}", hint="install ursat again")


@functools.lru_cache(maxsize=4)
def _network(
    path: Path, sha256: str | None, device: str, paper: bool, _version: tuple[int, int]
) -> tuple[Any, WeightsInfo]:
    """Loaded once a process; ``_version`` only tells a file that was replaced from its predecessor."""
    net, info = load_paper(path, sha256=sha256) if paper else load_weights(path, sha256=sha256)
    return net.to(device), info


def _version(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return found.st_mtime_ns, found.st_size
