"""Ablations that train: small networks, equal steps and seeds, one choice changed a row; see scripts/ablation.py."""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from ursat.models.core.config import CONTEXT, PRESETS, CoreConfig
from ursat.models.core.denoiser import INPUTS, MEAN
from ursat.models.wavelet import replicate
from ursat.training import core_recipe, objective
from ursat.training.checkpoint import new_network
from ursat.training.distributed import World
from ursat.training.loop import Loop
from ursat.training.objective import see
from ursat.training.options import TrainOptions
from ursat.training.pack import answer_path, load_pack, load_scene
from ursat.training.plan import plan_step
from ursat.training.signals import Stop

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from ursat.models.core.denoiser import Denoiser
    from ursat.training.batches import LevelBatch
    from ursat.training.objective import Seen
    from ursat.training.plan import StepPlan, TrainPlan
    from ursat.training.scenes import TrainingScene

SMALL = CoreConfig("ablation", (16, 32), (1, 1), 32)
WIDTHS = (CoreConfig("24-48", (24, 48), (1, 2)), PRESETS["core-xs"], PRESETS["core-s"])
TRAINED_WIDTHS = 2  # of WIDTHS: the third would take as long as both
SPEED_SIDE, SPEED_ROUNDS = 128, 5


def see_replicated(level: LevelBatch, x: Tensor) -> Seen:
    """`see` whose start is x, every pixel four times: neither deconvolved, nor interpolated, nor with a reference."""
    return see(replace(level, start=replicate(x)), x)


def plan_guided(plan: TrainPlan, rng: np.random.Generator, deepest: int, done: float = 1.0) -> StepPlan:
    """`plan_step` whose every step is trained with references; the expert, who saw none, has nothing to say then."""
    return replace(plan_step(plan, rng, deepest, done), guided=True, taught=False)


@dataclass(frozen=True)
class Row:
    """A variant of training: what replaces `see` and `plan_step`, and whether chains are the network's own."""

    name: str
    see: Callable[..., Seen] = see
    plan_step: Callable[..., StepPlan] = plan_step
    self_forcing: bool = True


ROWS = (
    Row("as it is"),
    Row("start: replication", see=see_replicated),
    Row("no self-forcing", self_forcing=False),
    Row("no reference dropout", plan_step=plan_guided),
)


def load_scenes(folder: Path, wanted: Sequence[int]) -> list[TrainingScene]:
    """The scenes with these numbers, with the expert's answers."""
    scenes = []
    for number in wanted:
        path = folder / f"scene-{number:06d}.npz"
        scene = load_scene(path)
        if answer_path(path).is_file():
            scene.expert = np.load(answer_path(path), allow_pickle=False)
        scenes.append(scene)
    return scenes


class School:
    """Scenes to learn from and to be judged by, and how long."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self.asked = asked
        self.scenes = load_scenes(asked.pack, asked.scenes)
        self.held = load_pack(asked.pack / "val", 1000)

    def gains(self, config: CoreConfig, row: Row) -> dict[str, float]:
        """dB over the classical cascade on the validation scenes' patches, by level and track; mean over the seeds."""
        runs = [self._run(config, row, seed) for seed in range(self.asked.seeds)]
        return {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}

    def _run(self, config: CoreConfig, row: Row, seed: int) -> dict[str, float]:
        asked = self.asked
        with tempfile.TemporaryDirectory(prefix="ursat-ablation-") as folder, ExitStack() as patches:
            options = TrainOptions(
                data=asked.pack, out=Path(folder), preset=config, steps=asked.steps, batch=asked.batch,
                side=asked.side, seed=seed, eval_steps=asked.steps + 1, precision="fp32",
            )  # fmt: skip
            # Before anything is replaced: all rows are compared with the same classical cascade
            loop = Loop(options, World(0, 1, torch.device("cpu")), self.scenes, self.held, {})
            recipe = loop.recipe
            assert isinstance(recipe, core_recipe.CoreRecipe)
            recipe.plan = replace(recipe.plan, self_forcing=row.self_forcing)
            patches.enter_context(patch.object(objective, "see", row.see))
            patches.enter_context(patch.object(core_recipe, "plan_step", row.plan_step))
            gains = loop.run(Stop()).gains
        figures = ", ".join(f"{key} {value:+.3f}" for key, value in gains.items())
        print(f"{config.name}, {row.name}, seed {seed}, {loop.learner.elapsed_s:.0f} s: {figures}", file=sys.stderr)
        return gains


def training_table(asked: argparse.Namespace) -> str:
    """One row a choice of `ROWS`, all on the same scenes, draws and validation patches."""
    school = School(asked)
    found = {row.name: school.gains(SMALL, row) for row in ROWS}
    keys = list(found[ROWS[0].name])
    lines = [["dB over classical", *keys], ["---"] * (1 + len(keys))]
    lines += [[name, *(f"{gains[key]:+.2f}" for key in keys)] for name, gains in found.items()]
    return markdown(lines)


def width_table(asked: argparse.Namespace) -> str:
    """Size and speed of networks; with a pack also the mean gain of the smaller ones after equal steps."""
    nets = [new_network(config).eval() for config in WIDTHS]
    seconds = seconds_per_megacell(nets)
    school = None if asked.pack is None else School(asked)
    keys: list[str] = []
    rows = []
    for k, (config, net) in enumerate(zip(WIDTHS, nets, strict=True)):
        gains = school.gains(config, Row("as it is")) if school is not None and k < TRAINED_WIDTHS else {}
        keys = keys or list(gains)
        size = sum(weight.numel() for weight in net.parameters())
        row = [f"{config.name} {config.widths}", f"{size / 1e3:.0f}", f"{flops_per_cell(net) / 1e3:.0f}"]
        row += [f"{seconds[k]:.1f}", f"{seconds[k] / seconds[1]:.2f}"]
        rows.append(row + [f"{gains[key]:+.2f}" if gains else "" for key in keys])
    head = ["network", "thousand parameters", "kFLOP a cell", "s a megacell", "over core-xs", *keys]
    return markdown([head, ["---"] * len(head), *rows])


def question(side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Arguments of a network for one square block."""
    features = torch.randn(1, INPUTS, side, side, generator=torch.Generator().manual_seed(0))
    return features.contiguous(memory_format=torch.channels_last), torch.zeros(1, CONTEXT), torch.ones(1)


@torch.no_grad()
def flops_per_cell(net: Denoiser, side: int = 64) -> float:
    """Floating point operations of one evaluation of the mean, a multiplication and an addition counted as two."""
    with FlopCounterMode(display=False) as counter:
        net(*question(side), MEAN)
    return counter.get_total_flops() / side**2


@torch.no_grad()
def seconds_per_megacell(nets: Sequence[Denoiser]) -> list[float]:
    """Of one evaluation of the mean on one thread; the least of several rounds in which the networks take turns."""
    asked = question(SPEED_SIDE)
    best = [float("inf")] * len(nets)
    for _ in range(SPEED_ROUNDS):
        for k, net in enumerate(nets):
            began = time.process_time()
            net(*asked, MEAN)
            best[k] = min(best[k], time.process_time() - began)
    return [seconds / SPEED_SIDE**2 * 1e6 for seconds in best]


def markdown(lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
