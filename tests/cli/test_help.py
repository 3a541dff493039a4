"""Help texts reach the terminal as they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ursat.cli.app import declared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cli_fakes import Outcome

    Cli = Callable[..., Outcome]


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


ALL = dict(commands(declared()))


def words(text: str) -> str:
    """Without frames, columns and line ends."""
    return "".join(sign for sign in text if not sign.isspace() and sign not in "│╭╮╰╯─")


@pytest.mark.parametrize("path", ALL, ids=lambda path: " ".join(path) or "ursat")
def test_every_help_text_is_shown_whole(cli: Cli, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...]) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("TERMINAL_WIDTH", "400")
    outcome = cli(*path, "--help")
    assert outcome.code == 0
    shown = words(outcome.out)
    texts = [ALL[path].help, *(parameter.help for parameter in ALL[path].params)]
    assert [text for text in texts if text and words(text) not in shown] == []


def test_brackets_are_no_markup(cli: Cli) -> None:
    texts = [parameter.help or "" for command in ALL.values() for parameter in command.params]
    assert any("ursat[bench]" in text for text in texts)
    assert "ursat[bench]" in words(cli("benchmark", "--help").out)


def test_a_paragraph_has_no_lines_of_its_own(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("TERMINAL_WIDTH", "400")
    lines = [line.strip() for line in cli("benchmark", "--help").out.splitlines()]
    (paragraph,) = [line for line in lines if line.startswith("Known images are degraded")]
    assert paragraph.endswith("the same command goes on from there.")
