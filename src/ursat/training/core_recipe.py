"""How a network of the core family is trained: mean, spread and flow, by SOAP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch.optim import Adam

from ursat.models.core.weights import save_weights
from ursat.training.batches import Batch, draw_batch, on_device
from ursat.training.checkpoint import load_network, new_network
from ursat.training.objective import Flow, loss, run_level
from ursat.training.plan import draw_noise, learning_rate, plan_step
from ursat.training.precision import with_precision
from ursat.training.recipe import StepLoss
from ursat.training.soap import Soap
from ursat.training.validate import Validation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor, nn

    from ursat.models.core.config import CoreConfig
    from ursat.models.core.denoiser import Denoiser
    from ursat.training.options import TrainOptions
    from ursat.training.plan import StepPlan, TrainPlan
    from ursat.training.scenes import TrainingScene

_BETAS = (0.9, 0.99)
_EXPERT_FIRST, _EXPERT_LAST = 1.0, 0.75  # weight of an expert's answer early and late in a run: it is not the truth
_EARLY = 0.3  # share of a run


class Drawn(NamedTuple):
    """What a step trains on, on the CPU: a batch, noise for the flow or None, the weight."""

    batch: Batch
    flow: Flow | None
    weight: float


class CoreRecipe:
    """See `ursat.training.recipe.Recipe`.

    Args:
        options: of the run.
        config, plan: what the options come to.
        scenes: to learn from, at least one.
        device: where a teacher shall run.

    Raises:
        InputError: a teacher that cannot be read.
    """

    partly = False

    def __init__(
        self,
        options: TrainOptions,
        config: CoreConfig,
        plan: TrainPlan,
        scenes: Sequence[TrainingScene],
        device: torch.device,
    ) -> None:
        self.config, self.plan, self.scenes = config, plan, scenes
        self._deepest = max(scene.depth for scene in scenes)
        self._answered = [scene for scene in scenes if scene.expert is not None]
        self._guided = [scene for scene in scenes if len(scene.views) > 1]
        self._teacher = (
            None
            if options.teacher is None
            else with_precision(load_network(options.teacher).to(device), options.precision, device)
        )

    def network(self) -> Denoiser:
        """A fresh one."""
        return new_network(self.config)

    def load(self, path: Path) -> tuple[Denoiser, CoreConfig]:
        """A trained one."""
        net = load_network(path)
        return net, net.config

    def optimisers(self, net: nn.Module) -> dict[str, torch.optim.Optimizer]:
        """SOAP for the convolutions' kernels, Adam for all else, which is small."""
        kernels = [weight for weight in net.parameters() if weight.ndim == 4]
        others = [weight for weight in net.parameters() if weight.ndim != 4]
        return {"kernels": Soap(kernels, lr=self.plan.lr), "others": Adam(others, lr=self.plan.lr, betas=_BETAS)}

    def learning_rate(self, done: float, step: int) -> float:
        """Warm-up, then half a cosine."""
        return learning_rate(self.plan, done, step)

    def draw(self, step: int, done: float, rank: int) -> Drawn:
        """Ranks train the same levels in the same step, so that none waits for another, on batches of their own."""
        rng = np.random.default_rng([self.plan.seed, step])
        todo = plan_step(self.plan, rng, self._deepest, done)
        if rank:
            rng = np.random.default_rng([self.plan.seed, step, rank])
        batch = draw_batch(
            self._fit_for(todo),
            rng,
            size=self.plan.batch,
            side=self.plan.side,
            first=todo.first,
            last=todo.last,
            means=todo.means,
            reference_share=1.0 if todo.guided else 0.0,
        )
        flow = None
        if todo.t is not None:
            noise = draw_noise(self.plan.batch, self.plan.side, rng)
            flow = Flow(torch.tensor(todo.t, dtype=torch.float32), noise)
        return Drawn(batch, flow, todo.weight)

    def _fit_for(self, todo: StepPlan) -> Sequence[TrainingScene]:
        """The scenes that a step is meant for; where none of them has its levels, all that have."""
        meant = self._answered if todo.taught else self._guided if todo.guided else self.scenes
        if any(scene.depth >= todo.last for scene in meant):
            return meant
        return self.scenes

    def loss(self, net: nn.Module, drawn: Drawn, device: torch.device, done: float) -> StepLoss:
        """Mean, spread and, where noise was drawn, flow."""
        batch = on_device(drawn.batch, device)
        flow = None if drawn.flow is None else Flow(*(part.to(device) for part in drawn.flow))
        weight = 0.0 if not self._answered else _EXPERT_FIRST if done < _EARLY else _EXPERT_LAST
        found = loss(net, batch, flow, expert_weight=weight, teacher=self._teacher)
        parts = {} if found.flow is None else {"flow": found.flow}
        return StepLoss(found.total, parts, drawn.weight)

    def validation(self, held: Sequence[TrainingScene], device: torch.device) -> Validation:
        """Of the posterior mean."""
        return Validation(held, self.plan.side, device, run_level)

    def save(self, path: Path, state: Mapping[str, Tensor], meta: Mapping[str, Any]) -> str:
        """Through `save_weights`."""
        return save_weights(path, state, {"config": self.config.to_json(), **meta})
