"""Shell completion, asked as bash asks."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def complete(words: str, count: int) -> list[str]:
    env = os.environ | {"_URSAT_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(count)}
    code = "import sys; sys.argv = ['ursat']; from ursat.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True, timeout=30)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "count", "expected"),
    [
        ("ursat ", 1, {"upscale", "plan", "info", "coreg", "verify", "models"}),
        ("ursat up", 1, {"upscale"}),
        ("ursat upscale --max-m", 2, {"--max-memory"}),
        ("ursat upscale in.tif --closure e", 4, {"exact"}),
        ("ursat models ", 2, {"list"}),
    ],
)
def test_bash(words: str, count: int, expected: set[str]) -> None:
    assert set(complete(words, count)) == expected


def test_the_script_for_bash_is_printed() -> None:
    env = os.environ | {"_URSAT_COMPLETE": "source_bash"}
    code = "import sys; sys.argv = ['ursat']; from ursat.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True, timeout=30)
    assert "complete -o default -F _ursat_completion ursat" in done.stdout
