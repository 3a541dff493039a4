"""All figures of one estimate against one ground truth."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.benchmark.encoding import EIGHT_BIT
from ursat.benchmark.metrics.registry import REGISTRY
from ursat.benchmark.metrics.scene import Scene
from ursat.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ursat.benchmark.encoding import Encoding

# What `--metrics` calls them, and the figures of a score behind each.
METRICS: dict[str, tuple[str, ...]] = {name: tuple(metric.figures) for name, metric in REGISTRY.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a method gives: pixels (C, H, W) in DN, and figures that only the method itself knows."""

    pixels: NDArray[Any]
    figures: Mapping[str, float] = field(default_factory=dict)


class Judge:
    """Figures of answers to one observation; what they need of it is computed once.

    Args:
        truth: (C, H, W) DN, red first; None where there is no ground truth: then only figures that need none.
        scale: input pixel over ground-truth pixel.
        lr: (C, H/scale, W/scale) DN, the input; without it the figures that look at it are missing.
        encoding: how DN are to be read; answers are rounded and clipped as it says.
    """

    def __init__(
        self,
        truth: NDArray[Any] | None,
        scale: int,
        *,
        lr: NDArray[Any] | None = None,
        encoding: Encoding = EIGHT_BIT,
    ) -> None:
        self._scene = Scene(truth, scale, lr=lr, encoding=encoding)

    def figures(self, answer: Answer) -> dict[str, float]:
        """Figures by name, as `REGISTRY` describes them; one that is not defined here is missing.

        (A small image has no NIQE.) Those of the answer itself are added.

        Raises:
            ValueError: the answer has another shape than the truth.
            InputError: it has pixels that are not numbers.
        """
        pixels, expected = answer.pixels, self._scene.shape
        if expected is not None and pixels.shape != expected:
            raise ValueError(f"shapes differ: truth {expected}, estimate {pixels.shape}")
        if not np.isfinite(pixels).all():
            raise InputError(f"{np.count_nonzero(~np.isfinite(pixels))} of its values are not numbers")
        stored = self._scene.encoding.stored(pixels)
        out: dict[str, float] = {}
        for metric in REGISTRY.values():
            if metric.needs <= self._scene.has:
                out |= metric.measure(self._scene, stored)
        return {name: value for name, value in (out | dict(answer.figures)).items() if not math.isnan(value)}
