"""How strong the departure of a sample from the mean is made: by level, by what a reference has told, by sharpness."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

_MOST = 10.0


@dataclass(frozen=True, slots=True)
class Gains:
    """Factors of the departure on level 1, 2, ...; each list's last holds for all levels that follow.

    none: of runs without a reference. reached: of levels whose grid the reference reaches. past: of the levels after
    those: what they start from holds a reference's true detail, so that one list for both would be wrong for each.
    """

    none: tuple[float, ...] = (1.0,)
    reached: tuple[float, ...] = (1.0,)
    past: tuple[float, ...] = (1.0,)

    def at(self, level: int, reference_level: int | None) -> float:
        """The factor on ``level``.

        Args:
            level: 1 for the first doubling.
            reference_level: the finest level that the reference reaches; None without a reference.
        """
        row = self.none if reference_level is None else self.reached if level <= reference_level else self.past
        return row[min(level, len(row)) - 1]

    def having(self, name: str, level: int, gain: float) -> Gains:
        """The same with one factor replaced; a list that ends before ``level`` is continued with its last first."""
        row = list(getattr(self, name))
        row += [row[-1]] * (level - len(row))
        row[level - 1] = gain
        return Gains(**{**asdict(self), name: tuple(row)})


@dataclass(frozen=True, slots=True)
class Calibration:
    """`Gains` of inputs of several sharpnesses: (MTF at the input's Nyquist frequency, gains), by rising MTF.

    Between two of them gains go along a straight line; beyond, the nearest hold.
    """

    points: tuple[tuple[float, Gains], ...] = ((0.5, Gains()),)

    @classmethod
    def parse(cls, stored: Any) -> Calibration:
        """From a header's JSON: what `to_json` gives, one list of numbers for everything, or None for 1 everywhere.

        Raises:
            ValueError: something else, an empty list, or a number outside 0..10.
        """
        if stored is None:
            return cls()
        try:
            found = cls(tuple(_points(stored)))
        except (TypeError, AttributeError, KeyError) as error:
            raise ValueError(f"calibration {stored!r}") from error
        rows = [row for _, gains in found.points for row in asdict(gains).values()]
        rising = [mtf for mtf, _ in found.points]
        sound = all(row and all(0 <= v <= _MOST for v in row) for row in rows) and all(0 < mtf <= 1 for mtf in rising)
        if not rows or not sound or rising != sorted(set(rising)):
            raise ValueError(f"calibration {stored!r}")
        return found

    def to_json(self) -> list[dict[str, Any]]:
        """What `parse` reads."""
        return [{"mtf": mtf, **{name: list(row) for name, row in asdict(gains).items()}} for mtf, gains in self.points]

    def at(self, mtf: float, level: int, reference_level: int | None) -> float:
        """The factor on ``level`` of an input with ``mtf``; the others as for `Gains.at`."""
        (below, low), (above, high) = self.points[0], self.points[-1]
        for point, gains in self.points:
            if point <= mtf:
                below, low = point, gains
            else:
                above, high = point, gains
                break
        first, second = low.at(level, reference_level), high.at(level, reference_level)
        share = min(max((mtf - below) / (above - below), 0.0), 1.0) if above > below else 0.0
        return first + (second - first) * share

    def having(self, mtf: float, name: str, level: int, gain: float) -> Calibration:
        """The same with one factor of one of the points replaced."""
        points = tuple((m, gains.having(name, level, gain) if m == mtf else gains) for m, gains in self.points)
        return replace(self, points=points)


def _points(stored: Any) -> list[tuple[float, Gains]]:
    names = {field.name for field in fields(Gains)}
    if all(isinstance(value, (int, float)) for value in stored):
        row = tuple(float(v) for v in stored)
        return [(0.5, Gains(row, row, row))]
    if any(set(point) != names | {"mtf"} for point in stored):
        raise TypeError
    return [
        (float(point["mtf"]), Gains(**{name: tuple(float(v) for v in point[name]) for name in names}))
        for point in stored
    ]
