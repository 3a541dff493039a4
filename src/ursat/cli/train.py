"""`ursat train`: a network of the core family or the paper's, from a folder of images."""

from __future__ import annotations

import shlex
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ursat.cli import options as o
from ursat.cli import parse, render
from ursat.cli import train_options as t
from ursat.cli.console import say, start_logging, stderr, stdout
from ursat.cli.errors import INTERRUPTED, TERMINATED
from ursat.cli.progress import TENTHS, clock_text
from ursat.machine import usable_cores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress as Bar

    from ursat.training.options import TrainProgress, TrainResult, TrainState


def train(
    data: t.Data,
    preset: t.Preset = "core-xs",
    stage: t.Stage = "pretrain",
    paper_literal: t.PaperLiteral = None,
    out: t.Out = None,
    budget: t.Budget = None,
    steps: t.Steps = None,
    resume: t.ResumeRun = False,
    init: t.Init = None,
    teacher: t.Teacher = None,
    expert: t.ExpertName = "none",
    eval_every: t.EvalEvery = None,
    scenes: t.Scenes = 1000,
    pack: t.Pack = None,
    batch: t.Batch = 8,
    side: t.Side = None,
    lr: t.LearningRate = None,
    seed: t.TrainSeed = 0,
    device: o.Device = "auto",
    precision: t.PrecisionOption = "auto",
    processes: t.Processes = 1,
    jobs: t.MakingJobs = 0,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Train a model on images that you have, and print the path of its weights.

    Every image is observed as the sensors would have seen it (blur, noise, shift, another radiometry, change and cloud
    in the reference), and taken through the same preparation as a user's scene; the network learns what that leaves
    undone. Ctrl-C keeps a checkpoint that --resume goes on from.
    """
    from ursat.training.distributed import launcher_rank
    from ursat.training.options import TrainOptions
    from ursat.training.trainer import train as run

    start_logging(-1 if quiet else 0)
    by_steps = isinstance(eval_every, int)
    options = TrainOptions(
        data=data,
        out=Path(f"train-{preset}") if out is None else out,
        preset=preset,
        stage=stage,
        paper_literal=parse.names(paper_literal or ()),
        steps=steps,
        budget_s=budget,
        resume=resume,
        init=init,
        teacher=teacher,
        expert=None if expert == "none" else expert,
        pack=pack,
        scenes=scenes,
        batch=batch,
        side=side,
        lr=lr,
        seed=seed,
        eval_s=600.0 if eval_every is None or by_steps else eval_every,
        eval_steps=eval_every if by_steps else None,
        device=device,
        precision=precision,
        processes=processes,
        jobs=jobs or usable_cores(),
    )
    with _shown(quiet=quiet or launcher_rank() > 0) as show:
        result = run(options, show)
    if result.rank == 0:
        _report(result, as_json=json, quiet=quiet)
    if result.stopped == signal.SIGINT:
        raise typer.Exit(INTERRUPTED)
    if result.stopped is not None:
        raise SystemExit(TERMINATED)


def _report(result: TrainResult, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        render.print_json(result.to_json())
    else:
        stdout.print(str(result.weights))
    if not quiet:
        gains = ", ".join(f"{key} {gain:+.2f}" for key, gain in result.gains.items())
        rows = [("steps", f"{result.step} in {clock_text(result.seconds)}"), ("gain, dB", gains or "not measured")]
        render.print_rows(stderr, rows, title=str(result.out))
    if result.stopped is not None:
        arguments = [*sys.argv[1:], *([] if "--resume" in sys.argv else ["--resume"])]
        say("", f"stopped after step {result.step}; to go on: ursat {shlex.join(arguments)}")


@contextmanager
def _shown(*, quiet: bool) -> Iterator[TrainProgress | None]:
    """What to hand to the trainer: a bar on a terminal, a line per tenth elsewhere, or None."""
    if quiet:
        yield None
    elif stderr.is_terminal:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        with Progress(
            TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), console=stderr, transient=True
        ) as bar:
            yield _Bar(bar)
    else:
        yield _Lines()


class _Bar:
    def __init__(self, bar: Bar) -> None:
        self._bar, self._task = bar, bar.add_task("preparing", total=1.0)

    def __call__(self, state: TrainState) -> None:
        self._bar.update(self._task, description=line(state), completed=state.done)


class _Lines:
    def __init__(self) -> None:
        self._last = ("", 0)

    def __call__(self, state: TrainState) -> None:
        now = (state.phase, int(TENTHS * state.done))
        if now != self._last:
            self._last = now
            stderr.print(f"ursat: {100 * state.done:3.0f} %  {line(state)}")


def line(state: TrainState) -> str:
    """'training  step 1200, 2.4/s, loss 0.412, L1/noref +0.31  0:12:00 left'."""
    facts = []
    if state.step:
        facts.append(f"step {state.step}, {state.steps_per_s:.2g}/s")
    if state.loss is not None:
        facts.append(f"loss {state.loss:.3f}")
    facts += [f"{key} {gain:+.2f}" for key, gain in (state.gains or {}).items()]
    left = "" if state.left_s is None else f"{clock_text(state.left_s)} left"
    return "  ".join(part for part in (state.phase, ", ".join(facts), left) if part)
