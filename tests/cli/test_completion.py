"""Shell completion, asked as bash asks."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli_fakes import Outcome

    Cli = Callable[..., Outcome]


@pytest.mark.parametrize(
    ("words", "count", "expected"),
    [
        (
            "ursat ",
            1,
            {
                "upscale",
                "plan",
                "info",
                "coreg",
                "verify",
                "models",
                "train",
                "benchmark",
                "run-shard",
                "status",
                "merge",
            },
        ),
        ("ursat up", 1, {"upscale"}),
        ("ursat upscale --max-m", 2, {"--max-memory"}),
        ("ursat upscale in.tif --closure e", 4, {"exact"}),
        ("ursat models ", 2, {"list", "info", "verify"}),
    ],
)
def test_words(cli: Cli, monkeypatch: pytest.MonkeyPatch, words: str, count: int, expected: set[str]) -> None:
    monkeypatch.setenv("_URSAT_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(count))
    outcome = cli()
    assert (outcome.code, set(outcome.out.split()), outcome.err) == (0, expected, "")


def test_the_script_for_bash_is_printed_by_the_program_itself() -> None:
    code = "import sys; sys.argv = ['ursat']; from ursat.__main__ import main; main()"
    env = os.environ | {"_URSAT_COMPLETE": "source_bash"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True, timeout=60)
    assert "complete -o default -F _ursat_completion ursat" in done.stdout
