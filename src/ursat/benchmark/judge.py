"""All figures of one estimate against one ground truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ursat.benchmark.metrics.registry import REGISTRY
from ursat.benchmark.metrics.scene import PEAK_DN, Scene, as_stored

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

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
        peak: the DN that is 255 of eight bits.
    """

    def __init__(
        self, truth: NDArray[Any] | None, scale: int, *, lr: NDArray[Any] | None = None, peak: float = PEAK_DN
    ) -> None:
        self._scene = Scene(truth, scale, lr=lr, peak=peak)

    def figures(self, answer: Answer) -> dict[str, float]:
        """Figures by name, as `REGISTRY` describes them; one that is not defined here is missing.

        (A small image has no NIQE.) Those of the answer itself are added.

        Raises:
            ValueError: the answer has another shape than the truth.
        """
        pixels, expected = answer.pixels, self._scene.shape
        if expected is not None and pixels.shape != expected:
            raise ValueError(f"shapes differ: truth {expected}, estimate {pixels.shape}")
        stored = as_stored(pixels, self._scene.peak)
        out: dict[str, float] = {}
        for metric in REGISTRY.values():
            if metric.needs <= self._scene.has:
                out |= metric.measure(self._scene, stored)
        return out | dict(answer.figures)
