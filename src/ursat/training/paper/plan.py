"""What a training run of the paper's networks is told (arXiv 2412.18996, section 4.3), and what each step trains."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

    from ursat.models.paper.config import PaperConfig

PaperStage = Literal["pretrain", "finetune"]
Chains = tuple[tuple[int, int, float], ...]
_SIDES = {"paper": 64}  # cells of a patch: the paper's 64 -> 128
_SIDE = 32  # of the small ones, whose iterations must fit into an hour of one core
# (first level, last level, how often). x2 from the observation or, deeper in the cascade, from the truth; then x4 in
# two doublings, the second of what the first made, with levels 1 and 3 kept in practice
_CHAINS: dict[PaperStage, Chains] = {
    "pretrain": ((1, 1, 0.6), (2, 2, 0.25), (3, 3, 0.15)),
    "finetune": ((1, 2, 0.5), (1, 1, 0.3), (2, 3, 0.2)),
}


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Of Eq. 19-21.

    lambda1: squared error of v, h, d. lambda2: their total variation; see `PaperLiteral.lambda2`. consistent: Eq. 20.
    floor: Eq. 19 and 20 count relative to what Eq. 20 says of a patch's classical enlargement, plus this: what is
    scored in the end is the logarithm of an image's error. None: all patches alike, as printed.
    """

    lambda1: float = 0.1
    lambda2: float = 0.01
    consistent: float = 1.0
    floor: float | None = 0.05


@dataclass(frozen=True, slots=True)
class PaperPlan:
    """Everything that decides a run's result, besides data and preset.

    chains: of levels that a step may train the last of, (first, last, share of the steps). one_step: the levels before
    the last are enlarged without the network, instead of by itself.
    steps: optimiser steps, 10,000 and 1,000 in the paper; batch: patches a step and process; side: cells of a patch of
    the level's input. lr: of Adam, times ``decay`` every ``decay_steps``. ema: decay of the averaged weights.
    guided: share of steps that draw scenes with a reference; reference_share: of their patches that are given it.
    mean_share: of patches whose U-Net is asked for the mean of A instead of the noise at a random step. alone_share: of
    steps in which it is not shown the CSP's tokens.
    """

    chains: Chains
    steps: int = 10_000
    batch: int = 8
    side: int = 64
    lr: float = 1e-4
    decay: float = 0.8
    decay_steps: int = 5000
    ema: float = 0.999
    seed: int = 0
    guided: float = 0.7
    reference_share: float = 0.65
    mean_share: float = 0.25
    alone_share: float = 0.15
    one_step: bool = False
    weights: LossWeights = field(default_factory=LossWeights)

    @staticmethod
    def of(config: PaperConfig, stage: PaperStage) -> PaperPlan:
        """For a network: its literal loss weights, patches that its size can afford.

        Args:
            config: of the network.
            stage: pre-training on x2, or fine-tuning on x4: two doublings, the network's own output between them.
        """
        weights = LossWeights()
        weights = replace(weights, lambda2=2.0) if config.literal.lambda2 else weights
        weights = replace(weights, floor=None) if config.literal.plain else weights
        side = _SIDES.get(config.name, _SIDE)
        return PaperPlan(_CHAINS[stage], side=side, weights=weights)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    def learning_rate(self, step: int) -> float:
        """Of a step: times ``decay`` every ``decay_steps`` (section 4.3)."""
        return self.lr * self.decay ** (step // self.decay_steps)


def draw_chain(plan: PaperPlan, rng: np.random.Generator, deepest: int) -> tuple[int, int]:
    """First and last level of the chain that a step trains; ``deepest``: level of the scenes."""
    shares = [share for _, _, share in plan.chains]
    first, last, _ = plan.chains[int(rng.choice(len(shares), p=shares))]
    return min(first, deepest), min(last, deepest)
