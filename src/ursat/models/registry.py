"""The models that a run can name: `fusion`, the learned ones whose weights ship, and any file of weights."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ursat.errors import InputError, UsageError
from ursat.models.core.weights import SUFFIX, WeightsInfo, load_weights, read_info
from ursat.models.shipped import SHA256

if TYPE_CHECKING:
    import torch

    from ursat.models.core.denoiser import Denoiser
    from ursat.models.stage import Stage, StageSettings

WEIGHTS = Path(__file__).with_name("weights")
FUSION = "fusion"
_FUSION_SUMMARY = "least-squares deconvolution of the input and detail of the harmonised reference; nothing learned"
_CORE_SUMMARY = "wavelet-domain diffusion that corrects the classical answer (core family)"

Mode = Literal["faithful", "realistic"]
_MODE: Mode = "realistic"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the tool says of a model: in the run report, in the file's provenance, in ``ursat models``.

    kind: "classical" (no learned weights) or "diffusion". mode: what it does unless told otherwise; only a diffusion
    can be "realistic". weights: what their file says, None where there is none; path: that file; pinned: whether its
    sha256 is one that this version of ursat was published with.
    """

    name: str
    kind: str
    summary: str
    mode: Mode
    weights: WeightsInfo | None = None
    path: Path | None = None
    pinned: bool = False

    @property
    def sha256(self) -> str:
        """Of the weights; empty where there are none."""
        return "" if self.weights is None else self.weights.sha256


def model_names() -> tuple[str, ...]:
    """Every model that can be named without a path."""
    return (FUSION, *sorted(SHA256))


def find_model(name: str) -> ModelInfo:
    """A model by its name, or by the path of a file of weights. Torch is not loaded.

    Raises:
        UsageError: no such model.
        InputError: its weights are missing, damaged, or not those that were published.
    """
    if name == FUSION:
        return ModelInfo(FUSION, "classical", _FUSION_SUMMARY, "faithful")
    path = weights_file(name)
    info = read_info(path, sha256=SHA256.get(name))
    if name in SHA256 and info.config.name != name:
        raise InputError(f"{path} holds weights of {info.config.name}, not of {name}", hint="install ursat again")
    pinned = info.sha256 in SHA256.values()
    return ModelInfo(info.config.name, "diffusion", _CORE_SUMMARY, _MODE, info, path, pinned)


def weights_file(name: str) -> Path:
    """Where the weights of a learned model are: beside this module for a name, or the path itself.

    Raises:
        UsageError: neither a known name nor the path of a ``.safetensors`` file.
    """
    if name in SHA256:
        return WEIGHTS / f"{name}{SUFFIX}"
    if name.endswith(SUFFIX):
        return Path(name)
    raise UsageError(
        f"--model: there is no model '{name}'",
        hint=f"known models: {', '.join(model_names())}; or the path of a {SUFFIX} file",
    )


def get_stage(name: str, settings: StageSettings, *, device: torch.device | str = "cpu") -> Stage:
    """The stage of model ``name`` (or of a file of weights), made for one run; its network on ``device``.

    Raises:
        UsageError: no such model.
        InputError: its weights cannot be used.
    """
    if name == FUSION:
        from ursat.models.fusion import FusionStage  # noqa: PLC0415

        return FusionStage(settings)
    from ursat.models.core.stage import CoreStage  # noqa: PLC0415

    path = weights_file(name)
    net, info = _network(path, SHA256.get(name), str(device), _version(path))
    return CoreStage(settings, net, info.calibration)


@functools.lru_cache(maxsize=4)
def _network(path: Path, sha256: str | None, device: str, _version: tuple[int, int]) -> tuple[Denoiser, WeightsInfo]:
    """Loaded once a process; ``_version`` only tells a file that was replaced from its predecessor."""
    net, info = load_weights(path, sha256=sha256)
    return net.to(device), info


def _version(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return found.st_mtime_ns, found.st_size
