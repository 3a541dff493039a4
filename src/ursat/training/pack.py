"""A pack of training scenes on disk: built once by several processes, each scene a function of (seed, number)."""

from __future__ import annotations

import json
import logging
import signal
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ursat.errors import InputError, UrsatError
from ursat.training.scenes import TrainingScene, View, build_scene
from ursat.training.sources import TileSampler, load_tiles, three_bands

if TYPE_CHECKING:
    from pathlib import Path

    from ursat.training.sources import Split
    from ursat.types import Progress

HEADER = "pack.json"
EXPERT = "expert-"  # and the scene's number, .npy: see `TrainingScene.expert`
_SCALES = (4, 8, 2, 16)
_SCALE_SHARES = (0.5, 0.3, 0.08, 0.12)
_REFERENCE_SHARE = 0.5
_CHANGE_SHARE = 0.25
_LEAST_INPUT = 16  # px a side
_LATER_SHARE = 0.7  # of tiles with a crop of another year: how often a reference is made of that


def make_scene(sampler: TileSampler, seed: int, number: int) -> TrainingScene:
    """Scene ``number`` of the pack with ``seed``.

    Raises:
        UrsatError: twenty draws gave no tile that the tool can use.
    """
    rng = np.random.default_rng([seed, number])
    reason = ""
    for _ in range(20):
        tile = sampler.draw(rng)
        pixels, gsd = three_bands(tile.pixels, rng), tile.gsd_m
        # The next levels of the pyramid: the same ground as a coarser sensor sees it, so that every octave is met
        halvings = int(rng.choice(3, p=(0.6, 0.3, 0.1)))
        scale = int(rng.choice(_SCALES, p=_SCALE_SHARES))
        while halvings and min(pixels.shape[1:]) >> halvings < 4 * _LEAST_INPUT:
            halvings -= 1
        pixels, gsd = _reduced(pixels, halvings), gsd * 2**halvings
        h, w = (n // scale * scale for n in pixels.shape[1:])
        if min(h, w) // scale < _LEAST_INPUT:
            continue
        with_reference = bool(rng.random() < _REFERENCE_SHARE)
        other = sampler.draw_other(rng, tile, pixels.shape[1:]) if rng.random() < _CHANGE_SHARE else None
        later = None
        if tile.later is not None and rng.random() < _LATER_SHARE:
            later = _reduced(tile.later, max(halvings - 1, 0))
            share = later.shape[1] / pixels.shape[1]
            later = later[:, : round(h * share), : round(w * share)]
        try:
            return build_scene(
                pixels[:, :h, :w], tile.place, gsd, scale, rng, with_reference=with_reference,
                other=None if other is None else three_bands(other.pixels, rng), later=later,
            )  # fmt: skip
        except UrsatError as error:
            reason = error.message
    raise UrsatError(f"no training scene could be made: {reason}")


def _reduced(pixels: np.ndarray, halvings: int) -> np.ndarray:
    """Exact 2**halvings box means."""
    if halvings == 0:
        return pixels
    f = 2**halvings
    h, w = (n // f for n in pixels.shape[1:])
    blocks = pixels[:, : h * f, : w * f].astype(np.float32).reshape(len(pixels), h, f, w, f)
    return np.asarray(blocks.mean(axis=(2, 4)))


_sampler: TileSampler | InputError | None = None


def _begin(data: Path, split: Split, full: bool) -> None:
    global _sampler  # noqa: PLW0603  (one per worker process; tiles are too large to send with each task)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process says when to stop
    logging.getLogger("ursat").setLevel(logging.CRITICAL)  # a reference that is dropped is part of the lesson
    torch.set_num_threads(1)
    try:
        _sampler = TileSampler(load_tiles(data, split=split, full=full))
    except InputError as error:
        _sampler = error  # raised by the first task: what an initialiser raises never reaches the caller


def _make(job: tuple[Path, int, int]) -> int:
    folder, seed, number = job
    if not isinstance(_sampler, TileSampler):
        raise _sampler or InputError("this process has loaded no tiles")
    save_scene(folder / f"scene-{number:06d}.npz", make_scene(_sampler, seed, number))
    return number


def build_pack(
    data: Path,
    folder: Path,
    *,
    count: int,
    seed: int = 0,
    jobs: int = 1,
    progress: Progress | None = None,
    split: Split = "train",
    full: bool = False,
) -> None:
    """Make scenes 0 .. count-1 that ``folder`` does not hold yet, in ``jobs`` processes.

    The folder's ``pack.json`` names data, seed, split and recipe (``full``); a folder of another pack is refused.
    ``split`` and ``full`` are those of `load_tiles`.

    Raises:
        UrsatError: the folder holds another pack, or the data are of no use.
    """
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"data": data.resolve().name, "seed": seed}
    facts |= ({"split": split} if split != "train" else {}) | ({"full": True} if full else {})
    header = folder / HEADER
    if header.exists() and json.loads(header.read_text("utf-8")) != facts:
        raise UrsatError(f"{folder} holds a pack of other data or another seed", hint="name another folder")
    header.write_text(json.dumps(facts), "utf-8")
    missing = [n for n in range(count) if not (folder / f"scene-{n:06d}.npz").exists()]
    tasks = [(folder, seed, n) for n in missing]
    if not tasks:
        return
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=_begin, initargs=(data, split, full)
    ) as pool:
        for done, _ in enumerate(pool.map(_make, tasks, chunksize=4), start=1):
            if progress is not None:
                progress(done, len(tasks))


def save_scene(path: Path, scene: TrainingScene) -> None:
    """Write one scene; it appears under its name complete."""
    arrays: dict[str, np.ndarray] = {"truth": scene.truth, "y": scene.y}
    views = []
    for k, view in enumerate(scene.views):
        facts = {
            key: value
            for key, value in asdict(view).items()
            if not isinstance(value, np.ndarray) and key not in {"ref", "trust"}
        }
        views.append(facts)
        arrays[f"start{k}"] = view.start
        if view.ref is not None and view.trust is not None:
            arrays[f"ref{k}"], arrays[f"trust{k}"] = view.ref, view.trust
    meta = {"place": scene.place, "gsd_m": scene.gsd_m, "depth": scene.depth, "views": views}
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, meta=np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8), **arrays)  # type: ignore[arg-type]
    part.rename(path)


def load_scene(path: Path) -> TrainingScene:
    """Read what `save_scene` wrote."""
    with np.load(path, allow_pickle=False) as file:
        meta: dict[str, Any] = json.loads(file["meta"].tobytes())
        views = tuple(
            View(
                start=file[f"start{k}"],
                taps=tuple(facts["taps"]),
                signal=tuple(facts["signal"]),
                noise_ratio=facts["noise_ratio"],
                ref=file.get(f"ref{k}"),
                trust=file.get(f"trust{k}"),
                ref_level=facts["ref_level"],
                ratio=facts["ratio"],
            )
            for k, facts in enumerate(meta["views"])
        )
        return TrainingScene(meta["place"], file["truth"], file["y"], meta["gsd_m"], meta["depth"], views)


def read_depth(path: Path) -> int:
    """A scene's `TrainingScene.depth`; its arrays are not read."""
    with np.load(path, allow_pickle=False) as file:
        return int(json.loads(file["meta"].tobytes())["depth"])


def answer_path(scene: Path) -> Path:
    """Where an expert's answer about the scene in a file is kept."""
    return scene.with_name(scene.name.replace("scene-", EXPERT)).with_suffix(".npy")


def load_pack(folder: Path, most: int, *, answers: bool = False, spread: bool = False) -> list[TrainingScene]:
    """The first ``most`` scenes of a folder, in the order of their numbers.

    Args:
        folder: of the pack.
        most: scenes.
        answers: also load an expert's answers, where they are.
        spread: scenes at equal distances from the whole folder instead of its first ones.
    """
    scenes = []
    paths = sorted(folder.glob("scene-*.npz"))
    step = max(1, -(-len(paths) // most)) if spread else 1
    for path in paths[::step][:most]:
        scene = load_scene(path)
        if answers and answer_path(path).is_file():
            scene.expert = np.load(answer_path(path), allow_pickle=False)
        scenes.append(scene)
    return scenes
