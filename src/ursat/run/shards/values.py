"""Frozen values as canonical JSON and back, every number exactly; what comes back is checked against its type."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


class DamagedError(ValueError):
    """A value that its type does not allow; the message names its place."""


def plain(value: Any) -> Any:
    """Dataclasses as objects, tuples as lists, numbers that JSON lacks as 'nan', 'inf' and '-inf'."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def canonical(value: Any) -> str:
    """Sorted keys, no white space, ASCII: equal values give equal text."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def sha256_of(text: str) -> str:
    """Hexadecimal sha256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def decode(kind: type[T], data: Any, where: str) -> T:
    """What `plain` has made of a value of that type.

    Args:
        kind: a dataclass of numbers, texts, truth values, tuples and other such dataclasses; or one of these.
        data: as `json.loads` gives it.
        where: the place that an error names.

    Raises:
        DamagedError: another type, a missing or an unknown field.
    """
    value: T = _decode(kind, data, where)
    return value


def _decode(kind: Any, data: Any, where: str) -> Any:
    origin = get_origin(kind)
    if origin is UnionType:
        if data is None and NoneType in get_args(kind):
            return None
        return _decode(next(k for k in get_args(kind) if k is not NoneType), data, where)
    if origin is tuple:
        return _tuple(get_args(kind), data, where)
    if is_dataclass(kind):
        return _dataclass(kind, data, where)
    if kind is float:
        return _float(data, where)
    if type(data) is not kind:
        raise DamagedError(f"{where} is {type(data).__name__}, not {kind.__name__}")
    return data


def _tuple(kinds: tuple[Any, ...], data: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(data, list):
        raise DamagedError(f"{where} is no list")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = kinds[:1] * len(data)
    if len(kinds) != len(data):
        raise DamagedError(f"{where} has {len(data)} entries, not {len(kinds)}")
    return tuple(_decode(k, item, f"{where}[{i}]") for i, (k, item) in enumerate(zip(kinds, data, strict=True)))


def _dataclass(kind: Any, data: Any, where: str) -> Any:
    hints = _hints(kind)
    if not isinstance(data, dict) or set(data) != set(hints):
        raise DamagedError(f"{where} does not have the fields {', '.join(sorted(hints))}")
    try:
        return kind(**{name: _decode(hint, data[name], f"{where}.{name}") for name, hint in hints.items()})
    except ValueError as error:
        raise DamagedError(f"{where}: {error}") from error


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {f.name: hints[f.name] for f in fields(kind)}


def _float(data: Any, where: str) -> float:
    if isinstance(data, bool) or not (isinstance(data, int | float) or data in ("nan", "inf", "-inf")):
        raise DamagedError(f"{where} is no number")
    try:
        return float(data)
    except OverflowError as error:
        raise DamagedError(f"{where} is too large") from error
