"""Patches of packed scenes, level by level: everything that a chain of stages needs, aligned and turned alike."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ursat.models.core.context import Context
from ursat.models.predict import refine_guided
from ursat.models.trust import upsample_smooth
from ursat.models.wavelet import block_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from ursat.training.scenes import TrainingScene, View

EXPERT_LEVEL = 2  # the experts that exist multiply by 4
MARGIN = 8  # cells around what the next level reads, so that zero padding at a patch's border does not reach it


class ScenePatches:
    """Cuts windows out of one scene's int16 arrays; coarser levels are averaged from the finest on the fly."""

    def __init__(self, scene: TrainingScene) -> None:
        self.scene = scene

    def size(self, level: int) -> tuple[int, int]:
        """(height, width) of a level's grid; level 0 is the input's."""
        h, w = self.scene.y.shape[1:]
        return h << level, w << level

    def truth(self, level: int, row: int, col: int, side: int) -> NDArray[np.float32]:
        """(C, side, side) of the truth on a level's grid; beyond the border its pixels repeat."""
        return _averaged(self.scene.truth, self.scene.depth - level, row, col, side)

    def expert(self, level: int, row: int, col: int, side: int) -> NDArray[np.float32]:
        """(C, side, side) of the expert's answer on the grid of level 1 or 2; NaN where there is none."""
        if self.scene.expert is None or level > EXPERT_LEVEL:
            return np.full((len(self.scene.y), side, side), np.nan, np.float32)
        return _averaged(self.scene.expert, EXPERT_LEVEL - level, row, col, side)

    def ref(self, view: View, level: int, row: int, col: int, side: int) -> NDArray[np.float32]:
        """(C, side, side) of the harmonised reference on a level's grid, 1 <= level <= view.ref_level."""
        if view.ref is None:
            raise ValueError("the view has no reference")
        return _averaged(view.ref, view.ref_level - level, row, col, side)

    def trust(self, view: View, level: int, row: int, col: int, side: int) -> NDArray[np.float32]:
        """(C, side, side) of the trust as stage ``level`` is given it, on the grid of level - 1."""
        if view.trust is None:
            raise ValueError("the view has no reference")
        doublings = level - 1
        f = 1 << doublings
        top, left = row // f - doublings - 1, col // f - doublings - 1
        reach = side // f + 2 * (doublings + 1) + 2
        grown = torch.from_numpy(_window(view.trust, top, left, reach, reach).astype(np.float32) / 255)
        for _ in range(doublings):
            grown = upsample_smooth(grown)
        r, c = row - top * f, col - left * f
        return np.asarray(grown[:, r : r + side, c : c + side].numpy())


def _window(image: NDArray[Any], row: int, col: int, height: int, width: int) -> NDArray[Any]:
    h, w = image.shape[1:]
    if row >= 0 and col >= 0 and row + height <= h and col + width <= w:
        return image[:, row : row + height, col : col + width]
    rows = np.clip(np.arange(row, row + height), 0, h - 1)
    cols = np.clip(np.arange(col, col + width), 0, w - 1)
    return np.asarray(image[:, rows[:, None], cols[None, :]])


def _averaged(image: NDArray[Any], halvings: int, row: int, col: int, side: int) -> NDArray[np.float32]:
    f = 1 << halvings
    fine = np.asarray(_window(image, row * f, col * f, side * f, side * f), dtype=np.float32)
    return np.asarray(block_mean(torch.from_numpy(fine), f).numpy())


@dataclass(slots=True, eq=False)
class LevelBatch:
    """One level of a batch: x (B, C, s, s) where the chain begins, else None (it comes from the level before).

    start: (B, C, 2s, 2s) on level 1 only; ref (B, C, 2s, 2s), trust (B, C, s, s): zeros where there is none;
    signal: of every sample and band, and contexts: of every sample; plain numbers, wherever the tensors lie;
    crop: pixels to take from each side of this level's result.
    """

    level: int
    side: int
    x: Tensor | None
    start: Tensor | None
    ref: Tensor
    trust: Tensor
    signal: list[list[float]]
    contexts: list[Context]
    crop: int

    @property
    def last(self) -> bool:
        """Whether it is the one that is trained."""
        return self.crop == 0

    def enlarged(self, x: Tensor) -> Tensor:
        """The classical enlargement (B, C, 2s, 2s) of this level's input x."""
        return refine_guided(x, self.ref, self.trust) if self.start is None else self.start


@dataclass(slots=True, eq=False)
class Batch:
    """A chain of levels and the truth (B, C, 2 side, 2 side) at its end.

    expert: the same shape: what an expert makes of the ground without a reference; NaN for samples that have none.
    """

    levels: list[LevelBatch]
    truth: Tensor
    expert: Tensor


def draw_batch(
    scenes: Sequence[TrainingScene],
    rng: np.random.Generator,
    *,
    size: int,
    side: int,
    first: int,
    last: int,
    means: bool,
    reference_share: float = 0.6,
) -> Batch:
    """A batch for the chain of stages ``first`` .. ``last``.

    Args:
        scenes: at least one with depth >= ``last``.
        rng: everything random comes from here.
        size: samples.
        side: cells of the last level's input grid, even.
        first: the level at which the chain begins: 1 starts from the observation, others from the truth.
        last: the level that is trained.
        means: whether the chain passes posterior means on (`Context.mean_input`).
        reference_share: of samples that use a reference where the scene has one; the rest is reference dropout.
    """
    deep = [scene for scene in scenes if scene.depth >= last]
    if not deep:
        raise ValueError(f"no scene has {last} levels")
    sides = {last: side}
    for level in range(last - 1, first - 1, -1):
        sides[level] = sides[level + 1] // 2 + 2 * MARGIN
    even = 2 ** max(1, last - first)  # so that every level's window begins at a whole cell of the level before
    rows: dict[int, list[dict[str, Any]]] = {level: [] for level in sides}
    truths, experts = [], []
    for _ in range(size):
        scene = deep[int(rng.integers(len(deep)))]
        cut = ScenePatches(scene)
        guided = len(scene.views) > 1 and rng.random() < reference_share
        view = scene.views[1 if guided else 0]
        h, w = cut.size(last - 1)
        row, col = (even * int(rng.integers(0, max(n - side, 0) // even + 1)) for n in (h, w))
        turn, flip, order = int(rng.integers(4)), bool(rng.integers(2)), rng.permutation(len(scene.y))

        def turned(a: NDArray[Any], turn: int = turn, flip: bool = flip, order: Any = order) -> NDArray[np.float32]:
            out = np.rot90(a, turn, axes=(1, 2))[order]
            return np.ascontiguousarray(out[:, :, ::-1] if flip else out, dtype=np.float32)

        truths.append(turned(cut.truth(last, 2 * row, 2 * col, 2 * side)))
        expert = cut.expert(last, 2 * row, 2 * col, 2 * side)
        # What a reference tells is not in the expert's answer, nor what the truth at the chain's beginning tells
        experts.append(turned(np.full_like(expert, np.nan) if view.ref is not None or first > 1 else expert))
        r, c = row, col
        for level in range(last, first - 1, -1):
            s = sides[level]
            uses = view.ref is not None and level <= view.ref_level
            given: dict[str, Any] = {"signal": [view.signal[k] for k in order]}
            if level == first:
                x = _window(scene.y, r, c, s, s) if level == 1 else cut.truth(level - 1, r, c, s)
                given["x"] = turned(x)
                if level == 1:
                    given["start"] = turned(_window(view.start, 2 * r, 2 * c, 2 * s, 2 * s))
            shape = (len(scene.y), s, s)
            given["ref"] = turned(cut.ref(view, level, 2 * r, 2 * c, 2 * s)) if uses else None
            given["trust"] = turned(cut.trust(view, level, r, c, s)) if uses else np.zeros(shape, np.float32)
            gsd = scene.gsd_m * 2 ** (scene.depth - level)
            rho = float(np.log2(2**level / view.ratio)) if uses else None
            blurred = float(means and level > 1 and level > first)
            given["context"] = Context(level, gsd, view.taps, view.noise_ratio, rho, blurred)
            rows[level].append(given)
            r, c = r // 2 - MARGIN, c // 2 - MARGIN
    levels = []
    for level in range(first, last + 1):
        got, s = rows[level], sides[level]
        blank = np.zeros((len(got[0]["signal"]), 2 * s, 2 * s), np.float32)
        levels.append(
            LevelBatch(
                level=level,
                side=s,
                x=_stack([g["x"] for g in got]) if level == first else None,
                start=_stack([g["start"] for g in got]) if level == first == 1 else None,
                ref=_stack([blank if g["ref"] is None else g["ref"] for g in got]),
                trust=_stack([g["trust"] for g in got]),
                signal=[g["signal"] for g in got],
                contexts=[g["context"] for g in got],
                crop=0 if level == last else 2 * MARGIN,
            )
        )
    return Batch(levels, _stack(truths), _stack(experts))


def on_device(batch: Batch, device: torch.device) -> Batch:
    """The same batch on a device."""

    def moved(part: Any) -> dict[str, Any]:
        values = {field.name: getattr(part, field.name) for field in fields(part)}
        return {k: v.to(device) for k, v in values.items() if isinstance(v, torch.Tensor)}

    levels = [replace(level, **moved(level)) for level in batch.levels]
    return replace(batch, levels=levels, **moved(batch))


def _stack(arrays: Sequence[NDArray[np.float32]]) -> Tensor:
    return torch.from_numpy(np.stack(arrays))
