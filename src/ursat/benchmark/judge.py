"""All figures of one estimate against one ground truth."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ursat.benchmark.metrics import average_gradient, psnr
from ursat.benchmark.niqe import LEAST_SIDE, block_features, earth_model, luma, photograph_model
from ursat.benchmark.spectrum import ring_power, spectrum_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

# What `--metrics` calls them, and the figures of a score behind each.
METRICS: dict[str, tuple[str, ...]] = {
    "psnr": ("psnr",),
    "ag": ("ag", "ag_ratio"),
    "spectrum": ("spectrum_db",),
    "niqe": ("niqe", "niqe_truth", "niqe_eo", "niqe_eo_truth"),
    "closure": ("closure_rms", "closure_max"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a method gives: pixels (C, H, W) in DN, and figures that only the method itself knows."""

    pixels: NDArray[Any]
    figures: Mapping[str, float] = field(default_factory=dict)


class Judge:
    """Figures against one ground truth; what they need of it is computed once.

    Args:
        truth: (3, H, W) DN, red first.
        scale: input pixel over ground-truth pixel.
    """

    def __init__(self, truth: NDArray[np.uint16], scale: int) -> None:
        self._truth, self._scale = truth, scale

    @cached_property
    def _gradient(self) -> float:
        return average_gradient(self._truth)

    @cached_property
    def _power(self) -> NDArray[np.float64]:
        return ring_power(self._truth, self._scale)

    @cached_property
    def _naturalness(self) -> dict[str, float]:
        return naturalness(self._truth)

    def figures(self, answer: Answer) -> dict[str, float]:
        """Figures by name; one that is not defined here (a small image has no NIQE) is missing.

        psnr: dB; ag: eight-bit steps; ag_ratio: to the truth's; spectrum_db: dB; niqe and niqe_eo: distances, each
        with the truth's own beside it; and those of the answer itself.

        Raises:
            ValueError: the shapes differ.
        """
        pixels = answer.pixels
        out = {"psnr": psnr(self._truth, pixels), "ag": average_gradient(pixels)}
        if self._gradient > 0:
            out["ag_ratio"] = out["ag"] / self._gradient
        out["spectrum_db"] = spectrum_error(self._power, ring_power(pixels, self._scale))
        for name, value in naturalness(pixels).items():
            if name in self._naturalness:
                out |= {name: value, f"{name}_truth": self._naturalness[name]}
        return out | dict(answer.figures)


def naturalness(pixels: NDArray[Any]) -> dict[str, float]:
    """NIQE by the models at hand, of images with 384 px a side or more that have texture: (3, H, W) DN -> by name."""
    if min(pixels.shape[-2:]) < LEAST_SIDE:
        return {}
    features, _ = block_features(luma(pixels))
    models = {"niqe": photograph_model(), "niqe_eo": earth_model()}
    found = {name: model.distance(features) for name, model in models.items() if model is not None}
    return {name: value for name, value in found.items() if math.isfinite(value)}
