"""How far samples must depart from the mean, so that their detail is as strong as the truth's.

The truth scatters around the posterior mean as a sample does, with a squared departure that is the mean's squared error
(Blau and Michaeli 2018, arXiv 1711.06077). Equal energy is not equal sharpness, though: the truth's departure has rare
strong edges where a sample of few steps is closer to a Gaussian, and of two fields of one energy the Gaussian has the
larger average gradient. Sharpness is what is seen, so a gain is sought that gives samples the truth's average gradient.

Errors of the strength are handed on from level to level, and levels differ in what a reference has told. So the gains
are found as the tool runs: whole images of the training places, observed as the benchmark observes them, level by level
at the scale that ends there with the gains of the levels before, without a reference, with one that reaches the level,
and with one that ended before it; apart for a sensor's blur and for a sharp input, whose mean under a reference is
nearly as sharp as the truth. Images count alike and the extremes are left out: neither flat ground nor a badly
registered scene may decide.

``python -m ursat.training.calibrate WEIGHTS --data FOLDER`` prints the header's entry as JSON.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import trim_mean

from ursat.benchmark.metrics.gradient import average_gradient
from ursat.benchmark.observation import RATIO, fits, make_observation
from ursat.benchmark.places import load_places
from ursat.benchmark.tool import Ursat
from ursat.errors import InputError
from ursat.models.core.weights import load_weights, save_weights
from ursat.models.gains import Calibration, Gains
from ursat.run.sampling import AUTO_STEPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ursat.benchmark.places import PlaceImage

LEVELS = 3  # few images are large enough for more, and theirs is mostly one kind of ground
TRIED = (0.8, 1.3)
SENSORS = {0.25: "sensor", 0.5: "bicubic"}  # MTF at Nyquist of the benchmark's degradations
LEAST, MOST = 0.3, 2.0  # beyond it no gain is believed
UNTOLD = 1.0  # on the levels after the last measured: as strong as the network itself believes
_SIDE, _INPUT_SIDE = 256, 16  # pixels of the truth, and of the input, that are enough of an image
_TRIMMED = 0.1  # of the images at each end
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sampled:
    """Average gradient of samples over the truth's, (images, len(`TRIED`))."""

    ratio: NDArray[np.float64]

    def gain(self) -> float:
        """Where the trimmed mean over images passes 1; 1 where no image has a gradient.

        Mean and departure are nearly uncorrelated, so the squared gradient is close to a line in the squared gain.
        """
        usable = self.ratio[np.isfinite(self.ratio).all(axis=1)]
        if not len(usable):
            return 1.0
        low, high = (float(trim_mean(column, _TRIMMED)) ** 2 for column in usable.T)
        if high <= low:  # no departure at all
            return 1.0
        square = TRIED[0] ** 2 + (1 - low) * (TRIED[1] ** 2 - TRIED[0] ** 2) / (high - low)
        return float(np.clip(np.sqrt(max(square, 0.0)), LEAST, MOST))


def calibrate(
    weights: Path, images: Sequence[PlaceImage], *, seed: int = 0, steps: int = AUTO_STEPS, levels: int = LEVELS
) -> Calibration:
    """Strengths of samples for the header of ``weights``; every sensor sees its own share of the images.

    Args:
        weights: a .safetensors file of the core family.
        images: with truth, of training places.
        seed: of the observations' noise.
        steps: evaluations of a sample, as they will be run.
        levels: up to which gains are sought, earlier where no image is large enough; `UNTOLD` holds for the others.

    Raises:
        InputError: the weights cannot be used, or no image is large enough for one doubling.
    """
    net, info = load_weights(weights)
    found = Calibration(tuple((mtf, Gains()) for mtf in SENSORS))
    done = 0
    with tempfile.TemporaryDirectory(prefix="ursat-calibrate-") as folder:
        for level in range(1, levels + 1):
            side = max(_SIDE, _INPUT_SIDE * 2**level)
            usable = [middle(image, side) for image in images if fits(image, 2**level)]
            if not usable:
                break
            files = []
            for gain in TRIED:
                trial = found
                for mtf, kind in product(SENSORS, kinds(level)):
                    trial = trial.having(mtf, kind, level, gain)
                files.append(Path(folder) / f"{level}-{gain}.safetensors")
                save_weights(files[-1], net.state_dict(), replace(info, calibration=trial).to_meta())
            for (turn, mtf), kind in product(enumerate(SENSORS), kinds(level)):
                part = usable[turn :: len(SENSORS)] or usable
                gain = round(measure(files, part, level, SENSORS[mtf], kind, seed, steps).gain(), 3)
                _log.info("level %d, MTF %.2f, %s: %.3f, %d images", level, mtf, kind, gain, len(part))
                found = found.having(mtf, kind, level, gain)
                if (level, kind) == (1, "reached"):  # where no reference can have ended
                    found = found.having(mtf, "past", 1, gain)
            done = level
    if not done:
        raise InputError("there are no images to calibrate on", hint="--data takes the folder of the data pack")
    for mtf, kind in product(SENSORS, kinds(2)):
        found = found.having(mtf, kind, done + 1, UNTOLD)
    return found


def middle(image: PlaceImage, side: int) -> PlaceImage:
    """Its central square of ``side`` pixels, or what there is of it."""
    height, width = image.shape
    row, col = max(0, height - side) // 2, max(0, width - side) // 2
    return replace(image, pixels=image.pixels[:, row : row + side, col : col + side])


def kinds(level: int) -> tuple[str, ...]:
    """Which of the lists of `Gains` a level has its own entry in: a reference of 1.5 px an input pixel ends at 1."""
    return ("none", "reached") if level == 1 else ("none", "reached", "past")


def measure(
    files: Sequence[Path], images: Sequence[PlaceImage], level: int, sensor: str, kind: str, seed: int, steps: int
) -> Sampled:
    """Run the tool on every image with every file of weights."""
    track, ratio, ratios = "noref" if kind == "none" else "ref", reference_ratio(level, kind), []
    for image in images:
        seen = make_observation(image, 2**level, sensor, track, seed, ratio=ratio)
        truth = average_gradient(seen.gt) if seen.gt is not None else 0.0
        row = []
        for file in files:
            options = (("model", str(file)), ("mode", "realistic"), ("steps", str(steps)))
            made = Ursat(options, threads=1)(seen).pixels
            row.append(average_gradient(seen.encoding.stored(made)) / truth if truth else np.nan)
        ratios.append(row)
    return Sampled(np.array(ratios, dtype=np.float64))


def reference_ratio(level: int, kind: str) -> float | None:
    """Reference pixels along an input pixel: three quarters of the level's own, or Landsat's and Sentinel-2's 3."""
    if kind == "none":
        return None
    if kind == "reached":
        return max(0.75 * 2.0**level, 1.5)
    return min(RATIO, 0.75 * 2.0 ** (level - 1))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m ursat.training.calibrate", description=__doc__)
    parser.add_argument("weights", type=Path, help="a .safetensors file")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data pack")
    parser.add_argument("--images", type=int, default=37, help="dealt to the places in turn (default: %(default)s)")
    parser.add_argument("--levels", type=int, default=LEVELS, help="(default: %(default)s)")
    parser.add_argument("--steps", type=int, default=AUTO_STEPS, help="of a sample (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    images = load_places(asked.data, limit=asked.images, split="train")
    gains = calibrate(asked.weights, images, seed=asked.seed, steps=asked.steps, levels=asked.levels)
    answer: dict[str, Any] = {"calibration": gains.to_json(), "steps": asked.steps, "images": len(images)}
    sys.stdout.write(json.dumps(answer, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
