"""The training loop of one process: draw, step, and now and then validate, log and save."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import torch

from ursat.errors import LimitError
from ursat.training.ahead import ahead
from ursat.training.checkpoint import load_checkpoint, save_checkpoint
from ursat.training.curve import draw_curve
from ursat.training.journal import Journal
from ursat.training.learner import Learner
from ursat.training.options import TrainResult, TrainState
from ursat.training.precision import with_precision
from ursat.training.recipes import recipe_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ursat.training.distributed import World
    from ursat.training.options import TrainOptions, TrainProgress
    from ursat.training.scenes import TrainingScene
    from ursat.training.signals import Stop

CHECKPOINT, BEST, LAST, LOG, CURVE = "checkpoint.pt", "best.safetensors", "last.safetensors", "log.jsonl", "curve.png"
_CHECKPOINT_S = 240.0
_LOG_STEPS = 50
_CUDA_THREADS = 4  # that draw batches while the device computes


class Loop:
    """One process's share of a run; with the same options, scenes and number of processes the same weights.

    Args:
        options: of the run.
        world: this process among those that train.
        scenes: to learn from, at least one.
        held: to validate on, on rank 0.
        facts: what is known of the data, for the weights' header.

    Raises:
        InputError: a checkpoint or file of weights that cannot be read.
        UsageError: one that is of another preset.
    """

    def __init__(
        self,
        options: TrainOptions,
        world: World,
        scenes: Sequence[TrainingScene],
        held: Sequence[TrainingScene],
        facts: dict[str, Any],
    ) -> None:
        self.options, self.world, self.facts = options, world, facts
        device = world.device
        self.recipe = recipe_of(options, scenes, device)
        self.learner = Learner(self.recipe, device)
        if options.resume and (options.out / CHECKPOINT).is_file():
            self.learner.go_on(load_checkpoint(options.out / CHECKPOINT))
        elif options.init is not None:
            self.learner.begin_with(options.init)
        self._net = world.share(with_precision(self.learner.net, options.precision, device), partly=self.recipe.partly)
        self._averaged = self.recipe.network().to(device).eval()
        self._writes = world.rank == 0
        self.gains: dict[str, float] = {}
        self._scored = -1  # the step of the last validation
        if self._writes:
            self._validation = self.recipe.validation(held, device)
            self._journal = Journal(options.out / LOG, self.learner.step)
        self._losses: list[float] = []
        self._parts: dict[str, list[float]] = defaultdict(list)

    def run(self, stop: Stop, progress: TrainProgress | None = None) -> TrainResult:
        """Train until the steps or the budget are used up, or a signal says so.

        Raises:
            UrsatError: the loss is not finite; the last checkpoint stays.
            LimitError: a batch does not fit into the device's memory.
        """
        learner = self.learner
        start = time.monotonic() - learner.elapsed_s
        begun = learner.step, learner.elapsed_s
        saved = checked = learner.elapsed_s
        signal = 0
        for drawn in ahead(self._draw, learner.step, _CUDA_THREADS if self.world.device.type == "cuda" else 0):
            done, signal = self.world.agree(self._done(), stop.received)
            if done >= 1 or signal:
                break
            self._step(drawn, done)
            learner.elapsed_s = time.monotonic() - start
            if not self._writes:
                continue
            if self._due(checked):
                self._validate()
                checked = learner.elapsed_s = time.monotonic() - start
            if learner.elapsed_s - saved >= _CHECKPOINT_S or checked > saved:
                self._save()
                saved = learner.elapsed_s
            if progress is not None:
                progress(self._state(begun))
        if self._writes:
            if not signal:
                self._validate()
            self._log()
            learner.elapsed_s = time.monotonic() - start
            self._save()
        weights = self.options.out / (LAST if learner.best is None else BEST)
        return TrainResult(
            self.options.out, weights, learner.step, learner.elapsed_s, self.gains, learner.best, signal or None,
            self.world.rank,
        )  # fmt: skip

    def _draw(self, step: int) -> Any:
        done = self._done() if self.options.budget_s is not None else step / max(self.recipe.plan.steps, 1)
        return self.recipe.draw(step, done, self.world.rank)

    def _step(self, drawn: Any, done: float) -> None:
        device = self.world.device
        lr = self.recipe.learning_rate(done, self.learner.step)
        try:
            found = self.recipe.loss(self._net, drawn, device, done)
            norm = self.learner.update(found.total * found.weight, lr)
        except torch.OutOfMemoryError as error:
            batch = self.recipe.plan.batch
            raise LimitError(
                f"batches of {batch} patches do not fit into the memory of {device}",
                hint=f"--batch {max(1, batch // 2)}, and --resume if a checkpoint was written",
            ) from error
        if self._writes:
            self._losses.append(float(found.total.detach()))
            for name, part in found.parts.items():
                self._parts[name].append(float(part))
            if self.learner.step % _LOG_STEPS == 0:
                self._log(lr=lr, gradient=norm)

    def _done(self) -> float:
        if self.options.budget_s is not None:
            return self.learner.elapsed_s / self.options.budget_s
        return self.learner.step / max(self.recipe.plan.steps, 1)

    def _due(self, checked: float) -> bool:
        if self.options.eval_steps is not None:
            return self.learner.step % self.options.eval_steps == 0
        return self.learner.elapsed_s - checked >= self.options.eval_s

    def _log(self, **facts: float) -> None:
        if self._losses:
            mean = math.fsum(self._losses) / len(self._losses)
            elapsed = round(self.learner.elapsed_s, 1)
            facts |= {name: math.fsum(values) / len(values) for name, values in self._parts.items()}
            self._journal.write("step", self.learner.step, loss=mean, elapsed_s=elapsed, **facts)
            self._losses.clear()
            self._parts.clear()

    def _validate(self) -> None:
        if self._scored == self.learner.step:
            return
        self._scored = self.learner.step
        self._averaged.load_state_dict(self.learner.ema.values)
        self.gains = self._validation.gains(self._averaged)
        if not self.gains:
            return
        score = math.fsum(self.gains.values()) / len(self.gains)
        self._journal.write("validation", self.learner.step, gains=self.gains, score=score)
        if self.learner.best is None or score > self.learner.best:
            self.learner.best = score
            self._write_weights(BEST)

    def _save(self) -> None:
        save_checkpoint(self.options.out / CHECKPOINT, self.learner.checkpoint())
        self._write_weights(LAST)
        draw_curve(self.options.out / CURVE, self._journal.records)

    def _write_weights(self, name: str) -> None:
        meta = {
            "data": self.facts,
            "steps": self.learner.step,
            "date": datetime.now(UTC).date().isoformat(),
            "val": self.gains,
        }
        self.recipe.save(self.options.out / name, self.learner.ema.values, meta)

    def _state(self, begun: tuple[int, float]) -> TrainState:
        learner, (step, elapsed) = self.learner, begun
        speed = (learner.step - step) / max(learner.elapsed_s - elapsed, 1e-9)
        done = self._done()
        left = (
            (self.recipe.plan.steps - learner.step) / speed if self.options.budget_s is None
            else self.options.budget_s - learner.elapsed_s
        )  # fmt: skip
        recent = self._losses[-20:]
        return TrainState(
            "training", min(done, 1.0), max(left, 0.0), learner.step, speed,
            sum(recent) / len(recent) if recent else None, self.gains or None,
        )  # fmt: skip
