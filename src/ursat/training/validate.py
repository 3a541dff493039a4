"""A quick score while training runs: dB that the posterior mean gains over the classical answer, on fixed patches."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from ursat.training.batches import draw_batch, on_device
from ursat.training.objective import chain, run_level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from ursat.training.batches import Batch, LevelBatch
    from ursat.training.objective import RunLevel
    from ursat.training.scenes import TrainingScene

_DEEPEST = 3
_BORDER = 4  # cells at a patch's border that see zero padding


class Validation:
    """Patches cut once: of every scene, each level up to the third, without and with its reference.

    Args:
        scenes: any number; none gives no gains.
        side: cells of a patch.
        device: where the network is.
        run: how the network answers a level.
    """

    def __init__(
        self, scenes: Sequence[TrainingScene], side: int, device: torch.device, run: RunLevel = run_level
    ) -> None:
        self._run = run
        self._cases: list[tuple[str, Batch]] = []
        for number, scene in enumerate(scenes):
            for level in range(1, min(scene.depth, _DEEPEST) + 1):
                for guided in range(len(scene.views)):
                    batch = draw_batch(
                        [scene], np.random.default_rng([number, level]), size=1, side=side, first=1, last=level,
                        means=True, reference_share=float(guided),
                    )  # fmt: skip
                    self._cases.append((f"L{level}/{'ref' if guided else 'noref'}", on_device(batch, device)))
        self._classical = [self._error(nn.Identity(), batch, _classical) for _, batch in self._cases]

    @torch.no_grad()
    def gains(self, net: nn.Module) -> dict[str, float]:
        """Mean gain in dB by level and track; the chain of levels before is the network's own, or classical as well."""
        found: dict[str, list[float]] = defaultdict(list)
        for (key, batch), classical in zip(self._cases, self._classical, strict=True):
            error = self._error(net, batch, self._run)
            found[key].append(10 * float(np.log10(max(classical, 1e-6) / max(error, 1e-6))))
        return {key: float(np.mean(values)) for key, values in sorted(found.items())}

    @staticmethod
    def _error(net: nn.Module, batch: Batch, run: RunLevel) -> float:
        mean = run(net, batch.levels[-1], chain(net, batch, run))
        inner = (..., slice(2 * _BORDER, -2 * _BORDER), slice(2 * _BORDER, -2 * _BORDER))
        return float(((mean - batch.truth)[inner] ** 2).mean())


def _classical(_net: nn.Module, level: LevelBatch, x: Tensor) -> Tensor:
    return level.enlarged(x)
