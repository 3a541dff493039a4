"""How far samples must depart from the mean, so that their detail is as strong as the truth's.

The truth is one draw of the posterior: around the posterior mean it scatters as a sample does, so a sample's squared
departure from the mean equals the mean's squared error on average, and a sample's error is twice the mean's, 3.0 dB
(Blau and Michaeli 2018, arXiv 1711.06077). A flow that is not trained to the end departs less or more. The gain that
restores the equality is measured, level by level, on scenes with known truth: for the median patch, because neither
flat ground nor a badly registered scene may decide; over v, h and d, because samples move nothing else.

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
from ursat.models.core.denoiser import POSTERIOR, VELOCITY, posterior
from ursat.models.core.flow import as_level, sample
from ursat.models.core.state import to_state
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
_BORDER = 16  # cells at a patch's border that see zero padding
DETAIL = slice(1, 4)
LARGEST = 10.0  # what a header of weights may hold
_GROUPS = {"vhd": DETAIL, "a": slice(0, 1), "vh": slice(1, 3), "d": slice(3, 4)}


@dataclass(frozen=True, slots=True, eq=False)
class Scatter:
    """Around the mean, in state units: (patches, 4) mean squares over the cells of da, v, h and d.

    error: the truth's departure from the mean. departure: a sample's. da is zero on levels that are given it.
    """

    error: NDArray[np.float64]
    departure: NDArray[np.float64]

    def gain(self, bands: slice = DETAIL) -> float:
        """The square root of the median of error / departure; 1 where no sample departs at all, at most `LARGEST`.

        Args:
            bands: which of da, v, h, d.
        """
        error, departure = self.error[:, bands].sum(axis=1), self.departure[:, bands].sum(axis=1)
        moved = departure > 0
        return min(float(np.median(error[moved] / departure[moved])) ** 0.5, LARGEST) if moved.any() else 1.0


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
    found = scatters(net, scenes, seed, steps, patches)
    return tuple(pooled(list(tracks.values())).gain() for tracks in found)


def scatters(
    net: nn.Module, scenes: Sequence[TrainingScene], seed: int, steps: int, patches: int
) -> list[dict[str, Scatter]]:
    """Per level the scatter without (``noref``) and with (``ref``) a reference that reaches it, where scenes have one.

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
) -> Scatter:
    """Draw one sample of each of ``patches`` patches; the stage's input is the truth of the level before."""
    errors, departures = [], []
    for first in range(0, patches, BATCH):
        batch = draw_batch(
            scenes, rng, size=min(BATCH, patches - first), side=SIDE, first=level, last=level, means=False,
            reference_share=reference_share,
        )  # fmt: skip
        seen = see(batch.levels[-1], chain(net, batch))
        truth = to_state(batch.truth, seen.start, seen.unknown)
        wanted = asked_of(batch.levels[-1], truth)
        mean, spread = posterior(ask(net, seen, None, as_level(1.0, truth))[:, POSTERIOR], seen.activity)

        def velocity(u: Tensor, t: float, seen: Seen = seen, wanted: Tensor = wanted) -> Tensor:
            return ask(net, seen, u, as_level(t, u))[:, VELOCITY] * wanted

        drawn = sample(draw_noise(len(truth), SIDE, rng) * wanted, steps, velocity)
        errors.append(_mean_squares((truth - mean) * wanted))
        departures.append(_mean_squares(spread * drawn))
    return Scatter(np.concatenate(errors), np.concatenate(departures))


def _mean_squares(state: Tensor) -> NDArray[np.float64]:
    inner = state[..., _BORDER:-_BORDER, _BORDER:-_BORDER].double()
    return np.asarray((inner**2).reshape(len(inner), 4, -1).mean(2).numpy())


def pooled(scatters: Sequence[Scatter]) -> Scatter:
    """All patches together."""
    return Scatter(np.concatenate([s.error for s in scatters]), np.concatenate([s.departure for s in scatters]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print: the gains, and what they would be by level, track and group of Haar bands."""
    parser = argparse.ArgumentParser(prog="python -m ursat.training.calibrate", description=__doc__)
    parser.add_argument("weights", type=Path, help="a .safetensors file or a checkpoint")
    parser.add_argument("--pack", type=Path, required=True, help="folder of training scenes")
    parser.add_argument("--scenes", type=int, default=300, help="how many of them (default: %(default)s)")
    parser.add_argument("--patches", type=int, default=256, help="per level and track (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=AUTO_STEPS, help="of a sample (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    scenes = load_pack(asked.pack, asked.scenes)
    found = scatters(load_network(asked.weights), scenes, asked.seed, asked.steps, asked.patches)
    gains = [round(pooled(list(tracks.values())).gain(), 3) for tracks in found]
    detail: dict[str, Any] = {
        f"L{level} {track}": {name: round(scatter.gain(bands), 3) for name, bands in _GROUPS.items()}
        for level, tracks in enumerate(found, start=1)
        for track, scatter in tracks.items()
    }
    sys.stdout.write(json.dumps({"calibration": gains, "steps": asked.steps, "detail": detail}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
