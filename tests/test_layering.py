"""The house's one rule of dependencies, read from the imports; and the size of its files."""

from __future__ import annotations

import ast
import statistics
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "ursat"

# A folder may import the folders named here, and every plain module of the base (grid, types, fir, errors).
BELOW = {
    "cli": {"run", "training", "benchmark", "io"},
    "training": {"benchmark", "run", "io", "harmonise", "tiling", "models"},
    "benchmark": {"run", "io", "harmonise", "tiling", "models"},
    "run": {"io", "harmonise", "tiling", "models"},
    "io": set(),
    "harmonise": set(),
    "tiling": set(),
    "models": set(),
    "base": set(),
}
# What the command line may take from io: only what it shows.
CLI_FROM_IO = {"ursat.io.scene", "ursat.io.provenance"}
# Where a library may be imported; everywhere else it would be loaded, or its conventions leak, by accident.
HOMES = {
    "rasterio": {"io"},
    "torch": {"models", "run", "base", "benchmark", "training"},
    "typer": {"cli"},
    "rich": {"cli"},
}
# The one base module that serves arrays of both kinds, and loads torch only when it is handed a tensor.
TORCH_IN_BASE = {"ursat.fir"}
ENTRANCES = {"ursat.__main__": {"cli"}, "ursat": {"run"}}
LONGEST, MEDIAN = 400, 200


@dataclass(frozen=True)
class Import:
    module: str
    imported: str
    line: int
    typing_only: bool

    @property
    def place(self) -> str:
        return f"{self.module}:{self.line} imports {self.imported}"


def folder_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in BELOW else "base"


def module_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_in(tree: ast.AST, module: str, *, typing_only: bool = False) -> list[Import]:
    found = []
    for node in ast.iter_child_nodes(tree):
        inside = typing_only or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
        if isinstance(node, ast.Import):
            found += [Import(module, alias.name, node.lineno, typing_only) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno} imports relatively"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [Import(module, name, node.lineno, typing_only) for name in whole]
        found += imports_in(node, module, typing_only=inside)
    return found


FILES = sorted(SOURCE.rglob("*.py"))
IMPORTS = [found for path in FILES for found in imports_in(ast.parse(path.read_text("utf-8")), module_of(path))]


def test_the_walk_sees_the_house() -> None:
    assert {folder_of(module_of(path)) for path in FILES} == set(BELOW)
    assert any(found.imported.startswith("rasterio") for found in IMPORTS)


def circles() -> list[set[str]]:
    """Groups of modules that import each other, wherever in the code the import stands; imports for types aside."""
    modules = {module_of(path) for path in FILES}
    reaches: dict[str, set[str]] = {module: set() for module in modules}
    for found in IMPORTS:
        known = [name for name in (found.imported, found.imported.rpartition(".")[0]) if name in modules]
        if known and not found.typing_only and found.module != known[0]:
            reaches[found.module].add(known[0])
    for middle in modules:
        for module in modules:
            if middle in reaches[module]:
                reaches[module] |= reaches[middle]
    return [{module} | {other for other in reaches[module] if module in reaches[other]} for module in modules
            if module in reaches[module]]  # fmt: skip


def test_no_files_import_each_other() -> None:
    assert circles() == []


def broken(found: Import) -> bool:
    if found.module in ENTRANCES:
        return folder_of(found.imported) not in ENTRANCES[found.module] | {"base"}
    here, there = folder_of(found.module), folder_of(found.imported)
    if here == "cli" and there == "io":
        return not any(found.imported.startswith(allowed) for allowed in CLI_FROM_IO)
    return there not in BELOW[here] | {here, "base"}


def test_dependencies_point_one_way() -> None:
    ours = [found for found in IMPORTS if found.imported.split(".")[0] == "ursat"]
    assert [found.place for found in ours if broken(found)] == []


@pytest.mark.parametrize(
    ("module", "imported", "expected"),
    [
        ("ursat.io.scene", "ursat.harmonise.pair", True),
        ("ursat.models.stage", "ursat.run.options", True),
        ("ursat.run.pipeline", "ursat.cli.render", True),
        ("ursat.grid", "ursat.io.scene", True),
        ("ursat.cli.info", "ursat.io.raster", True),
        ("ursat.cli.info", "ursat.io.scene.open_scene", False),
        ("ursat.run.pipeline", "ursat.io.scene.open_scene", False),
        ("ursat.harmonise.fit", "ursat.fir.psf_taps", False),
    ],
)
def test_the_rule_itself(module: str, imported: str, expected: bool) -> None:
    assert broken(Import(module, imported, 1, typing_only=False)) is expected


@pytest.mark.parametrize("library", HOMES)
def test_libraries_stay_at_home(library: str) -> None:
    strays = [
        found.place
        for found in IMPORTS
        if found.imported.split(".")[0] == library
        and not found.typing_only
        and (
            folder_of(found.module) not in HOMES[library]
            or (library == "torch" and folder_of(found.module) == "base" and found.module not in TORCH_IN_BASE)
        )
    ]
    assert strays == []


def prints(path: Path) -> list[int]:
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    return [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]


def test_only_the_command_line_prints() -> None:
    library = [path for path in FILES if folder_of(module_of(path)) not in {"cli", "benchmark"}]
    assert {str(path.relative_to(SOURCE)): prints(path) for path in library if prints(path)} == {}


def test_files_stay_small() -> None:
    lengths = {str(path.relative_to(SOURCE)): len(path.read_text("utf-8").splitlines()) for path in FILES}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}
    assert statistics.median(lengths.values()) < MEDIAN
