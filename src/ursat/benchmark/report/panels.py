"""Pictures and histograms of a run: small pieces of every answer, kept while it runs and laid out when it ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.benchmark import sidefiles
from ursat.benchmark.encoding import EIGHT_BIT, STEPS
from ursat.benchmark.observation import box_mean

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from ursat.benchmark.observation import Observation
    from ursat.benchmark.scores import Cell, Score, Table

    Pixels = NDArray[np.uint8]
    Counts = NDArray[np.int64]

WINDOW = 256  # output pixels a side of the part that is shown at full resolution
OVERVIEW = 320  # pixels of the longer side of the whole image, reduced
BINS = 64
MOST = 8
_SHOWN_SHARE = (0.5, 99.5)  # per cent of the values that the stretch spans


@dataclass(frozen=True, slots=True)
class PanelKeeper:
    """Keeps a window, and histograms, of every answer in ``folder``; for ``evaluate.run(..., keep=...)``, picklable.

    images: the ids of which pictures are kept, None for all: a picture takes 100 to 200 kB.
    """

    folder: Path
    images: frozenset[str] | None = None

    def __call__(self, observation: Observation, method: str, pixels: NDArray[Any]) -> None:
        """Keep one answer, (C, H, W) DN; of more than three bands the first three."""
        if self.images is not None and observation.image_id not in self.images:
            return
        sidefiles.keep_scene(self.folder, observation, _scene)
        rows, columns = window(observation)
        part = _shown(pixels[:, rows, columns], _stretch(observation))
        kept: sidefiles.Arrays = {"window": part, "histogram": histogram(pixels, brightest(observation))}
        sidefiles.write(sidefiles.answer_path(self.folder, observation, method), kept)


def window(observation: Observation) -> tuple[slice, slice]:
    """Rows and columns of the output that are shown: whole input pixels, where the truth (or the input) varies most."""
    o = observation
    base, step = (o.lr, 1) if o.gt is None else (o.gt, o.scale)
    detail = box_mean(_roughness(base), step)[0]
    h, w = (min(max(1, WINDOW // o.scale), n) for n in detail.shape)
    sums = np.pad(detail, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    inside = sums[h:, w:] - sums[:-h, w:] - sums[h:, :-w] + sums[:-h, :-w]
    row, column = np.unravel_index(int(np.argmax(inside)), inside.shape)
    top, left = int(row) * o.scale, int(column) * o.scale
    return slice(top, top + h * o.scale), slice(left, left + w * o.scale)


def _roughness(image: NDArray[Any]) -> NDArray[np.float64]:
    grey = image.mean(axis=0)
    return np.asarray(np.hypot(*np.gradient(grey)))[None]


def _stretch(o: Observation) -> tuple[float, float]:
    low, high = np.percentile(o.lr if o.gt is None else o.gt, _SHOWN_SHARE)
    return float(low), float(max(high, low + 1))


def _shown(image: NDArray[Any], stretch: tuple[float, float]) -> Pixels:
    low, high = stretch
    scaled = (image[:3].astype(np.float64) - low) * (STEPS / (high - low))
    return np.clip(np.rint(scaled), 0, STEPS).astype(np.uint8)


def brightest(observation: Observation) -> float:
    """The DN at which histograms end: the peak, or more where truth or input may be brighter, and are."""
    seen, encoding = observation.lr if observation.gt is None else observation.gt, observation.encoding
    return min(encoding.highest, max(encoding.peak, float(seen.max())))


def histogram(image: NDArray[Any], top: float) -> Counts:
    """Pixels in 64 equal bins of 0..``top``, by band; what lies outside is in the last ones.

    (C, H, W) DN -> (at most 3, 64).
    """
    held = np.clip(image[:3], 0, top)
    return np.stack([np.histogram(band, BINS, (0, top))[0] for band in held]).astype(np.int64)


def _scene(o: Observation) -> sidefiles.Arrays:
    """What all answers to an observation share."""
    rows, columns = window(o)
    stretch = _stretch(o)
    base = o.lr if o.gt is None else o.gt
    step = max(1, -(-max(base.shape[-2:]) // OVERVIEW))
    height, width = (n // step * step for n in base.shape[-2:])
    height_out, width_out = o.shape
    found: sidefiles.Arrays = {
        "overview": _shown(box_mean(base[:, :height, :width], step), stretch),
        "box": np.array([rows.start / height_out, columns.start / width_out, rows.stop / height_out,
                         columns.stop / width_out]),
        "lr": _shown(_part(o.lr, (rows, columns), 1 / o.scale), stretch),
        "stretch": np.array(stretch),
        "histogram": histogram(base, brightest(o)),
        "top": np.array(STEPS if o.encoding == EIGHT_BIT else brightest(o)),
    }  # fmt: skip
    if o.ref is not None:
        ratio = o.ref.shape[-1] / o.lr.shape[-1] / o.scale
        found["ref"] = _shown(_part(o.ref, (rows, columns), ratio), stretch)
    if o.gt is not None:
        found["truth"] = _shown(o.gt[:, rows, columns], stretch)
    return found


def _part(image: NDArray[Any], at: tuple[slice, slice], finer: float) -> NDArray[Any]:
    """The same ground of an image whose pixels are 1 / ``finer`` output pixels, to the nearest whole pixel."""
    rows, columns = (slice(round(s.start * finer), max(round(s.start * finer) + 1, round(s.stop * finer))) for s in at)
    return image[:, rows, columns]


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One image in one cell: what all methods share, and the answers by method."""

    image_id: str
    cell: Cell
    scene: sidefiles.Arrays
    answers: dict[str, sidefiles.Arrays]
    psnr: dict[str, float]


def load_panels(folder: Path, table: Table, most: int = MOST) -> list[Panel]:
    """At most ``most`` panels of what was kept, spread evenly over the cells, another image each time."""
    by_cell = {cell: _by_image(folder, (s for s in table.scores if s.cell == cell)) for cell in table.cells}
    full = [(cell, images) for cell, images in by_cell.items() if images]
    chosen = sorted({round(i) for i in np.linspace(0, len(full) - 1, min(most, len(full)))})
    panels = []
    for turn, (cell, images) in enumerate(full[i] for i in chosen):
        image_id = list(images)[turn % len(images)]
        panels.append(_panel(image_id, cell, images[image_id], table.methods))
    return panels


Found = dict[str, tuple["Score", "Path", "Path"]]


def _by_image(folder: Path, scores: Iterable[Score]) -> dict[str, Found]:
    """Files of a cell by image and method; of several seeds the first."""
    images: dict[str, Found] = {}
    for score in scores:
        paths = sidefiles.found_paths(folder, score)
        if paths is not None:
            images.setdefault(score.image_id, {}).setdefault(score.method, (score, *paths))
    return images


def _panel(image_id: str, cell: Cell, found: Found, methods: tuple[str, ...]) -> Panel:
    listed = {method: found[method] for method in methods if method in found}
    # a baseline shared between tracks was kept without the reference: any other method's scene has it
    scenes = [sidefiles.read(scene) for scene in dict.fromkeys(scene for _, scene, _ in listed.values())]
    scene = max(scenes, key=len)
    answers = {method: sidefiles.read(path) for method, (_, _, path) in listed.items()}
    psnr = {method: s.figures["psnr"] for method, (s, _, _) in listed.items() if "psnr" in s.figures}
    return Panel(image_id, cell, scene, answers, psnr)
