"""Scores, their table, and the file that lets an interrupted run go on."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import ursat
from ursat.benchmark.baselines import BASELINES, NEEDS_REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One line of the table: scale, degradation, track."""

    scale: int
    degradation: str
    track: str


Key = tuple[str, Cell, str, int, str]


@dataclass(frozen=True, slots=True)
class Score:
    """One method on one observation. psnr: dB, None where the method failed; note: why.

    other: the id of the image that stood for a wrong reference, else empty.
    """

    image_id: str
    place: str
    cell: Cell
    method: str
    seed: int
    psnr: float | None
    seconds: float
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

    def values(self, cell: Cell, method: str) -> dict[str, float]:
        """PSNR in dB by image, where the method gave a result."""
        return {s.image_id: s.psnr for s in self.scores if s.cell == cell and s.method == method and s.psnr is not None}

    def mean(self, cell: Cell, method: str) -> float:
        """Mean over images of per-image PSNR, dB; NaN without a score."""
        values = self.values(cell, method)
        return math.fsum(values.values()) / len(values) if values else math.nan

    def best(self, cell: Cell, among: Iterable[str]) -> tuple[str, float]:
        """The method with the highest mean in a cell, and that mean; ("", NaN) when none was run."""
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
        return tuple(s for s in self.scores if s.psnr is None)

    def markdown(self) -> str:
        """The table: mean PSNR by cell and method; then, for what is no baseline, its distance to the rivals.

        ``best``: over the best baseline of the cell; ``ref``: over the best one that uses the reference; ``noref``:
        over the same method without a reference.
        """
        measured = [m for m in self.methods if m not in BASELINES]
        head = ["scale", "degradation", "track", "images", *self.methods, "best baseline"]
        for method in measured:
            head += [f"{method} - best", "- ref", "- noref"]
        rows = [head, ["---"] * 3 + ["---:"] * (len(head) - 3)]
        for cell in self.cells:
            count = max((len(self.values(cell, m)) for m in self.methods), default=0)
            row = [f"x{cell.scale}", cell.degradation, cell.track, str(count)]
            row += [_number(self.mean(cell, m)) for m in self.methods]
            row.append(self.best(cell, BASELINES)[0] or "-")
            for method in measured:
                row += [
                    _number(self.over(cell, method, BASELINES), "+"),
                    _number(self.over(cell, method, NEEDS_REFERENCE), "+"),
                    _number(self.over_noref(cell, method), "+"),
                ]
            rows.append(row)
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        lines += [f"\nfailed: {s.image_id} {s.cell} {s.method}: {s.note}" for s in self.failures]
        return "\n".join(lines) + "\n"


def _number(value: float, sign: str = "") -> str:
    return "-" if math.isnan(value) else f"{value:{sign}.2f}"


def fingerprint(*, whole_package: bool) -> str:
    """A hash of the sources that a score depends on: the benchmark's own, or the whole package's."""
    root = Path(ursat.__file__).parent
    digest = hashlib.sha256()
    for path in sorted((root if whole_package else root / "benchmark").rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
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
            stamp = entry.pop("sources")
            score = Score(**{**entry, "cell": Cell(**entry["cell"])})
            current = score.method in wanted and stamp == self._sources[score.method not in BASELINES]
            if current and score.psnr is not None:
                found[score.key] = score
        return found

    def append(self, scores: Iterable[Score]) -> None:
        """Add scores; each is on disk when this returns."""
        if self.path is None:
            return
        entries = [{**asdict(s), "sources": self._sources[s.method not in BASELINES]} for s in scores]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        cut = self.path.exists() and self.path.stat().st_size > 0 and not self.path.read_bytes().endswith(b"\n")
        with self.path.open("a") as file:
            file.write("\n" * cut + "".join(json.dumps(entry) + "\n" for entry in entries))
