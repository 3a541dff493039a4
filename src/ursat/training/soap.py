"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner (Vyas et al. 2024, arXiv 2409.11321, Algorithm 3).

The features of a level are strongly correlated (a scene's spectrum falls by orders of magnitude over the band), which
first-order methods pay for with steps: on the same batches SOAP was where Adam is after ten times as many
(`docs/decisions.md`, the entry on the optimiser). A convolution counts as a matrix (outputs, inputs x kernel).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.optim import Optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor


class Soap(Optimizer):
    """For weights of two or more dimensions; vectors (biases) are for Adam.

    Args:
        params: tensors, or groups of them.
        lr: learning rate, as for Adam.
        betas: decay of the first moment, and of the second and the preconditioner.
        every: steps between updates of the eigenbasis (one power iteration and a QR decomposition).
        eps: added to the root of the second moment.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 3e-3,
        betas: tuple[float, float] = (0.9, 0.95),
        every: int = 10,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "every": every, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update from the gradients at hand.

        Raises:
            ValueError: a closure was given; the method needs none.
        """
        if closure is not None:
            raise ValueError("SOAP takes no closure")
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._update(weight, group)

    def _update(self, weight: Tensor, group: dict[str, Any]) -> None:
        gradient = weight.grad.reshape(len(weight), -1)  # type: ignore[union-attr]
        state = self.state[weight]
        first, second = group["betas"]
        if not state:
            state.update(_fresh(gradient))
            _precondition(state, gradient, second)
            state["left_basis"] = torch.linalg.eigh(state["left"])[1]
            state["right_basis"] = torch.linalg.eigh(state["right"])[1]
        else:
            _precondition(state, gradient, second)
        state["step"] += 1
        left, right = state["left_basis"], state["right_basis"]
        state["mean"].lerp_(gradient, 1 - first)
        turned = left.T @ gradient @ right
        state["square"].lerp_(turned * turned, 1 - second)
        count = int(state["step"])
        if count == 1:  # the basis knows one gradient only: no step to take in it yet
            return
        mean = (left.T @ state["mean"] @ right) / (1 - first**count)
        root = (state["square"] / (1 - second**count)).sqrt()
        update = left @ (mean / (root + group["eps"])) @ right.T
        weight.add_(update.reshape(weight.shape), alpha=-group["lr"])
        if count % group["every"] == 0:
            state["left_basis"] = torch.linalg.qr(state["left"] @ left)[0]
            state["right_basis"] = torch.linalg.qr(state["right"] @ right)[0]


def _fresh(gradient: Tensor) -> dict[str, Any]:
    rows, columns = gradient.shape
    return {
        "step": torch.zeros((), dtype=torch.int64),
        "mean": torch.zeros_like(gradient),
        "square": torch.zeros_like(gradient),
        "left": gradient.new_zeros((rows, rows)),
        "right": gradient.new_zeros((columns, columns)),
    }


def _precondition(state: dict[str, Any], gradient: Tensor, decay: float) -> None:
    state["left"].lerp_(gradient @ gradient.T, 1 - decay)
    state["right"].lerp_(gradient.T @ gradient, 1 - decay)
