"""An expert's answers about a pack's scenes: asked once, by several processes, and kept beside the scenes."""

from __future__ import annotations

import logging
import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

import numpy as np
import torch

from ursat.training.batches import EXPERT_LEVEL
from ursat.training.expert import EXPERTS, ask
from ursat.training.pack import answer_path, load_scene, read_depth

if TYPE_CHECKING:
    from pathlib import Path

    from ursat.training.expert import Expert
    from ursat.types import Progress

_expert: Expert | None = None


def answer_pack(folder: Path, count: int, name: str, *, jobs: int = 1, progress: Progress | None = None) -> None:
    """Ask about each of the first ``count`` scenes that is deep enough and has no answer yet.

    Args:
        folder: of the pack; an answer appears under its name complete.
        count: scenes.
        name: of `EXPERTS`.
        jobs: processes.
        progress: told (done, total) after every answer.

    Raises:
        UsageError: the expert's package is not installed.
    """
    missing = [path for path in sorted(folder.glob("scene-*.npz"))[:count] if not answer_path(path).is_file()]
    missing = [path for path in missing if read_depth(path) >= EXPERT_LEVEL]
    if not missing:
        return
    expert = EXPERTS[name].load()
    jobs = min(jobs, len(missing))
    if jobs == 1:
        for done, path in enumerate(missing, start=1):
            _write(expert, path)
            if progress is not None:
                progress(done, len(missing))
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_begin, initargs=(name,)) as pool:
        for done, _ in enumerate(pool.map(_answer, missing), start=1):
            if progress is not None:
                progress(done, len(missing))


def _begin(name: str) -> None:
    global _expert  # noqa: PLW0603  (one per worker process)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process says when to stop
    logging.getLogger("ursat").setLevel(logging.CRITICAL)
    torch.set_num_threads(1)
    _expert = EXPERTS[name].load()


def _answer(path: Path) -> None:
    if _expert is None:
        raise RuntimeError("this process has loaded no expert")
    _write(_expert, path)


def _write(expert: Expert, scene: Path) -> None:
    answer = ask(expert, load_scene(scene))
    if answer is None:
        return
    path = answer_path(scene)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.save(file, answer, allow_pickle=False)
    part.rename(path)
