"""The protocol's table: every method on every image of every cell."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from ursat.benchmark.baselines import BASELINES, NEEDS_REFERENCE
from ursat.benchmark.judge import Answer, Judge
from ursat.benchmark.observation import Observation, fits, make_observation
from ursat.benchmark.peers import applies
from ursat.benchmark.places import PlaceImage, other_place
from ursat.benchmark.scores import Cell, Key, Score, ScoreFile, Table
from ursat.errors import UrsatError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ursat.types import Progress

Method = Callable[[Observation], "NDArray[Any] | Answer"]


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """Everything to compute on one image at one scale and degradation."""

    image: PlaceImage
    other: PlaceImage | None
    scale: int
    degradation: str
    wanted: tuple[tuple[str, str], ...]  # (track, method)
    seed: int


def run(
    methods: Mapping[str, Method],
    cells: Sequence[Cell],
    images: Sequence[PlaceImage],
    *,
    seed: int = 0,
    cache: Path | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Table:
    """Measure ``methods`` in ``cells`` on all ``images`` that fit.

    Args:
        methods: by name; names of `RIVALS` are treated as such (baselines that look at no reference share their
            scores between tracks, and each is run only where it applies). With ``jobs`` > 1 they must be picklable.
        cells: lines of the table.
        images: ground truth; those that are too small for a scale are left out of its cells.
        seed: of noise, casts and the choice of wrong references.
        cache: a file of JSON lines; scores in it are reused and new ones are added as they are made.
        jobs: processes.
        progress: called after each image of each scale and degradation.

    Returns:
        The table; failures of a method (UrsatError) are in it as scores without a value.

    Raises:
        ValueError: ref-wrong is asked for and all images show one place.
    """
    file = ScoreFile(cache)
    known = file.load(tuple(methods))
    tasks = list(_tasks(methods, cells, images, seed, known))
    with closing(_results(tasks, methods, jobs)) as results:
        for done, scores in enumerate(results, start=1):
            file.append(scores)
            known.update((score.key, score) for score in scores)
            if progress is not None:
                progress(done, len(tasks))
    asked = [
        known[key]
        for cell in cells
        for method in methods
        for image in images
        if (key := _key(image, _measured_in(cell, method), method, images, seed)) in known
    ]
    return Table(_shared(asked, cells), tuple(cells), tuple(methods))


def _measured_in(cell: Cell, method: str) -> Cell:
    """The cell whose score a baseline takes: without a reference it sees the same input in every track."""
    free = method in BASELINES and method not in NEEDS_REFERENCE
    return Cell(cell.scale, cell.degradation, "noref") if free else cell


def _stranger(image: PlaceImage, track: str, images: Sequence[PlaceImage], seed: int) -> PlaceImage | None:
    return other_place(image, images, seed) if track == "ref-wrong" else None


def _key(image: PlaceImage, cell: Cell, method: str, images: Sequence[PlaceImage], seed: int) -> Key:
    other = _stranger(image, cell.track, images, seed)
    return image.image_id, cell, method, seed, other.image_id if other else ""


def _shared(scores: Sequence[Score], cells: Sequence[Cell]) -> tuple[Score, ...]:
    """Scores repeated in every cell they stand for."""
    by_cell: dict[tuple[Cell, str], dict[str, Score]] = {}
    for score in scores:
        by_cell.setdefault((score.cell, score.method), {})[score.image_id] = score
    methods = dict.fromkeys(score.method for score in scores)
    return tuple(
        replace(s, cell=cell)
        for cell in cells
        for method in methods
        for s in by_cell.get((_measured_in(cell, method), method), {}).values()
    )


def _tasks(
    methods: Mapping[str, Method],
    cells: Sequence[Cell],
    images: Sequence[PlaceImage],
    seed: int,
    known: Mapping[Key, Score],
) -> Iterator[_Task]:
    views = dict.fromkeys((cell.scale, cell.degradation) for cell in cells)
    for scale, degradation in views:
        tracks = [cell.track for cell in cells if (cell.scale, cell.degradation) == (scale, degradation)]
        for image in images:
            if not fits(image, scale):
                continue
            wanted = dict.fromkeys(
                (measured.track, method)
                for track in tracks
                for method in methods
                if applies(method, scale, track)
                for measured in [_measured_in(Cell(scale, degradation, track), method)]
                if _key(image, measured, method, images, seed) not in known
            )
            if wanted:
                wrong = any(track == "ref-wrong" for track, _ in wanted)
                other = _stranger(image, "ref-wrong", images, seed) if wrong else None
                yield _Task(image, other, scale, degradation, tuple(wanted), seed)


def _results(tasks: Sequence[_Task], methods: Mapping[str, Method], jobs: int) -> Generator[list[Score]]:
    compute = partial(_compute, dict(methods))
    if jobs <= 1:
        yield from map(compute, tasks)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(compute, tasks)


def _compute(methods: dict[str, Method], task: _Task) -> list[Score]:
    scores: list[Score] = []
    judge: Judge | None = None  # all tracks of an image share the ground truth
    for track in dict.fromkeys(track for track, _ in task.wanted):
        other = task.other if track == "ref-wrong" else None
        o = make_observation(task.image, task.scale, task.degradation, track, task.seed, other=other)
        judge = judge or Judge(o.gt, o.scale)
        for name in (method for at, method in task.wanted if at == track):
            start = time.perf_counter()
            figures, note, seconds = {}, "", 0.0
            try:
                given = methods[name](o)
                seconds = round(time.perf_counter() - start, 4)
                figures = judge.figures(given if isinstance(given, Answer) else Answer(given))
            except UrsatError as err:
                note = f"{type(err).__name__}: {err.message}"
            cell = Cell(task.scale, task.degradation, track)
            stranger = other.image_id if other else ""
            scores.append(Score(o.image_id, o.place, cell, name, task.seed, seconds, figures, note, stranger))
    return scores
