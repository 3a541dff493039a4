"""Tables 5 and 6 of the paper (arXiv 2412.18996), Figure 12: parts, and its heads, trained and scored at one budget.

    python scripts/paper_tables.py --pack FOLDER [--tables 5,6] [--steps 500 | --budget 180] [--init FILE]
    python scripts/paper_tables.py --pack FOLDER --tables 5 --weights paper-mini.safetensors

FOLDER is a pack of scenes that `ursat train` made, with held-out ones in its subfolder val. A row is a file of
scripts/paper_tables/: what it changes of the network's and of the run's configuration. All rows see the same scenes and
draws. With weights nothing is trained: the parts that a row does not have are left out of the one network, and every
row is the self-cascade that it was trained for.

Scored is x8 from the observation on patches of the held-out scenes, by the faithful answer: PSNR over that of the
classical enlargement (dB), and SRE (%). Intervals are 95 % bootstrap over the patches.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ursat.benchmark.metrics.sre import sre
from ursat.models.paper.config import PRESETS, PaperConfig
from ursat.models.paper.network import PaperNetwork
from ursat.models.paper.weights import load_paper
from ursat.training.batches import draw_batch
from ursat.training.distributed import World
from ursat.training.ema import Ema
from ursat.training.loop import Loop
from ursat.training.objective import chain
from ursat.training.options import TrainOptions
from ursat.training.pack import load_pack
from ursat.training.paper.objective import runner
from ursat.training.paper.plan import PaperPlan
from ursat.training.signals import Stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ursat.models.paper.normalise import Conditions
    from ursat.training.batches import Batch
    from ursat.training.learner import Learner
    from ursat.training.objective import RunLevel
    from ursat.training.scenes import TrainingScene

FOLDER = Path(__file__).with_suffix("")
LEVEL = 3  # x8, as Table 5
PATCHES = 4  # of a scene
_BORDER = 8  # pixels at a patch's border that see zero padding
_DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """file: without suffix, begins with its table's name; name: as the paper has it; network, plan: what is changed."""

    file: str
    name: str
    network: dict[str, Any]
    plan: dict[str, Any]

    def config(self, preset: str) -> PaperConfig:
        """Of the network."""
        return replace(PRESETS[preset], **self.network)

    def plan_of(self, config: PaperConfig) -> PaperPlan:
        """Of the run."""
        changes = dict(self.plan)
        chains = tuple((int(first), int(last), float(share)) for first, last, share in changes.pop("chains"))
        return replace(PaperPlan.of(config, "pretrain"), chains=chains, **changes)


def rows_of(table: str) -> list[Row]:
    """The rows of a table, ``5`` or ``6``, in the paper's order."""
    paths = sorted(FOLDER.glob(f"table{table}-*.json"))
    facts = [(path.stem, json.loads(path.read_text("utf-8"))) for path in paths]
    return [Row(stem, f["row"], f["network"], f["plan"]) for stem, f in facts]


def patches(scenes: Sequence[TrainingScene], side: int, *, guided: bool) -> list[Batch]:
    """Fixed patches of the scenes that have `LEVEL` levels, with the reference or without."""
    fit = [s for s in scenes if s.depth >= LEVEL and (not guided or len(s.views) > 1)]
    return [
        draw_batch(
            [scene], np.random.default_rng([number, LEVEL]), size=PATCHES, side=side, first=1, last=LEVEL, means=True,
            reference_share=float(guided),
        )
        for number, scene in enumerate(fit)
    ]  # fmt: skip


class Parts(nn.Module):
    """A trained network without the parts that a configuration does not have."""

    def __init__(self, net: PaperNetwork, config: PaperConfig) -> None:
        super().__init__()
        self.net, self.csp, self.cshr = net, config.csp, config.cshr

    def forward(
        self, seen: Conditions, context: Tensor, a_t: Tensor | None = None, t: Tensor | None = None
    ) -> tuple[Tensor | None, Tensor]:
        """As the network's own."""
        epsilon, bands = self.net(seen, context, a_t, t, alone=not self.csp)
        return epsilon, bands if self.cshr else seen.base


@torch.no_grad()
def scores(net: nn.Module, batches: Sequence[Batch], run: RunLevel) -> NDArray[np.float64]:
    """(patches, 2): gain in dB over the classical enlargement, SRE in per cent."""
    found = []
    inner = (..., slice(_BORDER, -_BORDER), slice(_BORDER, -_BORDER))
    for batch in batches:
        answer = run(net, batch.levels[-1], chain(net, batch, run))[inner]
        classic = batch.levels[-1].enlarged(chain(net, batch, lambda _, level, x: level.enlarged(x)))[inner]
        truth = batch.truth[inner]
        errors = [((image - truth) ** 2).mean((1, 2, 3)).clamp(min=1e-6) for image in (classic, answer)]
        gain = 10 * torch.log10(errors[0] / errors[1])
        relative = [sre(t.double().numpy(), a.double().numpy()) for t, a in zip(truth, answer, strict=True)]
        found.append(np.stack([gain.double().numpy(), np.array(relative)], 1))
    return np.concatenate(found) if found else np.zeros((0, 2))


def interval(values: NDArray[np.float64], sign: str = "") -> str:
    """'mean [low, high]' of a bootstrap over the values."""
    if not len(values):
        return "-"
    rng = np.random.default_rng(0)
    means = values[rng.integers(0, len(values), (_DRAWS, len(values)))].mean(1)
    low, high = np.quantile(means, (0.025, 0.975))
    return f"{values.mean():{sign}.2f} [{low:{sign}.2f}, {high:{sign}.2f}]"


def train_row(row: Row, asked: argparse.Namespace, scenes: Sequence[TrainingScene]) -> tuple[nn.Module, int]:
    """The averaged network after the budget, and its steps."""
    config = row.config(asked.preset)
    with tempfile.TemporaryDirectory(prefix="ursat-tables-") as folder:
        options = TrainOptions(
            data=asked.pack, out=Path(folder), preset=config, stage=row.plan_of(config), lr=asked.lr, side=asked.side,
            steps=asked.steps, budget_s=asked.budget, eval_s=1e9, precision="fp32", device="cpu",
        )  # fmt: skip
        loop = Loop(options, World(0, 1, torch.device("cpu")), scenes, [], {})
        if asked.init:
            begin_with(loop.learner, load_paper(asked.init)[0])
        step = loop.run(Stop()).step
        net = PaperNetwork(config)
        net.load_state_dict(loop.learner.ema.values)
    return net.eval(), step


def begin_with(learner: Learner, net: nn.Module) -> None:
    """Take over what both networks have, by name and shape; the rest stays fresh."""
    own = learner.net.state_dict()
    both = {k: v for k, v in net.state_dict().items() if k in own and own[k].shape == v.shape}
    learner.net.load_state_dict(own | both)
    learner.ema = Ema(learner.net, learner.recipe.plan.ema)


def part_row(row: Row, asked: argparse.Namespace) -> tuple[nn.Module, int]:
    """The given network's parts, and the steps that it was trained."""
    net, info = load_paper(asked.weights)
    return Parts(net, row.config(info.config.name)), info.steps


def table(rows: Sequence[Row], asked: argparse.Namespace) -> str:
    """Markdown."""
    scenes = [] if asked.weights else load_pack(asked.pack, asked.scenes)
    held = load_pack(asked.pack / "val", 1000)
    side = asked.side or rows[0].plan_of(rows[0].config(asked.preset)).side
    tracks = [patches(held, side, guided=guided) for guided in (False, True)]
    lines = [
        "| row | parameters | steps | gain, no ref | SRE, no ref | gain, ref | SRE, ref |",
        "| --- |" + " ---: |" * 6,
    ]
    for row in rows:
        net, step = part_row(row, asked) if asked.weights else train_row(row, asked, scenes)
        once = bool(row.plan.get("one_step")) and not asked.weights
        run = runner(one_step=once, progressive=row.config(asked.preset).progressive)
        cells = []
        for batches in tracks:
            found = scores(net, batches, run)
            cells += [interval(found[:, 0], "+"), interval(found[:, 1])]
        with torch.device("meta"):
            count = sum(p.numel() for p in PaperNetwork(row.config(asked.preset)).parameters()) / 1e6
        lines.append(f"| {row.name} | {count:.2f} M | {step} | " + " | ".join(cells) + " |")
        print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--init", type=Path, help="weights that every row begins with, as far as it has those parts")
    parser.add_argument("--weights", type=Path, help="train nothing; leave parts of these out")
    parser.add_argument("--tables", default="5,6")
    parser.add_argument("--preset", default="paper-mini", choices=sorted(PRESETS))
    parser.add_argument("--steps", type=int)
    parser.add_argument("--budget", type=float, help="seconds a row, in place of steps")
    parser.add_argument("--scenes", type=int, default=600)
    parser.add_argument("--side", type=int, help="cells of a patch; by preset")
    parser.add_argument("--lr", type=float, default=8e-4)
    asked = parser.parse_args(arguments)
    asked.steps = 500 if asked.steps is None and asked.budget is None else asked.steps
    for name in asked.tables.split(","):
        rows = rows_of(name)
        if asked.weights:  # without training, the self-cascade is no row of its own
            rows = [row for row in rows if row.plan.get("one_step")]
        print(f"Table {name}\n\n{table(rows, asked)}", flush=True)


if __name__ == "__main__":
    main()
