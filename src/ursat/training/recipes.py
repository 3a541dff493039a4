"""The recipe of every family of networks that can be trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursat.models.core.config import CoreConfig
from ursat.training.core_recipe import CoreRecipe
from ursat.training.paper.plan import PaperPlan
from ursat.training.paper.recipe import PaperRecipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from ursat.training.options import TrainOptions
    from ursat.training.recipe import Recipe
    from ursat.training.scenes import TrainingScene


def recipe_of(options: TrainOptions, scenes: Sequence[TrainingScene], device: torch.device) -> Recipe:
    """How the run's network is trained.

    Args:
        options: of the run.
        scenes: to learn from, at least one.
        device: where it computes.

    Raises:
        InputError: a teacher that cannot be read.
    """
    config, plan = options.config, options.plan
    if isinstance(config, CoreConfig):
        assert not isinstance(plan, PaperPlan)  # noqa: S101  (the same property decides both)
        return CoreRecipe(options, config, plan, scenes, device)
    assert isinstance(plan, PaperPlan)  # noqa: S101
    return PaperRecipe(config, plan, scenes)
