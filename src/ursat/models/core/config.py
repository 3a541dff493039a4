"""Sizes of the core family."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

BANDS = 3  # bands that go through the network together
STATE = 4 * BANDS  # da, v, h, d
BLOCK = 256  # cells of a level's input grid that go through the network at once; results depend on this number
_DEEPEST, _WIDEST = 32, 4096  # of what can be loaded
CONTEXT = 13  # numbers that describe the level: see `ursat.models.core.context`
CONTEXT_VERSION = 2  # of what these numbers say; a network that was told something else would misread them


@dataclass(frozen=True, slots=True)
class CoreConfig:
    """A denoiser's size.

    widths: channels on the level's grid, on the grid half as fine, and so on.
    blocks: residual blocks per grid, before going down and again after coming up (the coarsest has them once).
    embedding: width of the vector that tells every block about noise, GSD, reference and sensor.
    """

    name: str
    widths: tuple[int, ...]
    blocks: tuple[int, ...]
    embedding: int = 96

    def __post_init__(self) -> None:
        if len(self.widths) != len(self.blocks) or not self.widths or min(*self.widths, *self.blocks) < 1:
            raise ValueError(f"widths {self.widths} and blocks {self.blocks} must be as many, and positive")
        # A file of weights says these numbers, too: they must not ask for more than any machine has
        if max(len(self.widths), *self.blocks) > _DEEPEST or max(self.embedding, *self.widths) > _WIDEST:
            raise ValueError(f"widths {self.widths}, blocks {self.blocks} or embedding {self.embedding} are too large")
        if self.embedding < 1:
            raise ValueError(f"embedding {self.embedding} must be positive")

    @property
    def align(self) -> int:
        """Blocks must begin at multiples of this many cells, so that every cut halves the same pairs."""
        return 1 << (len(self.widths) - 1)

    @property
    def halo(self) -> int:
        """Cells of the level's input grid around a cell that may influence it, rounded up to `align`.

        Two 3 x 3 convolutions a block, on the way down and up; stem and heads; and the cells that share a coarse one.
        """
        last = len(self.widths) - 1
        reach = 3 + sum(((2 * n) << i) * (1 if i == last else 2) for i, n in enumerate(self.blocks)) + self.align - 1
        return -(-reach // self.align) * self.align

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "context": CONTEXT_VERSION}

    @staticmethod
    def from_json(data: dict[str, Any]) -> CoreConfig:
        """The inverse of `to_json`.

        Raises:
            ValueError: not a configuration, or of a network that was told something else about levels.
        """
        try:
            config = CoreConfig(
                str(data["name"]),
                tuple(int(w) for w in data["widths"]),
                tuple(int(b) for b in data["blocks"]),
                int(data["embedding"]),
            )
        except (KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"not a configuration of the core family: {data}") from error
        if (told := data.get("context", 1)) != CONTEXT_VERSION:
            raise ValueError(f"weights for version {told} of the levels' description, not {CONTEXT_VERSION}")
        return config


PRESETS: dict[str, CoreConfig] = {
    config.name: config
    for config in (
        CoreConfig("core-xs", (32, 96), (1, 2)),
        CoreConfig("core-s", (48, 96, 144), (2, 2, 2)),
        CoreConfig("core-m", (64, 128, 192), (2, 2, 2), 128),
        CoreConfig("core-l", (128, 256, 384), (2, 2, 2), 192),
    )
}
