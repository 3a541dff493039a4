"""Weights of the core family on disk; see `ursat.models.stored` for the format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ursat.models.core.config import CoreConfig
from ursat.models.stored import CORE, SUFFIX, Family, WeightsInfo, load, read, save

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from ursat.models.core.denoiser import Denoiser

__all__ = ["SUFFIX", "WeightsInfo", "load_weights", "read_info", "save_weights"]


def _build(config: CoreConfig) -> Denoiser:
    from ursat.models.core.denoiser import Denoiser  # noqa: PLC0415  (torch is loaded with the tensors only)

    return Denoiser(config)


_FAMILY = Family(CORE, CoreConfig.from_json, _build)


def save_weights(path: Path, state_dict: Mapping[str, Tensor], meta: Mapping[str, Any]) -> str:
    """Write a `Denoiser`'s weights: `ursat.models.stored.save`."""
    return save(path, _FAMILY, state_dict, meta)


def read_info(path: Path, *, sha256: str | None = None) -> WeightsInfo:
    """What the file's header says: `ursat.models.stored.read`."""
    return read(path, _FAMILY, sha256)


def load_weights(path: Path, *, sha256: str | None = None) -> tuple[Denoiser, WeightsInfo]:
    """The network, ready to run, and what its file says of itself: `ursat.models.stored.load`."""
    return load(path, _FAMILY, sha256)
