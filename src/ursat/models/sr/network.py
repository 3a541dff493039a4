"""A foreign SR network as a module: bands in threes, values in 0..1, its own factor brought to two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ursat.errors import InputError
from ursat.models.area import area_resample
from ursat.models.core.config import BANDS
from ursat.models.core.stage import band_groups
from ursat.models.sr.bicubic import bicubic2
from ursat.models.sr.patches import FACTOR, in_patches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from ursat.models.stage import LevelInputs

SIDE, MARGIN = 160, 16  # of a patch: input pixels
_LOW, _HIGH = 0.1, 0.9  # where the scene's 1st and 99th percentile go


class NetworkModule:
    """Any network that takes images in 0..1.

    Values are stretched by one range a band for the whole scene, never by the tile; what lies beyond 0..1 after that
    (clouds, deep shadow) is cut off for the network and enlarged bicubically.

    Args:
        name: of the module.
        network: (1, channels, side, side) in 0..1 -> (1, channels, factor x side, factor x side).
        factor: by which it enlarges.
        channels: 3, bands then go through it in threes; or 1, band by band.
        ranges: (low, high) a band, physical units: the scene's 1st and 99th percentile.
        side: of the images that the network is given; it must be able to take them.

    Raises:
        InputError: a network of another kind.
    """

    def __init__(
        self,
        name: str,
        network: Callable[[Tensor], Tensor],
        *,
        factor: int,
        channels: int,
        ranges: Sequence[tuple[float, float]],
        side: int = SIDE,
    ) -> None:
        if factor < FACTOR or channels not in {1, BANDS}:
            raise InputError(
                f"--sr {name}: a network of {channels} channels that enlarges x{factor}",
                hint=f"a module must enlarge x2 or more, and take 1 or {BANDS} channels",
            )
        self.name = name
        self._network, self._factor, self._channels, self._side = network, factor, channels, side
        self._margin = min(MARGIN, side // 4)
        low = torch.tensor([low for low, _ in ranges], dtype=torch.float64)
        high = torch.tensor([high for _, high in ranges], dtype=torch.float64)
        step = (high - low) / (_HIGH - _LOW)
        self._step = torch.where(step > 0, step, torch.ones_like(step))[:, None, None]
        self._zero = low[:, None, None] - self._step * _LOW

    def halo(self, level: int) -> int:  # noqa: ARG002  (the same on every level)
        """The margin that patches leave."""
        return self._margin

    @torch.no_grad()
    def enlarge(self, inputs: LevelInputs) -> Tensor:
        """(C, h, w) -> (C, 2h, 2w)."""
        x = inputs.x
        zero, step = self._zero.to(x), self._step.to(x)
        stretched = (x - zero) / step
        seen = stretched.clamp(0, 1)
        out = bicubic2(stretched - seen)
        for bands, fresh in self._groups(len(x)):
            made = in_patches(seen[bands][None].float(), self._side, self._margin, self._doubled)[0]
            for k in fresh:
                out[bands[k]] += made[k].to(x.dtype)
        return out * step + zero

    def _groups(self, count: int) -> list[tuple[list[int], list[int]]]:
        if self._channels == 1:
            return [([band], [0]) for band in range(count)]
        return band_groups(count)

    def _doubled(self, patch: Tensor) -> Tensor:
        made = self._network(patch)
        whole = (1, patch.shape[1], self._factor * patch.shape[-2], self._factor * patch.shape[-1])
        if tuple(made.shape) != whole:
            raise InputError(
                f"--sr {self.name}: the network answered {tuple(made.shape)}, not {whole}",
                hint="it is no plain enlarger of images; choose another file",
            )
        if self._factor == FACTOR:
            return made
        shape = FACTOR * patch.shape[-2], FACTOR * patch.shape[-1]
        return area_resample(made, (0, 0), (0, 0), shape, self._factor / FACTOR)
