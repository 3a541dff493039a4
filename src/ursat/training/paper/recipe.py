"""How the paper's networks are trained (section 4.3): Adam, 1e-4, times 0.8 every 5,000 iterations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch.optim import Adam

from ursat.models.core.config import BANDS
from ursat.models.paper.config import PaperConfig
from ursat.models.paper.network import PaperNetwork
from ursat.models.paper.weights import load_paper, save_paper
from ursat.models.stored import SUFFIX
from ursat.training.batches import Batch, draw_batch, on_device
from ursat.training.checkpoint import load_ema
from ursat.training.paper.objective import SCHEDULE, Draw, loss, runner
from ursat.training.paper.plan import draw_chain
from ursat.training.recipe import StepLoss
from ursat.training.validate import Validation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor, nn

    from ursat.training.paper.plan import PaperPlan
    from ursat.training.scenes import TrainingScene


class Drawn(NamedTuple):
    """What a step trains on, on the CPU."""

    batch: Batch
    draw: Draw


class PaperRecipe:
    """See `ursat.training.recipe.Recipe`.

    Args:
        config: of the network.
        plan: of the run.
        scenes: to learn from, at least one.
    """

    partly = True

    def __init__(self, config: PaperConfig, plan: PaperPlan, scenes: Sequence[TrainingScene]) -> None:
        self.config, self.plan, self.scenes = config, plan, scenes
        self._deepest = max(scene.depth for scene in scenes)
        self._guided = [scene for scene in scenes if len(scene.views) > 1]

    def network(self) -> PaperNetwork:
        """A fresh one."""
        net = PaperNetwork(self.config)
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return net

    def load(self, path: Path) -> tuple[PaperNetwork, PaperConfig]:
        """A trained one."""
        net = load_paper(path)[0] if path.suffix == SUFFIX else load_ema(path, PaperNetwork, PaperConfig.from_json)
        return net, net.config

    def optimisers(self, net: nn.Module) -> dict[str, torch.optim.Optimizer]:
        """One Adam."""
        return {"all": Adam(net.parameters(), lr=self.plan.lr)}

    def learning_rate(self, _done: float, step: int) -> float:
        """By steps alone."""
        return self.plan.learning_rate(step)

    def draw(self, step: int, _done: float, rank: int) -> Drawn:
        """Ranks train the same levels in the same step, on batches of their own."""
        plan = self.plan
        rng = np.random.default_rng([plan.seed, step])
        first, last = draw_chain(plan, rng, self._deepest)
        alone = bool(rng.random() < plan.alone_share)
        scenes, share = self.scenes, 0.0
        if rng.random() < plan.guided and any(scene.depth >= last for scene in self._guided):
            scenes, share = self._guided, plan.reference_share
        if rank:
            rng = np.random.default_rng([plan.seed, step, rank])
        batch = draw_batch(
            scenes, rng, size=plan.batch, side=plan.side, first=first, last=last, means=True, reference_share=share
        )
        noise = rng.standard_normal((plan.batch, BANDS, plan.side, plan.side), dtype=np.float32)
        mean = rng.random(plan.batch) < plan.mean_share
        t = np.where(mean, SCHEDULE.steps - 1, rng.integers(0, SCHEDULE.steps, plan.batch))
        return Drawn(batch, Draw(torch.from_numpy(t), torch.from_numpy(noise), torch.from_numpy(mean), alone))

    def loss(self, net: nn.Module, drawn: Drawn, device: torch.device, _done: float) -> StepLoss:
        """Eq. 21."""
        t, noise, mean, alone = drawn.draw
        draw = Draw(t.to(device), noise.to(device), mean.to(device), alone)
        plan, config = self.plan, self.config
        batch, literal = on_device(drawn.batch, device), config.literal.ssim
        kind = {"one_step": plan.one_step, "progressive": config.progressive}
        found = loss(net, batch, draw, plan.weights, **kind, literal_ssim=literal)
        parts = {"real": found.real, "consistent": found.consistent}
        return StepLoss(found.total, parts if found.diff is None else parts | {"diff": found.diff})

    def validation(self, held: Sequence[TrainingScene], device: torch.device) -> Validation:
        """Of the faithful answer."""
        run = runner(one_step=self.plan.one_step, progressive=self.config.progressive)
        return Validation(held, self.plan.side, device, run)

    def save(self, path: Path, state: Mapping[str, Tensor], meta: Mapping[str, Any]) -> str:
        """Through `save_paper`."""
        return save_paper(path, state, {"config": self.config.to_json(), **meta})
