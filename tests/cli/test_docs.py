"""The documents keep up with the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ursat.cli.app import build

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "docs" / "guide.md",
    ROOT / "docs" / "large-scenes.md",
    ROOT / "docs" / "benchmark.md",
    ROOT / "SECURITY.md",
]


def known_options() -> set[str]:
    found = {"--help", "--version", "--install-completion", "--show-completion"}
    for command in build().commands.values():
        for child in [command, *getattr(command, "commands", {}).values()]:
            found |= {name for parameter in child.params for name in parameter.opts}
    return found


def ours(text: str) -> str:
    """The page without lines that show other programs' options."""
    others = ("gdal ", "reproject", "make ", "pip install", "git clone", "python -m", "dask worker", "#SBATCH")
    return "\n".join(line for line in text.splitlines() if not any(word in line for word in others))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_that_is_written_about_exists(page: Path) -> None:
    mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", ours(page.read_text("utf-8"))))
    assert mentioned - known_options() == set()
    assert mentioned


def test_every_command_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert [name for name in build().commands if f"ursat {name}" not in text] == []


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


@pytest.mark.parametrize("page", [*PAGES, ROOT / "sample_data" / "README.md"], ids=lambda page: str(page.name))
def test_links_to_files_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_versions_agree() -> None:
    from ursat import __version__

    assert f"version: {__version__}" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"## {__version__}" in (ROOT / "CHANGES.md").read_text("utf-8")


def test_make_help_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    phony = set(re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)[0].split())
    described = set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))
    assert described == phony
