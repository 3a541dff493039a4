"""What learns: the network, its average, its optimisers; and how far it has come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from ursat.errors import UrsatError, UsageError
from ursat.training.checkpoint import Checkpoint
from ursat.training.ema import Ema

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from ursat.training.recipe import Recipe

CLIP = 1.0


class Learner:
    """A fresh network, drawn with the plan's seed.

    Attributes:
        step: optimiser steps done. elapsed_s: seconds of training. best: highest validation score so far, or None.
    """

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.recipe, self.device = recipe, device
        torch.manual_seed(recipe.plan.seed)
        self.net = recipe.network().to(device)
        self.optimisers = recipe.optimisers(self.net)
        self.ema = Ema(self.net, recipe.plan.ema)
        self.step, self.elapsed_s = 0, 0.0
        self.best: float | None = None

    def begin_with(self, path: Path) -> None:
        """Take over the weights of a file or a checkpoint.

        Raises:
            UsageError: its network's size is another.
            InputError: it cannot be read.
        """
        net, config = self.recipe.load(path)
        self._same(config.to_json())
        self.net.load_state_dict(net.state_dict())
        self.ema = Ema(self.net, self.recipe.plan.ema)

    def go_on(self, saved: Checkpoint) -> None:
        """Take over a checkpoint whole.

        Raises:
            UsageError: its network's size is another.
        """
        self._same(saved.config)
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
            config=self.recipe.config.to_json(),
            plan=self.recipe.plan.to_json(),
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

    def _same(self, config: dict[str, Any]) -> None:
        own = self.recipe.config.to_json()
        others = [key for key, value in own.items() if config.get(key) != value]
        if others == ["literal"]:
            printed = ",".join(name for name, on in config["literal"].items() if on)
            raise UsageError(
                f"the weights are of {own['name']} with other formulas as printed: {printed or 'none'}",
                hint=f"--paper-literal {printed}" if printed else "leave out --paper-literal",
            )
        if config != own:
            raise UsageError(
                f"the weights are of {config.get('name')} {config.get('widths')}, not of {own['name']} {own['widths']}",
                hint=f"--preset {config.get('name')}, or other weights",
            )
