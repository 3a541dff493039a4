"""What learns: the network, its average, its optimisers; and how far it has come."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import torch
from torch.optim import Adam

from ursat.errors import UrsatError, UsageError
from ursat.models.core.config import CoreConfig
from ursat.training.checkpoint import Checkpoint, new_network
from ursat.training.ema import Ema
from ursat.training.soap import Soap

if TYPE_CHECKING:
    from torch import Tensor

    from ursat.models.core.denoiser import Denoiser
    from ursat.training.plan import TrainPlan

CLIP = 1.0
_BETAS = (0.9, 0.99)


class Learner:
    """A fresh network, drawn with the plan's seed.

    Attributes:
        optimisers: SOAP for the convolutions' kernels, Adam for all else, which is small.
        step: optimiser steps done. elapsed_s: seconds of training. best: highest validation score so far, or None.
    """

    def __init__(self, config: CoreConfig, plan: TrainPlan, device: torch.device) -> None:
        self.config, self.plan, self.device = config, plan, device
        torch.manual_seed(plan.seed)
        self.net = new_network(config).to(device)
        kernels = [weight for weight in self.net.parameters() if weight.ndim == 4]
        others = [weight for weight in self.net.parameters() if weight.ndim != 4]
        self.optimisers = {"kernels": Soap(kernels, lr=plan.lr), "others": Adam(others, lr=plan.lr, betas=_BETAS)}
        self.ema = Ema(self.net, plan.ema)
        self.step, self.elapsed_s = 0, 0.0
        self.best: float | None = None

    def begin_with(self, net: Denoiser) -> None:
        """Take over another network's weights.

        Raises:
            UsageError: its size is another.
        """
        self._same(net.config)
        self.net.load_state_dict(net.state_dict())
        self.ema = Ema(self.net, self.plan.ema)

    def go_on(self, saved: Checkpoint) -> None:
        """Take over a checkpoint whole.

        Raises:
            UsageError: its network's size is another.
        """
        self._same(CoreConfig.from_json(saved.config))
        self.net.load_state_dict(saved.net)
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(saved.optimiser[name])
        self.ema.values = {key: value.to(self.device) for key, value in saved.ema.items()}
        self.ema.count = saved.ema_count
        self.step, self.elapsed_s, self.best = saved.step, saved.elapsed_s, saved.best

    def checkpoint(self) -> Checkpoint:
        """Everything that `go_on` needs."""
        return Checkpoint(
            step=self.step,
            elapsed_s=self.elapsed_s,
            best=self.best,
            config=self.config.to_json(),
            plan=asdict(self.plan),
            net=self.net.state_dict(),
            ema=self.ema.values,
            ema_count=self.ema.count,
            optimiser={name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
        )

    def update(self, loss: Tensor, lr: float) -> float:
        """One step down the gradient, clipped to a norm of `CLIP`.

        Returns:
            The gradient's norm before that.

        Raises:
            UrsatError: it is not finite; the weights stay as they were.
        """
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = lr
        self.net.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = float(torch.nn.utils.clip_grad_norm_(self.net.parameters(), CLIP))
        if not norm < float("inf"):
            raise UrsatError(
                f"the loss is not finite at step {self.step + 1}",
                hint="the last checkpoint is good: go on from it with --resume and a lower --lr",
            )
        for optimiser in self.optimisers.values():
            optimiser.step()
        self.ema.update(self.net)
        self.step += 1
        return norm

    def _same(self, config: CoreConfig) -> None:
        if config != self.config:
            raise UsageError(
                f"the weights are of {config.name} {config.widths}, not of {self.config.name} {self.config.widths}",
                hint=f"--preset {config.name}, or other weights",
            )
