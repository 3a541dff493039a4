"""A training scene: one simulated observation, taken through the tool's own planning, with its ground truth.

Nothing about registration, sharpness, radiometry or trust is imitated: `ursat.run.prepare` sees two GeoTIFFs as it
would see a user's, so the network trains on exactly what it will be given, mistakes included.
"""

from __future__ import annotations

import math
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ursat.io.exchange import write_array
from ursat.io.scene import open_scene
from ursat.models.core.context import noise_ratio
from ursat.models.encode import physical_range
from ursat.models.fusion import FusionStage
from ursat.models.stage import LevelInputs, StageSettings
from ursat.run.cascade import Cascade
from ursat.run.options import UpscaleOptions
from ursat.run.prepare import prepare
from ursat.training.simulate import Simulated, simulate

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LIMIT = 32000


@dataclass(slots=True, eq=False)
class View:
    """What the tool makes of the input with or without the reference.

    start: (C, 2h, 2w) int16, level 1's classical estimate, not closed; taps, signal, noise_ratio: of the sensor model.
    ref: (C, H, W) int16 harmonised reference on level ``ref_level``'s grid; trust: (C, h, w) uint8 in 1/255.
    ratio: input GSD over reference GSD. Without a reference: None, None, 0, 0.
    """

    start: NDArray[np.int16]
    taps: tuple[float, ...]
    signal: tuple[float, ...]
    noise_ratio: float
    ref: NDArray[np.int16] | None = None
    trust: NDArray[np.uint8] | None = None
    ref_level: int = 0
    ratio: float = 0.0


@dataclass(slots=True, eq=False)
class TrainingScene:
    """truth: (C, H, W) int16 DN on the finest level's grid; y: (C, h, w) int16 DN; gsd_m: of the truth.

    expert: (C, 4h, 4w) int16, what a strong network makes of a clean input of the same ground, or None: see
    `ursat.training.expert`.
    """

    place: str
    truth: NDArray[np.int16]
    y: NDArray[np.int16]
    gsd_m: float
    depth: int
    views: tuple[View, ...]
    expert: NDArray[np.int16] | None = None


def build_scene(
    tile: NDArray[Any],
    place: str,
    gsd_m: float,
    scale: int,
    rng: np.random.Generator,
    *,
    with_reference: bool,
    other: NDArray[Any] | None = None,
    later: NDArray[Any] | None = None,
) -> TrainingScene:
    """Simulate and prepare.

    Args:
        tile: (3, H, W), sides multiples of ``scale``.
        place: where it is from.
        gsd_m: of the tile, metres.
        scale: a power of two.
        rng: of the simulation.
        with_reference: also make a reference, and prepare with it.
        other: ground for changes in the reference, at least as large.
        later: the same ground in another year, for the reference; see `simulate`.
    """
    seen = simulate(tile, scale, rng, with_reference=with_reference, other=other, later=later)
    with tempfile.TemporaryDirectory(prefix="ursat-scene-") as name:
        lr = Path(name) / "lr.tif"
        write_array(lr, seen.lr, gsd_m * scale)
        views = [_view(lr, None, seen, scale, rng)]
        if seen.ref is not None:
            ref = Path(name) / "ref.tif"
            write_array(ref, seen.ref, gsd_m * scale * seen.lr.shape[1] / seen.ref.shape[1])
            guided = _view(lr, ref, seen, scale, rng)
            if guided.ref is not None:
                views.append(guided)
    depth = scale.bit_length() - 1
    return TrainingScene(place, _int16(seen.truth), _int16(seen.lr), gsd_m, depth, tuple(views))


def _int16(values: NDArray[Any]) -> NDArray[np.int16]:
    return np.asarray(np.clip(np.rint(values), -_LIMIT, _LIMIT), dtype=np.int16)


def _psf(seen: Simulated, rng: np.random.Generator, guided: bool) -> str:
    """With a reference the PSF is measured; alone it is a guess, sometimes the tool's, sometimes a fair one."""
    if guided or rng.random() < 0.4:
        return "auto"
    spread = 0.12 if seen.kernel.kind == "cubic" else 0.2
    guess = seen.kernel.mtf * math.exp(float(rng.normal(0, spread)))
    return f"mtf={min(max(guess, 0.1), 0.63):.3f}"


def _view(lr: Path, ref: Path | None, seen: Simulated, scale: int, rng: np.random.Generator) -> View:
    options = UpscaleOptions(
        scale=scale, ref=None if ref is None else str(ref), psf=_psf(seen, rng, guided=ref is not None)
    )
    with ExitStack() as stack:
        scene = stack.enter_context(open_scene(str(lr)))
        prepared = prepare(scene, scale, options, stack)
        lowest, highest = physical_range(scene.info.encoding)
        settings = StageSettings(prepared.sensor, prepared.reference, "auto", lowest, highest)
        stage = FusionStage(settings)
        cascade = Cascade(
            stage, settings, scale=scale, source=scene, reference=prepared.warped, device=torch.device("cpu"),
            dtype=torch.float32, gsd_m=scene.info.gsd_m,
        )  # fmt: skip
        window = scene.grid.window
        y = torch.from_numpy(scene.read(window).values)
        observed = torch.ones_like(y, dtype=torch.bool)
        refs, trust = cascade.harmonise(window, y, observed)
        level = prepared.reference.level if prepared.reference is not None and refs else 0
        one = refs[1][1] if level else None
        start = stage.start(
            LevelInputs(1, y, observed, one, trust if level else None, (0, 0), scene.info.gsd_m / 2)
        ).numpy()
        sensor = prepared.sensor
        view = View(_int16(start), sensor.taps, sensor.signal, noise_ratio(sensor.noise, sensor.signal))
        if level and trust is not None:
            view.ref = _int16(refs[level][1].numpy())
            view.trust = np.asarray(np.rint(trust.numpy() * 255), dtype=np.uint8)
            view.ref_level, view.ratio = level, seen.ratio
        return view
