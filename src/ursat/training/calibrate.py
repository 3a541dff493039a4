"""How far samples must depart from the mean, so that their detail is as strong as the truth's.

The truth scatters around the posterior mean as a sample does, with a squared departure that is the mean's squared error
(Blau and Michaeli 2018, arXiv 1711.06077). Equal energy is not equal sharpness, though: the truth's departure has rare
strong edges where a sample of few steps is closer to a Gaussian, and of two fields of one energy the Gaussian has the
larger average gradient. Sharpness is what is seen, so the gain is the one that gives a patch of the finest level the
average gradient of the truth (`average_gradient`), level by level, on scenes with known truth: for the median patch,
because neither flat ground nor a badly registered scene may decide.

``python -m ursat.training.calibrate WEIGHTS --pack FOLDER`` prints it as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ursat.errors import InputError
from ursat.models.core.config import STATE
from ursat.models.core.denoiser import POSTERIOR, VELOCITY, posterior
from ursat.models.core.flow import as_level, sample
from ursat.models.core.stage import SETTLED
from ursat.models.core.state import from_state
from ursat.run.sampling import AUTO_STEPS
from ursat.training.batches import draw_batch
from ursat.training.checkpoint import load_network
from ursat.training.objective import Seen, ask, asked_of, chain, see
from ursat.training.pack import load_pack
from ursat.training.plan import draw_noise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from ursat.training.scenes import TrainingScene

LEVELS = 3  # the last one's gain holds for all that are deeper
SIDE = 64
BATCH = 8
GAINS = tuple(np.linspace(0, 3, 25).tolist())  # what is tried; between two of them the answer is interpolated
_BORDER = 16  # cells at a patch's border that see zero padding


@dataclass(frozen=True, slots=True, eq=False)
class Sharpness:
    """ratio: (patches, len(GAINS)), average gradient of mean + gain x departure over the truth's."""

    ratio: NDArray[np.float64]

    def gain(self) -> float:
        """Where the median patch is as sharp as the truth: 0 if its mean is already, at most the largest of `GAINS`.

        1 where no patch has a truth with a gradient.
        """
        usable = self.ratio[np.isfinite(self.ratio).all(axis=1)]
        if not len(usable):
            return 1.0
        # The gradient is convex in the gain and may fall at first: what counts is where it passes 1 for good.
        median = np.maximum.accumulate(np.median(usable, axis=0))
        return float(np.interp(1.0, median, GAINS))


def calibrate(
    net: nn.Module, scenes: Sequence[TrainingScene], seed: int, steps: int, patches: int = 256
) -> tuple[float, ...]:
    """Gain of samples on levels 1, 2, 3, for `ursat.models.core.stage.CoreStage`.

    Args:
        net: a denoiser in evaluation mode.
        scenes: with truth; the gains end at the deepest level that one of them has.
        seed: of patches and noise.
        steps: evaluations of a sample, as they will be run.
        patches: per level, without a reference and again with one.

    Raises:
        InputError: no scenes.
    """
    found = sharpness(net, scenes, seed, steps, patches)
    return tuple(pooled(list(tracks.values())).gain() for tracks in found)


def sharpness(
    net: nn.Module, scenes: Sequence[TrainingScene], seed: int, steps: int, patches: int
) -> list[dict[str, Sharpness]]:
    """Per level the sharpness without (``noref``) and with (``ref``) a reference that reaches it, where there is one.

    Arguments and errors are those of `calibrate`.
    """
    if not scenes:
        raise InputError("there are no scenes to calibrate on", hint="--pack takes the folder of scenes of a training")
    levels = []
    for level in range(1, min(LEVELS, max(scene.depth for scene in scenes)) + 1):
        rng = np.random.default_rng([seed, level])
        plain = [scene for scene in scenes if scene.depth >= level]
        guided = [scene for scene in plain if scene.views[-1].ref_level >= level]
        tracks = {"noref": measure(net, plain, level, rng, steps, patches)}
        if guided:
            tracks["ref"] = measure(net, guided, level, rng, steps, patches, reference_share=1.0)
        levels.append(tracks)
    return levels


@torch.no_grad()
def measure(
    net: nn.Module,
    scenes: Sequence[TrainingScene],
    level: int,
    rng: np.random.Generator,
    steps: int,
    patches: int,
    *,
    reference_share: float = 0.0,
) -> Sharpness:
    """Draw one sample of each of ``patches`` patches; the stage's input is the truth of the level before."""
    ratios = []
    for first in range(0, patches, BATCH):
        batch = draw_batch(
            scenes, rng, size=min(BATCH, patches - first), side=SIDE, first=level, last=level, means=False,
            reference_share=reference_share,
        )  # fmt: skip
        seen = see(batch.levels[-1], chain(net, batch))
        wanted = asked_of(batch.levels[-1], seen.known[:, :STATE])
        mean, spread = posterior(ask(net, seen, None, as_level(1.0, seen.known))[:, POSTERIOR], seen.activity)

        def velocity(u: Tensor, t: float, seen: Seen = seen, wanted: Tensor = wanted) -> Tensor:
            return ask(net, seen, u, as_level(t, u))[:, VELOCITY] * wanted

        drawn = sample(draw_noise(len(mean), SIDE, rng) * wanted, steps, velocity)
        drawn[:, :SETTLED] = 0

        def image(state: Tensor, seen: Seen = seen) -> Tensor:
            return from_state(state, seen.start, seen.unknown, mean_known=level > 1)

        truth = average_gradient(batch.truth)
        truth[truth == 0] = np.nan
        ratios.append(np.stack([average_gradient(image(mean + g * spread * drawn)) / truth for g in GAINS], axis=1))
    return Sharpness(np.concatenate(ratios))


def average_gradient(image: Tensor) -> NDArray[np.float64]:
    """Mean of sqrt((dx^2 + dy^2) / 2) over all bands and pixels but the border, (B, C, h, w) -> (B,)."""
    border = 2 * _BORDER
    inner = image[..., border:-border, border:-border].double()
    dx, dy = inner[..., :-1, 1:] - inner[..., :-1, :-1], inner[..., 1:, :-1] - inner[..., :-1, :-1]
    return np.asarray(torch.sqrt((dx * dx + dy * dy) / 2).mean((1, 2, 3)).numpy())


def pooled(found: Sequence[Sharpness]) -> Sharpness:
    """All patches together."""
    return Sharpness(np.concatenate([each.ratio for each in found]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print: the gains, and what they would be by level and track."""
    parser = argparse.ArgumentParser(prog="python -m ursat.training.calibrate", description=__doc__)
    parser.add_argument("weights", type=Path, help="a .safetensors file or a checkpoint")
    parser.add_argument("--pack", type=Path, required=True, help="folder of training scenes")
    parser.add_argument(
        "--scenes", type=int, default=300, help="how many, spread over the folder (default: %(default)s)"
    )
    parser.add_argument("--patches", type=int, default=256, help="per level and track (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=AUTO_STEPS, help="of a sample (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    scenes = load_pack(asked.pack, asked.scenes, spread=True)
    found = sharpness(load_network(asked.weights), scenes, asked.seed, asked.steps, asked.patches)
    gains = [round(pooled(list(tracks.values())).gain(), 3) for tracks in found]
    detail: dict[str, Any] = {
        f"L{level} {track}": round(each.gain(), 3)
        for level, tracks in enumerate(found, start=1)
        for track, each in tracks.items()
    }
    sys.stdout.write(json.dumps({"calibration": gains, "steps": asked.steps, "detail": detail}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
