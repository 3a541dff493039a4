"""What a stage of the cascade is: one doubling of the grid, local, with a declared reach.

The cascade asks for a window of level k, crops what the stage needs from level k-1, and calls the stage. Every
stage works on physical values, level 0 being the observed image itself.

Contract of `Stage.run`:

* arrays come with ``halo(level)`` valid pixels (of the level k-1 grid) around the part that matters; the stage
  returns the whole window doubled, and the cascade crops the halo away, so what a stage does at the borders of
  its window (replicate, usually) never reaches the result;
* a pixel of the result depends on nothing outside that halo and not on the window's shape or position: written
  either with separately rounded additions and multiplications (no fused multiply-add, no reduction over space),
  or on blocks of one fixed shape (``block``), anchored at absolute coordinates by the cascade.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

    from ursat.types import ReferenceModel, SensorModel


@dataclass(frozen=True, slots=True)
class LevelInputs:
    """What a stage is given for one window of level ``level`` (1 = the first doubling).

    x: (C, h, w) the image at level - 1; for level 1 the observation, filled where nothing was observed.
    observed: (C, h, w) bool, level 1 only: where x was measured.
    ref: (C, 2h, 2w) the harmonised reference on this level's grid, or None where it has no detail to give.
    trust: (C, h, w) in 0..1: how far the reference is believed locally; None when ref is None.
    origin: absolute (row, column) of x[..., 0, 0] on the grid of level - 1.
    gsd_m: ground sampling distance of the level's output grid, metres.
    """

    level: int
    x: Tensor
    observed: Tensor | None
    ref: Tensor | None
    trust: Tensor | None
    origin: tuple[int, int]
    gsd_m: float


@dataclass(frozen=True, slots=True)
class StageSettings:
    """What is fixed for a whole run.

    closure: "exact", "auto" (to within the input's noise, a Wiener weight) or "off".
    seed: of the coordinate noise. fidelity: 1 gives the posterior mean, 0 a sample, anything between a blend of both.
    steps: evaluations of a sample on each level, after the mean's. A stage without noise ignores all three.
    lowest, highest: per band, the physical values that the output's dtype can hold (without the nodata value).
    ranges: per band, the scene's 1st and 99th percentile, physical; only networks made for photographs need them.
    """

    sensor: SensorModel
    reference: ReferenceModel | None
    closure: str
    lowest: tuple[float, ...]
    highest: tuple[float, ...]
    seed: int = 0
    fidelity: float = 1.0
    steps: int = 2
    ranges: tuple[tuple[float, float], ...] = ()


@runtime_checkable
class Stage(Protocol):
    """One doubling of the grid."""

    name: str
    block: int | None

    def halo(self, level: int) -> int:
        """How many pixels of the level - 1 grid around a pixel may influence its four children."""
        ...

    def run(self, inputs: LevelInputs) -> Tensor:
        """(C, h, w) -> (C, 2h, 2w) in physical units."""
        ...
