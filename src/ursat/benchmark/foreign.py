"""Public super-resolution networks in files of the user's, as methods that look at no reference."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ursat.benchmark.ncnn_files import load_ncnn, weights_of
from ursat.benchmark.observation import box_mean
from ursat.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ursat.benchmark.observation import Observation

MOST_PASSES = 2  # what a x4 network makes of its own output's output is no longer what it was trained for
Network = Callable[["NDArray[np.float32]"], "NDArray[np.float32]"]  # (C, h, w) in 0..1 -> (C, factor h, factor w)


@dataclass(frozen=True, slots=True)
class Foreign:
    """A network applied once or twice to the input in 0..1, its output averaged down to the scale asked for.

    kind: a key of `LOADERS`; path: as the user named it.
    """

    kind: str
    path: Path

    @property
    def sha256(self) -> str:
        """Of the file that holds the weights."""
        weights = weights_of(self.path) if self.kind == "ncnn" else self.path
        return hashlib.sha256(weights.read_bytes()).hexdigest()

    @property
    def label(self) -> str:
        """'spandrel:net.pth@1a2b3c4d': the content decides."""
        return f"{self.kind}:{self.path.name}@{self.sha256[:8]}"

    @property
    def in_torch(self) -> bool:
        """Whether it is torch that computes, which can count its operations."""
        return self.kind != "ncnn"

    def applies(self, scale: int, track: str) -> bool:
        """Only without a reference, and up to two passes."""
        factor = _network(self.kind, self.path)[1]
        return track == "noref" and any(factor**n % scale == 0 for n in range(1, MOST_PASSES + 1))

    def __call__(self, observation: Observation) -> NDArray[np.float64]:
        """(3, H, W) DN.

        Raises:
            UsageError: the package that runs it is missing, or the network is not for three bands.
            InputError: the file cannot be used.
        """
        o = observation
        network, factor, channels = _network(self.kind, self.path)
        if channels != len(o.lr):
            raise UsageError(f"{self.path.name} is for {channels} bands", hint="choose a network for RGB")
        white = max(o.encoding.peak, float(o.lr.max()))
        pixels, reached = (o.lr / white).astype(np.float32), 1
        while reached % o.scale:
            pixels = network(pixels.clip(0, 1))
            reached *= factor
        return box_mean(pixels * white, reached // o.scale)


def _spandrel(path: Path) -> tuple[Network, int, int]:
    import torch  # noqa: PLC0415  (baselines do not pay for it)

    from ursat.models.sr.torch_files import load_spandrel  # noqa: PLC0415

    network, factor, channels = load_spandrel(path, "cpu")

    def enlarge(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return np.asarray(network(torch.from_numpy(np.ascontiguousarray(pixels))[None])[0].float().numpy())

    return enlarge, factor, channels


LOADERS: dict[str, Callable[[Path], tuple[Network, int, int]]] = {"spandrel": _spandrel, "ncnn": load_ncnn}
_FILES = {"spandrel": "a .pth or .safetensors file", "ncnn": "NAME.param, with NAME.bin beside it"}


@cache
def _network(kind: str, path: Path) -> tuple[Network, int, int]:
    return LOADERS[kind](path)


def parse_foreign(kind: str, text: str) -> Foreign:
    """A path as a method.

    Args:
        kind: a key of `LOADERS`.
        text: the path.

    Raises:
        UsageError: there is no such file.
    """
    found = Foreign(kind, Path(text))
    if not found.path.is_file() or (kind == "ncnn" and not weights_of(found.path).is_file()):
        raise UsageError(f"--methods: {kind}:{text} names no file", hint=f"give the path of {_FILES[kind]}")
    return found
