"""What a loader is asked for, what it gives, and what it says when the files are not there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ursat.benchmark.images import Preparation
from ursat.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ursat.benchmark.images import Truth

T = TypeVar("T")
_DRAW_SEED = 0  # of the subsets that the paper drew at random and did not publish


@dataclass(frozen=True, slots=True)
class Request:
    """What the user says of a data set.

    root: its folder; gsd_m: metres a pixel of files that do not say so; preparation: crop or resize.
    """

    root: Path | None = None
    gsd_m: float | None = None
    preparation: Preparation = field(default_factory=Preparation)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images and what has to be said of them; the texts go into `facts.RunFacts`."""

    name: str
    description: str
    licence: str
    source: str
    images: tuple[Truth, ...]
    split: str = ""
    embedded: bool = False
    attribution: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


Loader = Callable[[Request], Dataset]


@dataclass(frozen=True, slots=True)
class Layout:
    """A published data set on disk: what to say of it where it is missing.

    expects: what has to be under --root, in words and file patterns. source and licence: empty for the user's own.
    """

    name: str
    title: str
    expects: str
    source: str
    licence: str

    def root(self, request: Request) -> Path:
        """The folder that was named.

        Raises:
            UsageError: none was.
            InputError: it does not exist.
        """
        if request.root is None:
            raise UsageError(f"--dataset {self.name}: --root is missing", hint=self.hint)
        if not request.root.is_dir():
            raise InputError(f"{request.root}: no such folder", hint=self.hint)
        return request.root

    def home(self, request: Request) -> Path:
        """The folder that was named, or the folder of the set's own name in it: archives differ in this.

        Raises:
            UsageError: none was.
            InputError: it does not exist.
        """
        root = self.root(request)
        return next((path for path in sorted(root.iterdir()) if path.is_dir() and path.name.lower() == self.name), root)

    def missing(self, root: Path) -> InputError:
        """The error for a folder that does not hold it."""
        return InputError(f"{root}: no {self.title} there", hint=self.hint)

    @property
    def hint(self) -> str:
        """What is expected, where to get it, and under which licence."""
        parts = {"expected: ": self.expects, "Get it from ": self.source, "Licence: ": self.licence}
        return ". ".join(word + text for word, text in parts.items() if text)


def files(folder: Path, suffixes: Iterable[str]) -> list[Path]:
    """Files of a folder by lower-case suffix, sorted by name; none where it does not exist."""
    wanted = set(suffixes)
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in wanted) if folder.is_dir() else []


def first(candidates: Iterable[Path]) -> Path | None:
    """The first folder that exists."""
    return next((path for path in candidates if path.is_dir()), None)


def draw(items: Sequence[T], count: int) -> list[T]:
    """``count`` of them (or all), without repetition and always the same ones, in their own order."""
    if len(items) <= count:
        return list(items)
    chosen = np.random.default_rng(_DRAW_SEED).choice(len(items), count, replace=False)
    return [items[k] for k in sorted(chosen)]
