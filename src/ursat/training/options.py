"""What `ursat train` is asked for, and what it answers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from ursat.errors import UsageError
from ursat.models.core.config import PRESETS, CoreConfig
from ursat.models.paper.config import LITERALS, WINDOW, PaperConfig
from ursat.models.paper.config import PRESETS as PAPER_PRESETS
from ursat.training.batches import MARGIN
from ursat.training.expert import EXPERTS
from ursat.training.paper.plan import PaperPlan, PaperStage
from ursat.training.plan import TrainPlan

if TYPE_CHECKING:
    from pathlib import Path

# A chain of such patches has this side on every level; beyond it, each level halves what is more
_SMALLEST = 4 * MARGIN
Precision = Literal["auto", "fp32", "bf16"]


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """One of ``steps`` and ``budget_s`` says how long.

    data: a data pack or a folder of images. out: where the run writes.
    preset: a name of `PRESETS`, of the core family or the paper's, or a configuration.
    stage: of the paper's networks: pre-training (x2) or fine-tuning (x4), or a plan. paper_literal: names of the fields
    of `PaperLiteral` that are on, besides those of the preset.
    steps: of the optimiser. budget_s: seconds of training, scenes not counted.
    resume: go on from ``out``'s checkpoint, if there is one.
    init: weights or a checkpoint to begin with. teacher: the same, whose posterior mean is aimed at as well.
    expert: a name of `EXPERTS`, a public network whose answers about the scenes are targets; None: the truth alone.
    pack: folder of scenes, made or completed where needed; None: inside ``out``. scenes, val_scenes: how many.
    batch: patches a step and process. side: cells of a patch; None: what suits the network. lr: its peak; None: the
    family's.
    seed: of weights and draws; scenes have their own.
    eval_s, eval_steps: validation every so often; steps win.
    processes: how many train together. jobs: how many make scenes.
    """

    data: Path
    out: Path
    preset: str | CoreConfig | PaperConfig = "core-xs"
    stage: PaperStage | PaperPlan = "pretrain"
    paper_literal: tuple[str, ...] = ()
    steps: int | None = None
    budget_s: float | None = None
    resume: bool = False
    init: Path | None = None
    teacher: Path | None = None
    expert: str | None = None
    pack: Path | None = None
    scenes: int = 1000
    val_scenes: int = 24
    batch: int = 8
    side: int | None = None
    lr: float | None = None
    seed: int = 0
    eval_s: float = 600.0
    eval_steps: int | None = None
    device: str = "auto"
    precision: Precision = "auto"
    processes: int = 1
    jobs: int = 1

    @property
    def config(self) -> CoreConfig | PaperConfig:
        """The network's size.

        Raises:
            UsageError: there is no such preset, or no such formula, or the preset is not of the paper's networks.
        """
        config = self._preset()
        if not self.paper_literal:
            return config
        if not isinstance(config, PaperConfig):
            raise UsageError(f"{config.name} is no network of the paper", hint="leave out --paper-literal")
        unknown = [name for name in self.paper_literal if name not in LITERALS]
        if unknown:
            raise UsageError(f"--paper-literal {unknown[0]!r} is none of {', '.join(LITERALS)}")
        return replace(config, literal=replace(config.literal, **dict.fromkeys(self.paper_literal, True)))

    def _preset(self) -> CoreConfig | PaperConfig:
        if not isinstance(self.preset, str):
            return self.preset
        known = PRESETS | PAPER_PRESETS
        if self.preset not in known:
            raise UsageError(f"there is no preset {self.preset!r}", hint=f"one of {', '.join(known)}")
        return known[self.preset]

    @property
    def plan(self) -> TrainPlan | PaperPlan:
        """What decides the result."""
        config = self.config
        if isinstance(config, PaperConfig):
            given = self.stage if isinstance(self.stage, PaperPlan) else PaperPlan.of(config, self.stage)
            paper = replace(given, steps=self.steps or 0, batch=self.batch, seed=self.seed)
            paper = paper if self.side is None else replace(paper, side=self.side)
            return paper if self.lr is None else replace(paper, lr=self.lr)
        side = _SMALLEST + 8 * config.align if self.side is None else self.side
        plan = TrainPlan(steps=self.steps or 0, batch=self.batch, side=side, seed=self.seed)
        plan = plan if self.lr is None else replace(plan, lr=self.lr)
        return plan if self.init is None else replace(plan, alone=0.0)  # weights to begin with know the mean already

    def check(self) -> None:
        """Refuse what cannot mean anything.

        Raises:
            UsageError: the options contradict each other.
        """
        if (self.steps is None) == (self.budget_s is None):
            raise UsageError("say once how long to train", hint="--budget 2h, or --steps 20000")
        step = WINDOW if isinstance(self.config, PaperConfig) else 8 * self.config.align
        if self.side is not None and (self.side < _SMALLEST or (self.side - _SMALLEST) % step):
            fits = f"{_SMALLEST} plus a multiple of {step}"
            raise UsageError(f"patches of {self.side} cells do not fit {self.config.name}", hint=f"take {fits}")
        if isinstance(self.config, PaperConfig) and (self.teacher, self.expert) != (None, None):
            raise UsageError(
                f"{self.config.name} is trained on the truth alone", hint="leave out --teacher and --expert"
            )
        if self.stage != "pretrain" and not isinstance(self.config, PaperConfig):
            raise UsageError(f"{self.config.name} is not trained in stages", hint="leave out --stage")
        if self.expert is not None and self.expert not in EXPERTS:
            raise UsageError(f"there is no expert {self.expert!r}", hint=f"one of {', '.join(EXPERTS)}")
        for path in (self.init, self.teacher):
            if path is not None and not path.is_file():
                raise UsageError(f"{path}: no such file", hint="name a .safetensors file or a checkpoint.pt")

    def to_json(self) -> dict[str, Any]:
        """JSON-ready: what was asked for, network and plan spelled out."""
        facts = {key: value for key, value in asdict(self).items() if key != "preset"}
        plain = {k: v if v is None or isinstance(v, (bool, int, float)) else str(v) for k, v in facts.items()}
        return {"options": plain, "config": self.config.to_json(), "plan": self.plan.to_json()}


@dataclass(frozen=True, slots=True)
class TrainState:
    """Where a run stands, for whoever shows it.

    phase: scenes, validation scenes, expert's answers or training. done: its share, 0..1. left_s: seconds, or None.
    step, steps_per_s, loss: of the training; gains: of the last validation, dB by level and track.
    """

    phase: str
    done: float
    left_s: float | None = None
    step: int = 0
    steps_per_s: float = 0.0
    loss: float | None = None
    gains: dict[str, float] | None = None


class TrainProgress(Protocol):
    """Called after every step, and while scenes are made."""

    def __call__(self, state: TrainState) -> None:
        """Show the state."""
        ...


@dataclass(frozen=True, slots=True)
class TrainResult:
    """weights: the best by validation, else the last. gains: dB of the last validation; score: their best mean so far.

    stopped: the signal that ended the run early, or None. rank: of the process that reports; only 0 wrote.
    """

    out: Path
    weights: Path
    step: int
    seconds: float
    gains: dict[str, float]
    score: float | None
    stopped: int | None
    rank: int = 0

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self) | {"out": str(self.out), "weights": str(self.weights)}
