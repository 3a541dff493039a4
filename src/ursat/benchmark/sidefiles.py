"""Where side results of single answers lie, so that an interrupted run finds them again."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.benchmark.baselines import BASELINES, NEEDS_REFERENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ursat.benchmark.observation import Observation
    from ursat.benchmark.scores import Score

_DIGEST = "digest"
Arrays = dict[str, np.ndarray[Any, Any]]


def _path(folder: Path, *parts: str | int) -> Path:
    return folder / f"{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]}.npz"


def answer_path(folder: Path, observation: Observation, method: str) -> Path:
    """The file of one method's answer to one observation."""
    o = observation
    return _path(folder, o.image_id, o.scale, o.degradation, o.track, o.other, o.stamp, o.seed, method)


def scene_path(folder: Path, observation: Observation) -> Path:
    """The file of what all methods share: the input, the reference and the truth."""
    return answer_path(folder, observation, "")


def keep_scene(folder: Path, observation: Observation, make: Callable[[Observation], Arrays]) -> None:
    """Write what all methods share, unless it is there and of this very observation."""
    path = scene_path(folder, observation)
    digest = np.array([_digest(image) for image in (observation.lr, observation.ref, observation.gt)])
    if not path.is_file() or not np.array_equal(read(path, (_DIGEST,))[_DIGEST], digest):
        write(path, {**make(observation), _DIGEST: digest})


def _digest(image: np.ndarray[Any, Any] | None) -> int:
    return 0 if image is None else zlib.crc32(np.ascontiguousarray(image).data)


def found_paths(folder: Path, score: Score) -> tuple[Path, Path] | None:
    """The files of a score's scene and answer; None where one of them is missing.

    The score of a baseline that looks at no reference stands in every track, and was measured without one.
    """
    cell = score.cell
    tracks = [cell.track]
    if score.method in BASELINES and score.method not in NEEDS_REFERENCE:
        tracks.append("noref")
    for track in tracks:
        key = score.image_id, cell.scale, cell.degradation, track, score.other, score.stamp, score.seed
        scene, answer = (_path(folder, *key, method) for method in ("", score.method))
        if scene.is_file() and answer.is_file():
            return scene, answer
    return None


def write(path: Path, arrays: Arrays) -> None:
    """Write arrays; the file under its name is whole, also when two processes write the same one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.part")
    with partial.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    partial.replace(path)


def read(path: Path, names: Sequence[str] = ()) -> Arrays:
    """The arrays of `write`, by name: those of ``names``, or all."""
    with np.load(path, allow_pickle=False) as held:
        return {name: held[name] for name in names or held.files}
