"""Effective resolution: down to which pixel size is the output better than the input enlarged?"""

from __future__ import annotations

import numpy as np

from ursat.benchmark.baselines import enlarge
from ursat.benchmark.metrics.scene import Figure, Image, Metric, Scene
from ursat.benchmark.observation import box_mean

CLEAR_DB = 1.0


def _levels(scene: Scene) -> list[int]:
    """Pixel sizes below the input's at which images are compared: 1, 2, 4, ... output pixels."""
    height, width = scene.truth.shape[-2:]
    sizes = (2**j for j in range(scene.scale.bit_length()))
    return [size for size in sizes if size < scene.scale and height % size == 0 and width % size == 0]


def _errors(scene: Scene, estimate: Image) -> dict[int, float]:
    """Mean square error by size of the block: PSNR is higher where it is lower."""
    error = estimate - scene.truth
    return {size: float(np.mean(box_mean(error, size) ** 2)) for size in _levels(scene)}


def _of_bicubic(scene: Scene) -> dict[int, float]:
    return _errors(scene, scene.encoding.stored(enlarge(scene.lr, scene.truth.shape[-2:])))


def octaves_lost(scene: Scene, estimate: Image, margin_db: float = 0.0) -> float:
    """log2 of the effective pixel over the output's pixel.

    Output, bicubic enlargement and truth are averaged over blocks of 1, 2, 4, ... output pixels; the effective pixel
    is the smallest block at which the PSNR of the output lies above that of bicubic.

    Args:
        scene: with truth and input.
        estimate: (C, H, W) DN as stored.
        margin_db: by how much more than this it has to lie above.

    Returns:
        0 where the output is better at full resolution, log2(scale) where it nowhere is below the input's pixel.
    """
    bicubic, share = scene.once(_of_bicubic), 10 ** (-margin_db / 10)
    better = [size for size, error in _errors(scene, estimate).items() if error < share * bicubic[size]]
    return float(np.log2(min(better, default=scene.scale)))


def _measure(scene: Scene, estimate: Image) -> dict[str, float]:
    lost = octaves_lost(scene, estimate)
    return {"octaves_lost": lost, "octaves_lost_1db": octaves_lost(scene, estimate, CLEAR_DB)}


METRIC = Metric(
    figures={
        "octaves_lost": Figure("octaves lost", "lower"),
        "octaves_lost_1db": Figure("octaves lost, 1 dB", "lower"),
    },
    definition="effective resolution: output, bicubic enlargement and truth are averaged over blocks of 1, 2, 4, ... "
    "output pixels; the effective pixel is the smallest block at which the output's PSNR exceeds bicubic's, or exceeds "
    "it by more than 1 dB (a slightly sharper kernel already passes the first). Given as log2(effective pixel / output "
    "pixel): 0 = better than bicubic at full resolution, log2(scale) = nowhere.",
    measure=_measure,
    needs=frozenset({"truth", "lr"}),
)
