"""The spread of several samples, pixel by pixel, and the side-car file that holds it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from ursat.grid import Window
    from ursat.run.cascade import Cascade, Rendered
    from ursat.types import Encoding


def spread_encoding(encoding: Encoding) -> Encoding:
    """How the side-car stores it: float32 in physical units (scale 1, offset 0), NaN where nothing was observed.

    Physical units, because a standard deviation has no offset: stored like the output, a reader that applies the scale
    and offset of reflectance products would read a spread that is wrong by the offset.
    """
    bands = len(encoding.scales)
    return replace(encoding, dtype="float32", nodata=math.nan, scales=(1.0,) * bands, offsets=(0.0,) * bands)


def spread_facts(facts: dict[str, Any], seeds: Sequence[int], steps: int) -> dict[str, Any]:
    """The side-car's provenance: the run's own, but for the draw and for the closure, which a spread has not."""
    kept = {name: value for name, value in facts.items() if name != "closure"}
    sampling = {"mode": "realistic", "fidelity": 0.0, "steps": steps, "evaluations": 1 + steps}
    what = {"statistic": "standard deviation (N - 1)", "units": "physical", "seeds": list(seeds)}
    return {**kept, "sampling": sampling, "spread": what}


class SpreadMeter:
    """Standard deviation over samples of a window (Welford 1962: one sample is held at a time).

    Args:
        cascades: one a sample; at least two.
    """

    def __init__(self, cascades: Sequence[Cascade]) -> None:
        self.cascades = cascades

    def measure(self, window: Window, first: Rendered | None = None) -> Tensor:
        """(C, h, w), physical units, NaN where not valid.

        Args:
            window: of the output grid, some of it valid.
            first: what the first cascade makes of it, where that is known already.
        """
        import torch  # noqa: PLC0415  (this module is imported before torch may be)

        mean = square = valid = None
        for number, cascade in enumerate(self.cascades):
            done = first if number == 0 and first is not None else cascade.render(window)
            if done is None:
                raise ValueError(f"nothing is valid in {window}")
            if mean is None or square is None:
                mean, square, valid = done.values.clone(), torch.zeros_like(done.values), done.valid
                continue
            step = done.values - mean
            mean += step / (number + 1)
            square += step * (done.values - mean)
        assert square is not None and valid is not None  # noqa: S101, PT018  (there are at least two)
        spread = torch.sqrt(square / (len(self.cascades) - 1))
        return torch.where(valid, spread, torch.full_like(spread, math.nan))
