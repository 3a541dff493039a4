"""What a training run trains, and how; everything that the loop around it need not know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import torch
    from torch import Tensor, nn

    from ursat.models.stored import Config
    from ursat.training.scenes import TrainingScene
    from ursat.training.validate import Validation


class Plan(Protocol):
    """What decides a run's result, besides data and preset.

    steps: of the optimiser, 0 where a budget ends the run; batch: patches a step and process; side: cells of a patch;
    ema: decay of the averaged weights.
    """

    @property
    def steps(self) -> int: ...  # noqa: D102
    @property
    def batch(self) -> int: ...  # noqa: D102
    @property
    def side(self) -> int: ...  # noqa: D102
    @property
    def ema(self) -> float: ...  # noqa: D102
    @property
    def seed(self) -> int: ...  # noqa: D102

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        ...


class StepLoss(NamedTuple):
    """total: for the log, and minimised times ``weight``. parts: more for the log, each a mean over the batch."""

    total: Tensor
    parts: dict[str, Tensor]
    weight: float = 1.0


class Recipe(Protocol):
    """Of one family of networks."""

    @property
    def config(self) -> Config:
        """Of the network."""
        ...

    @property
    def partly(self) -> bool:
        """Whether some steps train only a part of the network."""
        ...

    @property
    def plan(self) -> Plan:
        """Of the run."""
        ...

    def network(self) -> nn.Module:
        """A fresh network on the CPU, in the memory layout that its convolutions are fastest in."""
        ...

    def load(self, path: Path) -> tuple[nn.Module, Config]:
        """A trained network, from a file of weights or a checkpoint.

        Raises:
            InputError: neither of the two, damaged, or of another family.
        """
        ...

    def optimisers(self, net: nn.Module) -> dict[str, torch.optim.Optimizer]:
        """By name, every parameter of ``net`` in one of them."""
        ...

    def learning_rate(self, done: float, step: int) -> float:
        """For a step; ``done``: share of the run, 0..1."""
        ...

    def draw(self, step: int, done: float, rank: int) -> Any:
        """What a step trains on, on the CPU; a function of its arguments, the scenes and the plan's seed."""
        ...

    def loss(self, net: nn.Module, drawn: Any, device: torch.device, done: float) -> StepLoss:
        """Of what `draw` gave."""
        ...

    def validation(self, held: Sequence[TrainingScene], device: torch.device) -> Validation:
        """Scores networks on scenes held out."""
        ...

    def save(self, path: Path, state: Mapping[str, Tensor], meta: Mapping[str, Any]) -> str:
        """Write weights; ``meta`` is what the header shall say besides the configuration. Returns the sha256."""
        ...
