"""One benchmark from its options to its table: data set, cells, methods, caches, and the facts beside the numbers."""

from __future__ import annotations

import contextlib
import os
import platform
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ursat
from ursat.benchmark import sidefiles
from ursat.benchmark.datasets.dataset import Request
from ursat.benchmark.datasets.registry import HAS_REAL, PAPER_SIDE, load_dataset
from ursat.benchmark.efficiency import efficiency
from ursat.benchmark.evaluate import REAL, playable, run
from ursat.benchmark.facts import RunFacts
from ursat.benchmark.folders import check_writable
from ursat.benchmark.gains import FEW
from ursat.benchmark.images import Preparation
from ursat.benchmark.methods import make_methods
from ursat.benchmark.metrics.networks import OFFLINE, Network
from ursat.benchmark.metrics.sets import FeatureKeeper, set_figures
from ursat.benchmark.observation import DEGRADATIONS, LEAST, STRANGE
from ursat.benchmark.real import TRACKS as REAL_TRACKS
from ursat.benchmark.report.panels import PanelKeeper
from ursat.benchmark.scores import Cell, Score, Table, fingerprint
from ursat.benchmark.tables import TRACK_NAMES
from ursat.benchmark.tasks import REMARKS, TASKS, Task
from ursat.benchmark.tool import Ursat
from ursat.errors import InputError, UsageError
from ursat.machine import usable_cores

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ursat.benchmark.datasets.dataset import Dataset
    from ursat.benchmark.evaluate import Method
    from ursat.benchmark.observation import Observation
    from ursat.types import Progress

_PACKAGES = ("torch", "numpy", "scipy", "rasterio", "scikit-image")
_WHOLE = frozenset({"places", "places-large"})
_PICTURED = 8  # images of which pictures are kept for a report


@dataclass(frozen=True, slots=True)
class BenchmarkOptions:
    """Everything a benchmark can be told; the command line documents each. Empty tuples and None: as the task says.

    command: the line that was typed, for the report. pictures: keep what an HTML report shows.
    """

    dataset: str = "ddisr"
    root: Path | None = None
    task: str = "quick"
    scales: tuple[int, ...] = ()
    protocols: tuple[str, ...] = ()
    tracks: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    external: tuple[str, ...] = ()
    external_timeout: float = 600.0
    images: int | None = None
    crop: int | None = None
    resize: int | None = None
    image_gsd: float | None = None
    ref_ratio: float | None = None
    seeds: tuple[int, ...] = (0,)
    cache: Path | None = None
    jobs: int = 1
    subprocess: bool = False
    distances: bool = False
    fid_weights: Path | None = None
    pictures: bool = False
    command: str = "ursat benchmark"


@dataclass(frozen=True, slots=True)
class Keepers:
    """Several things to do with each answer, as one."""

    each: tuple[FeatureKeeper | PanelKeeper, ...] = ()

    def __call__(self, observation: Observation, method: str, pixels: NDArray[Any]) -> None:
        """Call each with the same."""
        for keep in self.each:
            keep(observation, method, pixels)

    def has(self, score: Score) -> bool:
        """Whether what belongs to a score of the cache is there; a run without a report keeps none of it."""
        for keep in self.each:
            if isinstance(keep, FeatureKeeper):
                folder, wanted = keep.place, not _blind(score.figures)  # features are compared with the truth's
            else:
                folder, wanted = keep.folder, keep.images is None or score.image_id in keep.images
            if wanted and sidefiles.found_paths(folder, score) is None:
                return False
        return True


@dataclass(frozen=True)
class Job:
    """What is going to be measured.

    Args:
        options: as asked for.
        task: the preset, with what the options override.
        dataset: loaded.
        methods: by label.
        cells: lines of the table.
        folder: of caches; None keeps nothing.
        weights: sha256 by method, of those that have a file.
    """

    options: BenchmarkOptions
    task: Task
    dataset: Dataset
    methods: Mapping[str, Method]
    cells: tuple[Cell, ...]
    folder: Path | None
    weights: Mapping[str, str] = field(default_factory=dict)
    ratio: float | None = None
    keepers: Keepers = field(default_factory=Keepers)

    @property
    def panels(self) -> Path | None:
        """Where pictures lie; None where none are kept."""
        return next((keep.folder for keep in self.keepers.each if isinstance(keep, PanelKeeper)), None)

    def run(self, progress: Progress | None = None) -> Table:
        """Measure.

        Args:
            progress: called with (done, total).
        """
        if self.options.task == "efficiency":
            return efficiency(self.methods, self.cells, self.dataset.images, progress=progress)
        return run(
            self.methods,
            self.cells,
            self.dataset.images,
            seeds=self.options.seeds,
            cache=self.folder / "scores.jsonl" if self.folder else None,
            setting=_setting(self.options, self.dataset, self.ratio),
            jobs=self.options.jobs,
            ratio=self.ratio,
            keep=self.keepers if self.keepers.each else None,
            usable=self.keepers.has,
            progress=progress,
        )

    def sets(self, table: Table) -> dict[tuple[Cell, str], dict[str, float]]:
        """Distances between sets, where they were asked for."""
        keeper = next((keep for keep in self.keepers.each if isinstance(keep, FeatureKeeper)), None)
        return set_figures(table, keeper) if keeper else {}

    def facts(self, table: Table) -> RunFacts:
        """What to say beside the numbers of ``table``."""
        data, options = self.dataset, self.options
        return RunFacts(
            dataset=data.name,
            description=data.description,
            licence=data.licence,
            command=options.command,
            protocol=",".join(dict.fromkeys(cell.degradation for cell in self.cells)),
            scales=tuple(dict.fromkeys(cell.scale for cell in self.cells)),
            tracks=tuple(dict.fromkeys(TRACK_NAMES[cell.track] for cell in self.cells)),
            seeds=options.seeds,
            images=len({score.image_id for score in table.scores}),
            split=data.split,
            source=data.source,
            embedded=data.embedded,
            complete=table.complete,
            attribution=data.attribution,
            versions=_versions(),
            weights={**self.weights, **self._of_distances()},
            notes=(*data.notes, *self._notes(table)),
        )

    def _of_distances(self) -> dict[str, str]:
        keeper = next((keep for keep in self.keepers.each if isinstance(keep, FeatureKeeper)), None)
        network = keeper.network if keeper else None
        return {"--fid-weights": network.fingerprint} if network and network.is_inception else {}

    def _notes(self, table: Table) -> list[str]:
        notes = [] if table.complete else ["interrupted: the table holds what was done; the same command goes on"]
        for cell in dict.fromkeys(Cell(c.scale, c.degradation, "noref") for c in self.cells):
            left = sum(not playable(image, cell) for image in self.dataset.images)
            if left:
                notes.append(f"x{cell.scale} {cell.degradation}: {left} of {len(self.dataset.images)} images left out")
        blind = sorted(
            {s.cell.scale for s in table.scores if s.figures and s.cell.degradation == REAL and _blind(s.figures)}
        )
        if blind:
            scales = ", ".join(f"x{scale}" for scale in blind)
            notes.append(f"no ground truth at {scales} for some images: only figures of the image alone there")
        few = {cell.scale: n for cell in table.cells if 1 < (n := table.images(cell)) < FEW}
        if few:
            counts = ", ".join(f"x{scale}: {n}" for scale, n in few.items())
            notes.append(
                f"few images ({counts}): such intervals are too narrow, of 3 they hold the mean in 3 of 4 cases"
            )
        if table.failures:
            notes.append(f"{len(table.failures)} failed, such as {table.failures[0].method}: {table.failures[0].note}")
        if self.options.task in REMARKS:
            notes.append(REMARKS[self.options.task])
        return notes


def prepare(options: BenchmarkOptions) -> Job:
    """Load the data set, make the methods and the cells.

    Raises:
        UsageError: an option that cannot mean anything.
        InputError: the data set is not where it should be, an image cannot be read, none is large enough, or weights
            cannot be used.
    """
    if options.task not in TASKS:
        raise UsageError(f"--task: there is no task '{options.task}'", hint="choose from " + ", ".join(TASKS))
    task = TASKS[options.task]
    dataset = load_dataset(options.dataset, _request(options, task), options.images)
    task = replace(
        task,
        scales=options.scales or task.scales,
        tracks=options.tracks or task.tracks,
        protocols=options.protocols or task.protocols,
        methods=options.methods or (() if options.external else task.methods),
    )
    cells = _cells(task, options)
    _check_images(dataset, cells)
    _check_places(dataset, task)
    threads = max(1, usable_cores() // max(1, options.jobs))
    tool = Ursat(command_line=options.subprocess, threads=threads)
    methods = make_methods(task.methods, tool, options.external, options.external_timeout)
    folder = _made(options.cache / options.dataset) if options.cache else None
    ratio = options.ref_ratio or task.ratio
    weights = {label: found for label, method in methods.items() if (found := _sha256(method))}
    keepers = _keepers(options, folder, dataset, ratio)
    return Job(options, task, dataset, methods, cells, folder, weights, ratio, keepers)


def default_cache() -> Path:
    """Where scores are kept unless told otherwise: $XDG_CACHE_HOME/ursat/benchmark, or in ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ursat" / "benchmark"


def _request(options: BenchmarkOptions, task: Task) -> Request:
    if options.crop and options.resize:
        raise UsageError("--crop and --resize exclude each other", hint="give one of them")
    resize = options.resize or (PAPER_SIDE.get(options.dataset) if task.paper_side and not options.crop else None)
    whole = options.dataset in _WHOLE or options.crop == 0
    enough = max(task.crop, LEAST * max(options.scales or task.scales))  # the largest scale needs input pixels too
    crop = options.crop if options.crop is not None or resize or whole else enough
    return Request(options.root, options.image_gsd, Preparation(crop or None, resize))


def _cells(task: Task, options: BenchmarkOptions) -> tuple[Cell, ...]:
    unknown = [name for name in task.protocols if name not in {*DEGRADATIONS, REAL}]
    if unknown:
        raise UsageError(f"--protocol: no such thing as {unknown[0]}", hint="bicubic, sensor or real")
    if REAL in task.protocols and options.dataset not in HAS_REAL:
        raise UsageError(
            f"--protocol real: {options.dataset} has no real observations", hint=f"--dataset {' or '.join(HAS_REAL)}"
        )
    if REAL in task.protocols and options.dataset == "ddisr" and options.root is None:
        raise UsageError("--protocol real: the embedded set is simulated", hint="name a copy of DDISR with --root")
    return tuple(
        Cell(scale, protocol, track)
        for scale in task.scales
        for protocol in task.protocols
        for track in task.tracks
        if protocol != REAL or track in REAL_TRACKS
    )


def _check_images(dataset: Dataset, cells: tuple[Cell, ...]) -> None:
    if not any(playable(image, cell) for image in dataset.images for cell in cells):
        least = min(cell.scale for cell in cells)
        raise InputError(
            f"none of the {len(dataset.images)} images of {dataset.name} can be used at x{least} or more",
            hint="inputs have 12 pixels a side or more, from x64 on 8: name smaller scales, larger images or --crop 0",
        )


def _made(folder: Path) -> Path:
    with contextlib.suppress(OSError):  # the check says what is wrong
        folder.mkdir(parents=True, exist_ok=True)
    check_writable(folder, "--cache", "name another folder, or --cache none")
    return folder


def _check_places(dataset: Dataset, task: Task) -> None:
    if set(task.tracks) & STRANGE and len({image.place for image in dataset.images}) < 2:
        raise UsageError(
            "--tracks changed and wrong need images of two places; all of these show one",
            hint="a subfolder counts as one place; --images may have left only one",
        )


def _keepers(options: BenchmarkOptions, folder: Path | None, dataset: Dataset, ratio: float | None) -> Keepers:
    wanted = options.distances or options.fid_weights
    if (wanted or options.pictures) and folder is None:
        raise UsageError("distances and HTML reports need a cache", hint="leave out --cache none")
    each: list[FeatureKeeper | PanelKeeper] = []
    # Side files know an image by its id: those of another crop, reference or version of ursat must not meet this run.
    setting = fingerprint(whole_package=True, setting=_setting(options, dataset, ratio))
    if wanted and folder:
        network = Network(str(options.fid_weights)) if options.fid_weights else Network(OFFLINE)
        network.check()
        each.append(FeatureKeeper(folder / setting / "features", network))
    if options.pictures and folder:
        chosen = sorted(dataset.images, key=lambda image: -image.shape[0] * image.shape[1])[:_PICTURED]
        each.append(PanelKeeper(folder / setting / "panels", frozenset(image.image_id for image in chosen)))
    return Keepers(tuple(each))


def _setting(options: BenchmarkOptions, dataset: Dataset, ratio: float | None) -> str:
    root = options.root.resolve() if options.root else ""
    return repr((dataset.name, str(root), _request(options, TASKS[options.task]).preparation, options.image_gsd, ratio))


def _versions() -> dict[str, str]:
    found = {"ursat": ursat.__version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _sha256(method: Method) -> str:
    return str(getattr(getattr(method, "tool", method), "sha256", ""))


def _blind(figures: Mapping[str, float]) -> bool:
    return "psnr" not in figures
