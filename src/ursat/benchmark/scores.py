"""Scores, their table, and the file that lets an interrupted run go on."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import ursat
from ursat.benchmark.niqe import photograph_file
from ursat.benchmark.peers import RIVALS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# No score depends on how it is shown or how weights came about: these may change and no score is computed again.
_UNUSED = frozenset({"benchmark/__main__.py", "benchmark/tables.py", "benchmark/gains.py"})
_TRAINING = "training/"
# Only ursat's own scores come about through these.
_OURS = frozenset({"benchmark/tool.py", "benchmark/ensemble.py"})


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One line of the table: scale, degradation, track."""

    scale: int
    degradation: str
    track: str


Key = tuple[str, Cell, str, int, str]


@dataclass(frozen=True, slots=True)
class Score:
    """One method on one observation.

    figures: by name as `judge.Judge` gives them, none where the method failed; note: why.
    other: the id of the image that stood for a wrong reference, else empty.
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

    @property
    def key(self) -> Key:
        """What makes two scores the same measurement."""
        return self.image_id, self.cell, self.method, self.seed, self.other


@dataclass(frozen=True)
class Table:
    """All scores of a run, in the order of the cells and methods asked for."""

    scores: tuple[Score, ...]
    cells: tuple[Cell, ...]
    methods: tuple[str, ...]

    @property
    def measured(self) -> tuple[str, ...]:
        """The methods that are neither baseline nor peer."""
        return tuple(m for m in self.methods if m not in RIVALS)

    def values(self, cell: Cell, method: str, figure: str = "psnr") -> dict[str, float]:
        """One figure by image, where the method gave it."""
        return {
            s.image_id: s.figures[figure]
            for s in self.scores
            if s.cell == cell and s.method == method and figure in s.figures
        }

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
        """Mean PSNR less the same method's without a reference, dB."""
        return self.mean(cell, method) - self.mean(Cell(cell.scale, cell.degradation, "noref"), method)

    @property
    def failures(self) -> tuple[Score, ...]:
        """Scores without a result."""
        return tuple(s for s in self.scores if not s.figures)


def fingerprint(*, whole_package: bool) -> str:
    """A hash of what a score depends on: the benchmark's sources and NIQE models, or the whole package with weights."""
    root = Path(ursat.__file__).parent
    digest = hashlib.sha256()
    natural = photograph_file()
    unused = _UNUSED if whole_package else _UNUSED | _OURS
    for path in sorted((root if whole_package else root / "benchmark").rglob("*")):
        name = path.relative_to(root).as_posix()
        used = name not in unused and not name.startswith(_TRAINING)
        if used and path.suffix in {".py", ".npz", ".safetensors"}:
            digest.update(name.encode() + path.read_bytes())
    digest.update(natural.read_bytes() if natural else b"")
    return digest.hexdigest()[:16]


class ScoreFile:
    """Scores in a file of JSON lines; only those of the present sources and without failure count.

    A line cut short by an interruption is skipped, and the next score starts a new line.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        # Read now: sources edited during a long run are not the ones that run.
        self._sources = {True: fingerprint(whole_package=True), False: fingerprint(whole_package=False)}

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
