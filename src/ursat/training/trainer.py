"""`train`: scenes first, then the loop, in one process or several."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from typing import TYPE_CHECKING, Any

from ursat.errors import InputError, OutputExistsError
from ursat.training.answers import answer_pack
from ursat.training.distributed import World, launcher_rank, world_of
from ursat.training.expert import EXPERTS
from ursat.training.loop import CHECKPOINT, Loop
from ursat.training.options import TrainOptions, TrainProgress, TrainResult, TrainState
from ursat.training.pack import HEADER, build_pack, load_pack
from ursat.training.signals import Stop, stop_signals

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ursat.training.scenes import TrainingScene
    from ursat.training.sources import Split
    from ursat.types import Progress

PACK, HELD, CONFIG = "scenes", "val", "config.json"
PACK_SEED, HELD_SEED = 0, 1_000_003  # not the run's: runs with different seeds share scenes, and scores compare

_log = logging.getLogger(__name__)


def train(options: TrainOptions, progress: TrainProgress | None = None) -> TrainResult:
    """Train a network of the core family or the paper's.

    Writes into ``options.out``: checkpoint.pt, best.safetensors and last.safetensors (averaged weights, fp16),
    log.jsonl, curve.png, config.json, and the scenes unless ``options.pack`` says where they are.

    Raises:
        UsageError: options that contradict each other, or a device that is not there.
        InputError: data, weights or a checkpoint that cannot be used.
        OutputExistsError: ``out`` holds a run, and ``resume`` was not asked for.
        UrsatError: the loss is not finite, or a process failed; the last checkpoint stays.
    """
    options.check()
    if not options.data.is_dir():
        raise InputError(f"{options.data}: no such folder", hint="a data pack, or a folder of images")
    if (options.out / CHECKPOINT).exists() and not options.resume:
        raise OutputExistsError(f"{options.out} holds a run", hint="--resume goes on with it; or name another --out")
    if launcher_rank() == 0:
        make_scenes(options, progress)
        config = json.dumps(options.to_json(), indent=1, sort_keys=True)
        (options.out / CONFIG).write_text(config + "\n", "utf-8")
    with world_of(options.device, options.processes, train_here, (options,)) as world, stop_signals() as stop:
        return train_here(world, options, stop, progress)


def train_here(
    world: World, options: TrainOptions, stop: Stop | None = None, progress: TrainProgress | None = None
) -> TrainResult:
    """One process's part, once the scenes are there (or as soon as rank 0 has made them)."""
    world.agree(0.0, 0)
    folder = pack_folder(options)
    scenes = load_pack(folder, options.scenes, answers=options.expert is not None)
    held = load_pack(folder / HELD, options.val_scenes) if world.rank == 0 else []
    facts = data_facts(folder, scenes, options.expert) if world.rank == 0 else {}
    loop = Loop(options, world, scenes, held, facts)
    if stop is not None:
        return loop.run(stop, progress)
    with stop_signals() as own:
        return loop.run(own)


def data_facts(folder: Path, scenes: Sequence[TrainingScene], expert: str | None) -> dict[str, Any]:
    """What the weights' header says of the data: the pack, its places, a hash over all truths; who taught besides."""
    digest = hashlib.sha256()
    for scene in scenes:
        digest.update(scene.truth.tobytes())
    pack = json.loads((folder / HEADER).read_text("utf-8"))
    places = sorted({scene.place for scene in scenes})
    facts = {"pack": pack, "scenes": len(scenes), "places": places, "sha256": digest.hexdigest()}
    if expert is None:
        return facts
    answers = sum(scene.expert is not None for scene in scenes)
    return facts | {"expert": EXPERTS[expert].facts | {"answers": answers}}


def pack_folder(options: TrainOptions) -> Path:
    """Where the scenes are."""
    return options.out / PACK if options.pack is None else options.pack


def make_scenes(options: TrainOptions, progress: TrainProgress | None = None) -> None:
    """Complete the pack, the few scenes for validation in its subfolder, and an expert's answers.

    A pack that was made without the data's multispectral rasters and crops of other years stays so.

    Raises:
        InputError: no usable data.
        UrsatError: the folder holds a pack of other data.
        UsageError: the expert's package is not installed; said before any scene is made.
    """
    if options.expert is not None:
        EXPERTS[options.expert].load()
    options.out.mkdir(parents=True, exist_ok=True)
    folder = pack_folder(options)
    full = "full" in json.loads((folder / HEADER).read_text("utf-8")) if (folder / HEADER).is_file() else True

    def make(split: Split, where: Path, count: int, seed: int) -> None:
        told = _told(progress, "scenes" if split == "train" else "validation scenes")
        jobs = max(1, min(options.jobs, count))
        build_pack(options.data, where, count=count, seed=seed, jobs=jobs, progress=told, split=split, full=full)

    make("train", folder, options.scenes, PACK_SEED)
    try:
        make("val", folder / HELD, options.val_scenes, HELD_SEED)
    except InputError as error:
        _log.warning("training goes on without validation: %s", error.message)
    if options.expert is not None:
        told = _told(progress, "expert's answers")
        answer_pack(folder, options.scenes, options.expert, jobs=options.jobs, progress=told)


def _told(progress: TrainProgress | None, phase: str) -> Progress | None:
    if progress is None:
        return None
    start = time.monotonic()

    def tell(done: int, total: int) -> None:
        progress(TrainState(phase, done / total, (time.monotonic() - start) * (total - done) / max(done, 1)))

    return tell
