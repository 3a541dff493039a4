"""The metadata file of a Landsat Collection-2 scene, in any of its three spellings."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ursat.errors import InputError
from ursat.io.safexml import parse_xml, read_limited, tag

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ROOT = "LANDSAT_METADATA_FILE"
_LINE = re.compile(r"^\s*([A-Za-z0-9_]+)\s*=\s*(.*?)\s*$")


@dataclass(frozen=True, slots=True)
class Metadata:
    """Groups of key and value, all text, as in ``GROUP = PRODUCT_CONTENTS``."""

    path: Path
    groups: Mapping[str, Mapping[str, str]]

    def get(self, group: str, key: str) -> str | None:
        """The value, or None."""
        return self.groups.get(group, {}).get(key)

    def number(self, group: str, key: str) -> float:
        """The value as a number.

        Raises:
            InputError: absent or not a number.
        """
        text = self.get(group, key)
        try:
            value = float(text or "")
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise InputError(
                f"{self.path}: {group}/{key} is {'missing' if text is None else f'{text[:80]!r}, not a number'}",
                hint="download the metadata file again",
            )
        return value


def read_metadata(path: Path) -> Metadata:
    """Read ``*_MTL.txt`` (ODL), ``*_MTL.json`` or ``*_MTL.xml``.

    Raises:
        InputError: damaged, or not of Collection 2.
    """
    suffix = path.suffix.lower()
    if suffix == ".xml":
        root = parse_xml(path)
        found, groups = (
            tag(root),
            {tag(group): {tag(item): (item.text or "").strip() for item in group} for group in root},
        )
    elif suffix == ".json":
        found, groups = _read_json(path)
    else:
        found, groups = _read_odl(path)
    if found != ROOT:
        raise InputError(
            f"{path}: not Collection-2 metadata (its root is {found or 'missing'})",
            hint="Collection 1 is retired; order the scene from Collection 2, or give its stacked bands as a GeoTIFF",
        )
    return Metadata(path, groups)


def _read_json(path: Path) -> tuple[str, dict[str, dict[str, str]]]:
    try:
        document: Any = json.loads(read_limited(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not well-formed JSON", hint="download the metadata file again") from error
    if not isinstance(document, dict) or len(document) != 1:
        return "", {}
    ((root, content),) = document.items()
    if not isinstance(content, dict):
        return "", {}
    groups = {
        name: {key: str(value) for key, value in group.items()}
        for name, group in content.items()
        if isinstance(group, dict)
    }
    return str(root), groups


def _read_odl(path: Path) -> tuple[str, dict[str, dict[str, str]]]:
    """GROUP = NAME ... END_GROUP = NAME, nested once; values quoted or bare."""
    root = ""
    groups: dict[str, dict[str, str]] = {}
    stack: list[str] = []
    for line in read_limited(path).decode("utf-8", "replace").splitlines():
        match = _LINE.match(line)
        if not match:
            continue
        key, value = match[1], match[2].strip('"')
        if key == "GROUP":
            stack.append(value)
            root = root or value
            groups.setdefault(value, {})
        elif key == "END_GROUP":
            if not stack or stack.pop() != value:
                raise InputError(
                    f"{path}: group {value} ends before it begins", hint="download the metadata file again"
                )
        elif stack:
            groups[stack[-1]][key] = value
    if stack:
        raise InputError(f"{path}: truncated inside group {stack[-1]}", hint="download the metadata file again")
    return root, groups
