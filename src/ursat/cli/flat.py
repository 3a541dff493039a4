"""Nested facts, as headers and reports hold them, on one line for people."""

from __future__ import annotations

from typing import Any

from ursat.cli.render import number


def flat(value: Any) -> str:
    """'a=1, b=2' of a dictionary, 'x y z' of plain values in a list, '; ' between dictionaries in one."""
    if isinstance(value, dict):
        return ", ".join(f"{key}={flat(item)}" for key, item in value.items())
    if isinstance(value, list) and value:
        return ("; " if any(isinstance(item, dict) for item in value) else " ").join(map(flat, value))
    if isinstance(value, float):
        return number(value, 6)
    return str(value) if value not in (None, []) else "none"
