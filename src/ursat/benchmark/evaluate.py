"""The protocol's table: every method on every image of every cell."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Protocol

from ursat.benchmark.baselines import BASELINES, NEEDS_REFERENCE
from ursat.benchmark.judge import Answer, Judge
from ursat.benchmark.observation import STRANGE, Observation, fits, make_observation
from ursat.benchmark.peers import applies
from ursat.benchmark.places import other_place
from ursat.benchmark.real import Triple, real_fits, real_observation
from ursat.benchmark.scores import Cell, Key, Score, ScoreFile, Table
from ursat.benchmark.stamps import stamp_of
from ursat.errors import UrsatError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ursat.benchmark.images import Truth
    from ursat.types import Progress

Method = Callable[[Observation], "NDArray[Any] | Answer"]
Keep = Callable[[Observation, str, "NDArray[Any]"], None]
REAL = "real"


class Labelled(Protocol):
    """A method that knows its name."""

    @property
    def label(self) -> str:
        """What stands in the table."""
        ...

    def __call__(self, observation: Observation) -> NDArray[Any] | Answer:
        """(C, H, W) DN, with or without figures of its own."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """Everything to compute on one image at one scale, degradation and seed."""

    image: Truth
    other: Truth | None  # the strange ground of the tracks that need one
    scale: int
    degradation: str
    wanted: tuple[tuple[str, str], ...]  # (track, method)
    seed: int

    @property
    def work(self) -> int:
        """How long it may take, in pixels."""
        height, width = self.image.shape
        return max(1, height * width) * len(self.wanted)


@dataclass(frozen=True, slots=True)
class _Run:
    """What all tasks share."""

    methods: dict[str, Method]
    images: Sequence[Truth]
    ratio: float | None
    keep: Keep | None


def run(
    methods: Mapping[str, Method],
    cells: Sequence[Cell],
    images: Sequence[Truth],
    *,
    seeds: Sequence[int] = (0,),
    cache: Path | None = None,
    setting: str = "",
    jobs: int = 1,
    ratio: float | None = None,
    keep: Keep | None = None,
    usable: Callable[[Score], bool] | None = None,
    progress: Progress | None = None,
) -> Table:
    """Measure ``methods`` in ``cells`` on all ``images`` that fit.

    Args:
        methods: by name; names of `RIVALS` are treated as such (baselines that look at no reference share their
            scores between tracks, and each is run only where it applies). With ``jobs`` > 1 they must be picklable.
        cells: lines of the table; the degradation ``real`` takes only images that are a `Triple`, the others none
            without a truth.
        images: ground truth; those that are too small for a scale are left out of its cells.
        seeds: of noise, casts, changes, the choice of strange ground, and of methods that draw.
        cache: a file of JSON lines; scores in it are reused and new ones are added as they are made.
        setting: what else the scores depend on, such as the data set and ``ratio``; part of the cache's key.
        jobs: processes.
        ratio: reference pixels along an input pixel, see `observation.ratio_at`.
        keep: called with each observation, method and its pixels (C, H, W) DN, in the process that made them.
        usable: says of a score of the cache whether it will do; the others are measured again.
        progress: called with (done, total) after each image of each scale and degradation.

    Returns:
        The table; failures of a method or an image (UrsatError) are in it as scores without a value. After Ctrl-C it
        holds what was done, and is not complete.

    Raises:
        ValueError: a track with strange ground is asked for and all images show one place.
    """
    shared = _Run(dict(methods), images, ratio, keep)
    strangers = _strangers(cells, images, seeds)
    file = ScoreFile(cache, setting)
    known = {key: score for key, score in file.load(tuple(methods)).items() if usable is None or usable(score)}
    tasks = list(_tasks(shared, cells, seeds, strangers, known))
    done, total, complete = 0, sum(task.work for task in tasks), True
    try:
        with closing(_results(tasks, shared, jobs)) as results:
            for task, scores in zip(tasks, results, strict=True):
                file.append(scores)
                known.update((score.key, score) for score in scores)
                done += task.work
                if progress is not None:
                    progress(done, total)
    except KeyboardInterrupt:
        complete = False
    asked = [
        known[key]
        for cell in cells
        for method in methods
        for image in images
        for seed in seeds
        if (key := _key(image, _measured_in(cell, method), method, seed, strangers)) in known
    ]
    return Table(_shared(asked, cells), tuple(cells), tuple(methods), complete)


def _measured_in(cell: Cell, method: str) -> Cell:
    """The cell whose score a baseline takes: without a reference it sees the same input in every track."""
    free = method in BASELINES and method not in NEEDS_REFERENCE
    return Cell(cell.scale, cell.degradation, "noref") if free else cell


Strangers = Mapping[tuple[str, int], "Truth"]


def _strangers(cells: Sequence[Cell], images: Sequence[Truth], seeds: Sequence[int]) -> Strangers:
    """The image of another place for each image and seed, where a track needs one."""
    if not any(cell.track in STRANGE for cell in cells):
        return {}
    return {(image.image_id, seed): other_place(image, images, seed) for image in images for seed in seeds}


def _key(image: Truth, cell: Cell, method: str, seed: int, strangers: Strangers) -> Key:
    other = strangers[image.image_id, seed] if cell.track in STRANGE else None
    return image.image_id, cell, method, seed, other.image_id if other else "", stamp_of(image, other)


def _shared(scores: Sequence[Score], cells: Sequence[Cell]) -> tuple[Score, ...]:
    """Scores repeated in every cell they stand for."""
    by_cell: dict[tuple[Cell, str], dict[tuple[str, int], Score]] = {}
    for score in scores:
        by_cell.setdefault((score.cell, score.method), {})[score.image_id, score.seed] = score
    methods = dict.fromkeys(score.method for score in scores)
    return tuple(
        replace(s, cell=cell)
        for cell in cells
        for method in methods
        for s in by_cell.get((_measured_in(cell, method), method), {}).values()
    )


def playable(image: Truth, cell: Cell) -> bool:
    """Whether an image is used in a cell."""
    if cell.degradation == REAL:
        return isinstance(image, Triple) and real_fits(image, cell.track)
    return fits(image, cell.scale)


def _tasks(
    shared: _Run, cells: Sequence[Cell], seeds: Sequence[int], strangers: Strangers, known: Mapping[Key, Score]
) -> Iterator[_Task]:
    views = dict.fromkeys((cell.scale, cell.degradation) for cell in cells)
    for scale, degradation in views:
        inside = [cell for cell in cells if (cell.scale, cell.degradation) == (scale, degradation)]
        for image, seed in ((image, seed) for image in shared.images for seed in seeds):
            wanted = dict.fromkeys(
                (measured.track, name)
                for cell in inside
                if playable(image, cell)
                for name, method in shared.methods.items()
                if applies(name, method, scale, cell.track)
                for measured in [_measured_in(cell, name)]
                if _key(image, measured, name, seed, strangers) not in known
            )
            if wanted:
                strange = any(track in STRANGE for track, _ in wanted)
                other = strangers[image.image_id, seed] if strange else None
                yield _Task(image, other, scale, degradation, tuple(wanted), seed)


def _results(tasks: Sequence[_Task], shared: _Run, jobs: int) -> Generator[list[Score]]:
    compute = partial(_compute, replace(shared, images=()))
    if jobs <= 1:
        yield from map(compute, tasks)
        return
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_quiet_worker)
    try:
        yield from pool.map(compute, tasks)
    finally:
        pool.shutdown(cancel_futures=True)


def _quiet_worker() -> None:
    """Ctrl-C goes to every process of the terminal, and its parent handles it; warnings of runs go nowhere."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("ursat").addHandler(logging.NullHandler())


def _compute(shared: _Run, task: _Task) -> list[Score]:
    scores: list[Score] = []
    judge: Judge | None = None  # all tracks of an image share the ground truth and the input
    for track in dict.fromkeys(track for track, _ in task.wanted):
        names = [method for at, method in task.wanted if at == track]
        other = task.other if track in STRANGE else None
        cell = Cell(task.scale, task.degradation, track)
        score = partial(
            Score,
            task.image.image_id,
            task.image.place,
            cell,
            seed=task.seed,
            other=other.image_id if other else "",
            stamp=stamp_of(task.image, other),
        )
        try:
            o = _observe(task, track, other, shared.ratio)
        except UrsatError as err:
            scores += [score(method=name, seconds=0.0, note=_note(err)) for name in names]
            continue
        judge = judge or Judge(o.gt, o.scale, lr=o.lr, encoding=o.encoding)
        for name in names:
            start = time.perf_counter()
            figures, note, seconds = {}, "", 0.0
            try:
                given = shared.methods[name](o)
                seconds = round(time.perf_counter() - start, 4)
                answer = given if isinstance(given, Answer) else Answer(given)
                figures = judge.figures(answer)
                if shared.keep is not None:
                    shared.keep(o, name, answer.pixels)
            except UrsatError as err:
                note = _note(err)
            scores.append(score(method=name, seconds=seconds, figures=figures, note=note))
    return scores


def _observe(task: _Task, track: str, other: Truth | None, ratio: float | None) -> Observation:
    if task.degradation == REAL and isinstance(task.image, Triple):
        return real_observation(task.image, task.scale, track, task.seed)
    return make_observation(task.image, task.scale, task.degradation, track, task.seed, other=other, ratio=ratio)


def _note(error: UrsatError) -> str:
    return f"{type(error).__name__}: {error.message}"
