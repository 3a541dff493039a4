"""What every metric is given: the scene that all answers share; and its entry in the registry."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from ursat.benchmark.encoding import EIGHT_BIT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ursat.benchmark.encoding import Encoding

T = TypeVar("T")
Image = NDArray[np.float64]


class Scene:
    """Ground truth and input of one observation; what a metric computes of them is computed once.

    Args:
        truth: (C, H, W) DN, red first; None where there is no ground truth.
        scale: input pixel over output pixel.
        lr: (C, H/scale, W/scale) DN, the input; None where it is not at hand.
        encoding: how DN are to be read.
    """

    def __init__(
        self, truth: NDArray[Any] | None, scale: int, *, lr: NDArray[Any] | None = None, encoding: Encoding = EIGHT_BIT
    ) -> None:
        self.scale, self.encoding = scale, encoding
        self._truth = None if truth is None else encoding.stored(truth)
        self._lr = None if lr is None else np.asarray(lr, dtype=np.float64)
        self._known: dict[Callable[[Scene], Any], Any] = {}

    @property
    def has(self) -> frozenset[str]:
        """Which of ``truth`` and ``lr`` there are."""
        held = {"truth": self._truth, "lr": self._lr}
        return frozenset(name for name, image in held.items() if image is not None)

    @property
    def truth(self) -> Image:
        """(C, H, W) DN.

        Raises:
            ValueError: there is none.
        """
        if self._truth is None:
            raise ValueError("this scene has no ground truth")
        return self._truth

    @property
    def lr(self) -> Image:
        """(C, h, w) DN.

        Raises:
            ValueError: it is not at hand.
        """
        if self._lr is None:
            raise ValueError("this scene's input is not at hand")
        return self._lr

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape that an answer must have; None where nothing is known."""
        if self._truth is not None:
            return self._truth.shape
        if self._lr is not None:
            bands, height, width = self._lr.shape
            return bands, height * self.scale, width * self.scale
        return None

    def once(self, compute: Callable[[Scene], T]) -> T:
        """``compute(self)``, remembered."""
        if compute not in self._known:
            self._known[compute] = compute(self)
        found: T = self._known[compute]
        return found


@dataclass(frozen=True, slots=True)
class Figure:
    """How a figure is shown.

    label: the head of its column, with the unit. better: which way; empty where neither is. digits: after the point.
    """

    label: str
    better: Literal["higher", "lower", ""] = ""
    digits: int = 2

    def text(self, value: float, sign: str = "") -> str:
        """A value as people read it: '31.42', '∞', '-' where there is none."""
        if math.isnan(value):
            return "-"
        return f"{value:{sign}.{self.digits}f}".replace("inf", "∞")


@dataclass(frozen=True, slots=True)
class Metric:
    """One entry of the registry.

    figures: by the name they have in a score. definition: the formula in words, printed beside the numbers.
    measure: (scene, answer (C, H, W) DN as stored) -> figures; one that is undefined for an image is left out.
    needs: what of a scene it looks at; without that it is not asked.
    """

    figures: Mapping[str, Figure]
    definition: str
    measure: Callable[[Scene, Image], dict[str, float]]
    needs: frozenset[str] = frozenset({"truth"})
