"""Public super-resolution networks in files that `spandrel` can read, as methods that look at no reference."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.benchmark.observation import box_mean
from ursat.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ursat.benchmark.observation import Observation

MOST_PASSES = 2  # what a x4 network makes of its own output's output is no longer what it was trained for


@dataclass(frozen=True, slots=True)
class Foreign:
    """A network applied once or twice to the input in 0..1, its output averaged down to the scale asked for."""

    path: Path

    @property
    def sha256(self) -> str:
        """Of the file."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    @property
    def label(self) -> str:
        """'spandrel:net.pth@1a2b3c4d': the content decides."""
        return f"spandrel:{self.path.name}@{self.sha256[:8]}"

    def applies(self, scale: int, track: str) -> bool:
        """Only without a reference, and up to two passes."""
        factor = _network(self.path)[1]
        return track == "noref" and any(factor**n % scale == 0 for n in range(1, MOST_PASSES + 1))

    def __call__(self, observation: Observation) -> NDArray[np.float64]:
        """(3, H, W) DN.

        Raises:
            UsageError: spandrel is missing, or the network is not for three bands.
            InputError: the file cannot be used.
        """
        o = observation
        import torch  # noqa: PLC0415  (baselines do not pay for it)

        network, factor, channels = _network(self.path)
        if channels != len(o.lr):
            raise UsageError(f"{self.path.name} is for {channels} bands", hint="choose a network for RGB")
        white = max(o.encoding.peak, float(o.lr.max()))
        x = torch.from_numpy((o.lr / white).astype(np.float32))[None]
        reached = 1
        with torch.inference_mode():
            while reached % o.scale:
                x = network(x.clamp(0, 1))
                reached *= factor
        return box_mean(x[0].float().numpy() * white, reached // o.scale)


@cache
def _network(path: Path) -> tuple[Any, int, int]:
    from ursat.models.sr.torch_files import load_spandrel  # noqa: PLC0415

    return load_spandrel(path, "cpu")


def parse_foreign(text: str) -> Foreign:
    """A path as a method.

    Raises:
        UsageError: there is no such file.
    """
    path = Path(text)
    if not path.is_file():
        raise UsageError(
            f"--methods: spandrel:{text} names no file", hint="give the path of a .pth or .safetensors file"
        )
    return Foreign(path)
