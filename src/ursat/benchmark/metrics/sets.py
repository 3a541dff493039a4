"""Distances between the set of all outputs of a method and the set of their ground truths.

A distance of sets needs the features of every image at once, but scores are kept image by image. So a `FeatureKeeper`
goes to ``evaluate.run(..., keep=...)``: of each answer, and of the truth once an observation, it writes the features of
the network into a small side file (4 kB a patch) in a folder beside the cache of scores, under the same key as the
score. `set_figures` puts them together when the table is made. A score that comes from the cache finds the file of the
run that made it; where it is missing, the image is not in the set, and ``set_patches`` says over how many it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.benchmark import sidefiles
from ursat.benchmark.encoding import EIGHT_BIT
from ursat.benchmark.metrics.networks import Network
from ursat.benchmark.metrics.scene import Figure

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ursat.benchmark.encoding import Encoding
    from ursat.benchmark.observation import Observation
    from ursat.benchmark.scores import Cell, Table

PATCH = 256
KERNEL_DEGREE = 3
Array = np.ndarray[Any, np.dtype[np.float64]]

SET_FIGURES: dict[str, Figure] = {
    "fid": Figure("FID", "lower"),
    "kid": Figure("KID x 1000", "lower"),
    "fd_effnet": Figure("FD-EffNet", "lower"),
    "kd_effnet": Figure("KD-EffNet x 1000", "lower"),
    "set_patches": Figure("patches", digits=0),
}
SET_DEFINITION = (
    "distances between the set of outputs and the set of truths: images are cut into patches of about 256 px, equal "
    "along a side, an image of less than 384 px along it is not cut. Fréchet: ||m1 - m2||² + Tr(S1 + S2 - 2 (S1 "
    "S2)^½) of the features (Heusel et al. 2017); with fewer patches than features it is biased upwards, so compare "
    "only columns over the same patches. Kernel: unbiased MMD² with (x·y / d + 1)³ over all patches (Binkowski et al. "
    "2018), unbiased at any number, can be below 0. FID and KID: Inception of the file given with --fid-weights. "
    "FD-EffNet and KD-EffNet: EfficientNet-Lite0, comparable with no published FID."
)


@dataclass(frozen=True, slots=True)
class FeatureKeeper:
    """Writes the features of answers and truths into ``folder``; for ``evaluate.run(..., keep=...)``, picklable."""

    folder: Path
    network: Network = field(default_factory=Network)

    @property
    def place(self) -> Path:
        """The folder of this network's features."""
        return self.folder / self.network.fingerprint[:16]

    def __call__(self, observation: Observation, method: str, pixels: NDArray[Any]) -> None:
        """Keep one answer, (3, H, W) DN; images of another number of bands are left out.

        Raises:
            UrsatError: the network cannot be loaded.
        """
        if len(pixels) != 3 or observation.gt is None:
            return
        sidefiles.keep_scene(self.place, observation, self._of_truth)
        answer = sidefiles.answer_path(self.place, observation, method)
        sidefiles.write(answer, {"features": self.network.features(patches(pixels, observation.encoding))})

    def _of_truth(self, observation: Observation) -> sidefiles.Arrays:
        truth = observation.gt
        return {} if truth is None else {"features": self.network.features(patches(truth, observation.encoding))}


def patches(image: NDArray[Any], encoding: Encoding = EIGHT_BIT) -> NDArray[np.uint8]:
    """An image as eight-bit patches of about 256 px, as equal as whole pixels allow; the rest is left out.

    Args:
        image: (3, H, W) DN.
        encoding: how DN are to be read.

    Returns:
        (N, 3, h, w), h and w at most 383.
    """
    eight_bit = encoding.picture(image)
    down, across = (max(1, round(n / PATCH)) for n in image.shape[-2:])
    h, w = image.shape[-2] // down, image.shape[-1] // across
    cut = eight_bit[:, : down * h, : across * w].reshape(3, down, h, across, w)
    return np.ascontiguousarray(cut.transpose(1, 3, 0, 2, 4).reshape(-1, 3, h, w))


def frechet(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Squared Fréchet distance of two Gaussians with the sets' means and (unbiased) covariances.

    Args:
        one: (N, d) features, N at least 2.
        other: (M, d), M at least 2.
    """
    (a, b), (m1, m2) = zip(*(_centred(features) for features in (one, other)), strict=True)
    # Tr((S1 S2)^1/2) is the sum of the singular values of A B' where S1 = A'A, S2 = B'B: no d x d matrix is needed
    shared = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(np.sum((m1 - m2) ** 2) + np.sum(a * a) + np.sum(b * b) - 2 * shared)


def _centred(features: NDArray[Any]) -> tuple[Array, Array]:
    x = features.astype(np.float64)
    mean = x.mean(axis=0)
    return (x - mean) / np.sqrt(len(x) - 1), mean


def kernel_distance(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel (x·y / d + 1)^3 over all pairs.

    Args:
        one: (N, d) features, N at least 2.
        other: (M, d), M at least 2.
    """
    x, y = one.astype(np.float64), other.astype(np.float64)

    def kernel(a: Array, b: Array) -> Array:
        return np.asarray((a @ b.T / a.shape[1] + 1) ** KERNEL_DEGREE)

    def within(a: Array) -> float:
        k = kernel(a, a)
        return float((k.sum() - np.trace(k)) / (len(a) * (len(a) - 1)))

    return within(x) + within(y) - 2 * float(kernel(x, y).mean())


def set_figures(table: Table, keeper: FeatureKeeper) -> dict[tuple[Cell, str], dict[str, float]]:
    """Figures by cell and method, of the scores whose features ``keeper`` has kept.

    Returns:
        ``fid`` and ``kid``, or ``fd_effnet`` and ``kd_effnet`` (kernel distances times 1000), and ``set_patches``;
        nothing for a cell and method with fewer than two patches.
    """
    names = ("fid", "kid") if keeper.network.is_inception else ("fd_effnet", "kd_effnet")
    found: dict[tuple[Cell, str], dict[str, float]] = {}
    for cell in table.cells:
        for method in table.methods:
            paths = [
                pair
                for score in table.scores
                if score.cell == cell and score.method == method
                for pair in [sidefiles.found_paths(keeper.place, score)]
                if pair is not None
            ]
            sets = [[sidefiles.read(path)["features"] for path in side] for side in zip(*paths, strict=True)]
            if not sets or sum(map(len, sets[0])) < 2:
                continue
            truth, answers = map(np.concatenate, sets)
            values = frechet(truth, answers), 1000 * kernel_distance(truth, answers), float(len(answers))
            found[cell, method] = dict(zip((*names, "set_patches"), values, strict=True))
    return found
