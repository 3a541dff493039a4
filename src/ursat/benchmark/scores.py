"""Scores, their table, and the file that lets an interrupted run go on."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import stdev
from typing import TYPE_CHECKING

import ursat
from ursat.benchmark.peers import RIVALS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# No score depends on how it is shown, who asked for it, or how weights came about: these may change and no score is
# computed again.
_UNUSED = tuple(
    f"benchmark/{name}" for name in ("tables.py", "gains.py", "facts.py", "printed.py", "tasks.py", "report/")
)
_ELSEWHERE = ("training/", "cli/")
# Only the scores of tools come about through these.
_OURS = tuple(f"benchmark/{name}.py" for name in ("tool", "ensemble", "external", "foreign", "ncnn_files", "methods"))


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One line of the table: scale, degradation, track."""

    scale: int
    degradation: str
    track: str


Key = tuple[str, Cell, str, int, str, str]


@dataclass(frozen=True, slots=True)
class Score:
    """One method on one observation.

    figures: by name as `judge.Judge` gives them, none where the method failed; note: why.
    other: the id of the image that stood for a wrong reference, else empty; stamp: of the files of both, see `stamps`.
    """

    image_id: str
    place: str
    cell: Cell
    method: str
    seed: int
    seconds: float
    figures: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    other: str = ""
    stamp: str = ""

    @property
    def key(self) -> Key:
        """What makes two scores the same measurement."""
        return self.image_id, self.cell, self.method, self.seed, self.other, self.stamp


@dataclass(frozen=True)
class Table:
    """All scores of a run, in the order of the cells and methods asked for; complete: not cut short by Ctrl-C."""

    scores: tuple[Score, ...]
    cells: tuple[Cell, ...]
    methods: tuple[str, ...]
    complete: bool = True

    @property
    def measured(self) -> tuple[str, ...]:
        """The methods that are neither baseline nor peer."""
        return tuple(m for m in self.methods if m not in RIVALS)

    @cached_property
    def _placed(self) -> dict[tuple[Cell, str], list[Score]]:
        placed: dict[tuple[Cell, str], list[Score]] = {}
        for score in self.scores:
            placed.setdefault((score.cell, score.method), []).append(score)
        return placed

    def values(self, cell: Cell, method: str, figure: str = "psnr") -> dict[str, float]:
        """One figure by image, where the method gave it; of several seeds the mean."""
        found: dict[str, list[float]] = {}
        for score in self._placed.get((cell, method), ()):
            if figure in score.figures:
                found.setdefault(score.image_id, []).append(score.figures[figure])
        return {image: math.fsum(values) / len(values) for image, values in found.items()}

    def images(self, cell: Cell) -> int:
        """How many images have a PSNR in a cell, of the method that has the most."""
        return max((len(self.values(cell, method)) for method in self.methods), default=0)

    def seeds_spread(self, cell: Cell, method: str, figure: str = "psnr") -> float:
        """Standard deviation over seeds of the mean over images; NaN with fewer than two seeds."""
        by_seed: dict[int, list[float]] = {}
        for score in self._placed.get((cell, method), ()):
            if figure in score.figures:
                by_seed.setdefault(score.seed, []).append(score.figures[figure])
        means = [math.fsum(values) / len(values) for values in by_seed.values()]
        return stdev(means) if len(means) > 1 and all(map(math.isfinite, means)) else math.nan

    def mean(self, cell: Cell, method: str, figure: str = "psnr") -> float:
        """Mean over images of a figure of each image; NaN without a score."""
        values = self.values(cell, method, figure)
        return math.fsum(values.values()) / len(values) if values else math.nan

    def best(self, cell: Cell, among: Iterable[str]) -> tuple[str, float]:
        """The method with the highest mean PSNR in a cell, and that mean; ("", NaN) when none was run."""
        means = [(self.mean(cell, m), m) for m in among if m in self.methods]
        means = [pair for pair in means if not math.isnan(pair[0])]
        return (max(means)[1], max(means)[0]) if means else ("", math.nan)

    def over(self, cell: Cell, method: str, rivals: Iterable[str]) -> float:
        """Mean PSNR of ``method`` less that of the best of ``rivals`` in the same cell, dB."""
        return self.mean(cell, method) - self.best(cell, rivals)[1]

    def over_noref(self, cell: Cell, method: str) -> float:
        """Mean PSNR less the same method's without a reference, dB; NaN in that cell itself."""
        free = Cell(cell.scale, cell.degradation, "noref")
        return math.nan if cell == free else self.mean(cell, method) - self.mean(free, method)

    @property
    def failures(self) -> tuple[Score, ...]:
        """Scores without a result."""
        return tuple(s for s in self.scores if not s.figures)


def fingerprint(*, whole_package: bool, setting: str = "") -> str:
    """A hash of what a score depends on.

    The benchmark's sources and NIQE models, or the whole package with its weights; and ``setting``, what the run was
    told beyond the key of a score.
    """
    root = Path(ursat.__file__).parent
    digest = hashlib.sha256(setting.encode())
    unused = _UNUSED + _ELSEWHERE if whole_package else _UNUSED + _ELSEWHERE + _OURS
    for path in sorted((root if whole_package else root / "benchmark").rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.suffix in {".py", ".npz", ".safetensors", ".webp"} and not name.startswith(unused):
            digest.update(name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


class ScoreFile:
    """Scores in a file of JSON lines; only those of the present sources and without failure count.

    A line cut short by an interruption is skipped, and the next score starts a new line.
    """

    def __init__(self, path: Path | None, setting: str = "") -> None:
        self.path = path
        # Read now: sources edited during a long run are not the ones that run.
        self._sources = {whole: fingerprint(whole_package=whole, setting=setting) for whole in (True, False)}

    def load(self, wanted: Sequence[str]) -> dict[Key, Score]:
        """The scores of the methods ``wanted`` that need not be computed again, by key."""
        if self.path is None or not self.path.exists():
            return {}
        found = {}
        for line in self.path.read_text().splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue
            if entry["method"] not in wanted or entry.pop("sources") != self._sources[entry["method"] not in RIVALS]:
                continue
            score = Score(**{**entry, "cell": Cell(**entry["cell"])})
            if score.figures:
                found[score.key] = score
        return found

    def append(self, scores: Iterable[Score]) -> None:
        """Add scores; each is on disk when this returns."""
        if self.path is None:
            return
        entries = [{**asdict(s), "sources": self._sources[s.method not in RIVALS]} for s in scores]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        cut = self.path.exists() and self.path.stat().st_size > 0 and not self.path.read_bytes().endswith(b"\n")
        with self.path.open("a") as file:
            file.write("\n" * cut + "".join(json.dumps(entry) + "\n" for entry in entries))
