"""Weights of the paper's networks on disk; see `ursat.models.stored` for the format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ursat.models.paper.config import PaperConfig
from ursat.models.stored import Family, WeightsInfo, family_name, load, read, save

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from ursat.models.paper.network import PaperNetwork

PAPER = "csp-wavediffur"


def _build(config: PaperConfig) -> PaperNetwork:
    from ursat.models.paper.network import PaperNetwork  # noqa: PLC0415  (torch is loaded with the tensors only)

    return PaperNetwork(config)


_FAMILY = Family(PAPER, PaperConfig.from_json, _build)


def is_paper(path: Path, *, sha256: str | None = None) -> bool:
    """Whether a file of weights is of the paper's networks.

    Raises:
        InputError: as `read_paper`, the family apart.
    """
    return family_name(path, sha256) == PAPER


def save_paper(path: Path, state_dict: Mapping[str, Tensor], meta: Mapping[str, Any]) -> str:
    """Write a `PaperNetwork`'s weights: `ursat.models.stored.save`."""
    return save(path, _FAMILY, state_dict, meta)


def read_paper(path: Path, *, sha256: str | None = None) -> WeightsInfo:
    """What the file's header says: `ursat.models.stored.read`."""
    return read(path, _FAMILY, sha256)


def load_paper(path: Path, *, sha256: str | None = None) -> tuple[PaperNetwork, WeightsInfo]:
    """The network, ready to run, and what its file says of itself: `ursat.models.stored.load`."""
    return load(path, _FAMILY, sha256)
