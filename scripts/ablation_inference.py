"""Ablations that need no training: given weights on validation images, in one process; see scripts/ablation.py."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np
import torch
from torch.nn.functional import pad

from ursat.benchmark.metrics.gradient import average_gradient
from ursat.benchmark.metrics.psnr import psnr
from ursat.benchmark.metrics.spectrum import ring_power, spectrum_error
from ursat.benchmark.observation import Observation, fits, make_observation, write_observation
from ursat.benchmark.places import load_places
from ursat.io.scene import open_scene
from ursat.models.core import stage as core_stage
from ursat.models.core.config import BANDS, STATE
from ursat.models.core.flow import sample
from ursat.models.core.stage import CoreStage
from ursat.models.core.weights import load_weights
from ursat.models.encode import physical_range
from ursat.models.fusion import FusionStage
from ursat.models.predict import REACH, refine
from ursat.models.sensor import SensorOperator
from ursat.models.stage import StageSettings
from ursat.models.wavelet import block_mean
from ursat.run.cascade import Cascade
from ursat.run.options import UpscaleOptions
from ursat.run.prepare import prepare
from ursat.training.calibrate import calibrate

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from ursat.io.scene import Scene
    from ursat.models.core.denoiser import Denoiser
    from ursat.models.gains import Calibration
    from ursat.models.stage import LevelInputs
    from ursat.run.prepare import Prepared

DIFFUSED = {"da": (0,), "v, h, d": (1, 2, 3), "da, v, h, d": (0, 1, 2, 3)}


class Interpolating(FusionStage):
    """Closure as ILVR does it (Choi et al. 2021, arXiv 2108.02938): x + U(y - F x), once, U an interpolation.

    U is `refine`, which knows nothing of F: where F blurs more than a box does, F U is not the identity, and a part
    of the residual stays.
    """

    def close_halo(self, level: int) -> int:
        return self.operator.reach + REACH if level == 1 else 0

    def close(self, x: Tensor, inputs: LevelInputs) -> Tensor:
        if inputs.level == 1:
            observed = torch.ones_like(inputs.x) if inputs.observed is None else inputs.observed.to(inputs.x)
            x = x + refine((inputs.x - observe(self.operator, x, observed)) * observed)
        return super().close(x, inputs)


@dataclass(frozen=True)
class Case:
    """One observation, planned; ``key``: its cell of the table."""

    observation: Observation
    scene: Scene
    prepared: Prepared
    settings: StageSettings

    @property
    def key(self) -> str:
        return f"x{self.observation.scale} {self.observation.track}"

    def render(
        self, net: Denoiser, calibration: Calibration, settings: StageSettings, *, interpolating: bool = False
    ) -> NDArray[np.float32]:
        """(C, H, W) DN of the whole scene."""
        stage = CoreStage(settings, net, calibration)
        if interpolating:
            stage.classic = Interpolating(settings)
        cascade = Cascade(
            stage, settings, scale=self.observation.scale, source=self.scene, reference=self.prepared.warped,
            device=torch.device("cpu"), dtype=torch.float32, gsd_m=self.scene.info.gsd_m,
        )  # fmt: skip
        done = cascade.render(self.scene.grid.finer(self.observation.scale).window)
        if done is None:
            raise SystemExit(f"{self.observation.image_id}: nothing is valid")
        return np.asarray(done.values.numpy())

    def residual(self, output: NDArray[np.float32]) -> float:
        """Root mean square of y - H(output) in units of the input's noise as it was estimated, mean over bands."""
        operator = SensorOperator(self.settings.sensor.taps)
        half = block_mean(torch.from_numpy(output).double(), self.observation.scale // 2)
        y = torch.from_numpy(self.observation.lr.astype(np.float64))
        beyond = operator.reach  # nothing was observed there, and the filter is renormalised over what was
        observed = pad(torch.ones_like(y), (beyond,) * 4)
        seen = observe(operator, pad(half, (2 * beyond,) * 4), observed)[..., beyond:-beyond, beyond:-beyond]
        rms = (y - seen).square().mean((1, 2)).sqrt().numpy()
        return float(np.mean(rms / np.maximum(self.settings.sensor.noise, 1.0)))


def observe(operator: SensorOperator, x: Tensor, observed: Tensor) -> Tensor:
    """F x renormalised over what was observed: (C, 2h, 2w) -> (C, h, w)."""
    return operator.observe(x, observed, operator.mass(observed))


def cases(asked: argparse.Namespace) -> Iterator[Case]:
    """Every image in every cell, open while it is worked on."""
    images = [
        replace(image, pixels=image.pixels[:, : asked.crop, : asked.crop])
        for image in load_places(asked.data, limit=asked.limit)
    ]
    for scale in asked.scales:
        for track in asked.tracks:
            for image in images:
                if fits(image, scale):
                    observation = make_observation(image, scale, asked.degradation, track)
                    with planned(observation, asked.seed) as case:
                        print(f"{case.key} {image.image_id}", file=sys.stderr)
                        yield case


@contextmanager
def planned(observation: Observation, seed: int) -> Iterator[Case]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ursat-ablation-")))
        lr, ref = write_observation(observation, folder)
        scene = stack.enter_context(open_scene(str(lr)))
        options = UpscaleOptions(scale=observation.scale, ref=None if ref is None else str(ref))
        prepared = prepare(scene, observation.scale, options, stack)
        lowest, highest = physical_range(scene.info.encoding)
        settings = StageSettings(prepared.sensor, prepared.reference, "auto", lowest, highest, seed=seed)
        yield Case(observation, scene, prepared, settings)


class Means:
    """Figures by cell and variant; a Markdown table of their means over the images."""

    def __init__(self, *columns: str) -> None:
        self.columns = columns
        self.found: dict[tuple[str, str], list[tuple[float, ...]]] = {}

    def add(self, cell: str, variant: str, *figures: float) -> None:
        print(cell, variant, *(f"{value:.3f}" for value in figures), file=sys.stderr)
        self.found.setdefault((cell, variant), []).append(figures)

    def table(self) -> str:
        head = ["cell", "variant", *self.columns, "images"]
        lines = [head, ["---"] * len(head)]
        for (cell, variant), rows in self.found.items():
            figures = [f"{value:.2f}" for value in np.mean(rows, axis=0)]
            lines.append([cell, variant, *figures, str(len(rows))])
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


class Judge:
    """PSNR less the mean's, average gradient over the truth's, spectrum error over the mean's."""

    columns = ("PSNR - mean's, dB", "AG / truth's", "spectrum error / mean's")

    def __init__(self, observation: Observation, mean: NDArray[np.float32]) -> None:
        self.truth, self.scale = observation.gt, observation.scale
        self.power = ring_power(self.truth, self.scale)
        self.psnr = psnr(self.truth, mean)
        self.spectrum = self._spectrum(mean)

    def _spectrum(self, output: NDArray[np.float32]) -> float:
        return spectrum_error(self.power, ring_power(output, self.scale))

    def __call__(self, output: NDArray[np.float32]) -> tuple[float, float, float]:
        return (
            psnr(self.truth, output) - self.psnr,
            average_gradient(output) / average_gradient(self.truth),
            self._spectrum(output) / self.spectrum,
        )


def only(kept: tuple[int, ...]) -> Callable[..., Tensor]:
    """`sample` whose residual is left in some of da, v, h, d and 0 in the others."""
    mask = torch.zeros(STATE)
    for band in kept:
        mask[band * BANDS : (band + 1) * BANDS] = 1

    def masked(noise: Tensor, steps: int, velocity: Callable[[Tensor, float], Tensor]) -> Tensor:
        return sample(noise, steps, velocity) * mask[:, None, None]

    return masked


def diffuse_table(asked: argparse.Namespace) -> str:
    """A sample's residual in da, in v h d, or in all four (from level 2 on da is given, so it concerns level 1)."""
    net, info = load_weights(asked.weights)
    means = Means(*Judge.columns)
    for case in cases(asked):
        settings = replace(case.settings, closure=asked.closure, steps=asked.steps)
        mean = case.render(net, info.calibration, settings)
        judge = Judge(case.observation, mean)
        means.add(case.key, "none (mean)", *judge(mean))
        for name, kept in DIFFUSED.items():
            with patch.object(core_stage, "sample", only(kept)), patch.object(core_stage, "SETTLED", 0):
                drawn = case.render(net, info.calibration, replace(settings, fidelity=0.0))
            means.add(case.key, name, *judge(drawn))
    return means.table()


def projection_table(asked: argparse.Namespace) -> str:
    """Closure off, by interpolation (ILVR), exact (DDNM: a right inverse of F), and to within the noise (auto)."""
    net, info = load_weights(asked.weights)
    means = Means("faithful, dB", "its residual / noise", "realistic, dB", "its residual / noise")
    for case in cases(asked):
        for name in ("off", "ILVR", "exact", "auto"):
            figures: list[float] = []
            for fidelity in (1.0, 0.0):
                settings = replace(
                    case.settings, closure="off" if name == "ILVR" else name, fidelity=fidelity, steps=asked.steps
                )
                made = case.render(net, info.calibration, settings, interpolating=name == "ILVR")
                figures += [psnr(case.observation.gt, made), case.residual(made)]
            means.add(case.key, name, *figures)
    return means.table()


def steps_table(asked: argparse.Namespace) -> str:
    """Evaluations of the flow after the mean's, samples as strong as calibration makes them."""
    net, info = load_weights(asked.weights)
    tiles = load_places(asked.data, limit=asked.tiles, split="train") if asked.tiles else ()
    deepest = max(asked.scales).bit_length() - 1
    gains = dict.fromkeys(asked.counts, info.calibration)
    if tiles:
        gains = {n: calibrate(asked.weights, tiles, seed=asked.seed, steps=n, levels=deepest) for n in asked.counts}
    means = Means(*Judge.columns)
    for case in cases(asked):
        mean = case.render(net, info.calibration, case.settings)
        judge = Judge(case.observation, mean)
        means.add(case.key, "0 (mean)", *judge(mean))
        for count, gain in gains.items():
            settings = replace(case.settings, fidelity=0.0, steps=count)
            name = f"{count} (gain {', '.join(f'{value:.2f}' for value in gain.points[0][1].none)})"
            means.add(case.key, name, *judge(case.render(net, gain, settings)))
    return means.table()
