"""What the light paths load: `import ursat`, `--help` and completion stay clear of the heavy libraries."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

HEAVY = {"torch", "rasterio", "scipy", "skimage", "pyproj", "shapely", "odc", "numpy", "pywt"}


def loaded_by(code: str, **extra: str) -> set[str]:
    """Top-level names of all modules that ``code`` loads, from the interpreter's own list."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("URSAT_")} | extra
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code],
        env=env,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rsplit("|", 1)[1].strip().split(".")[0] for line in lines}


CALL = "import sys; from ursat.cli.app import run; sys.exit(run({argv}))"


@pytest.mark.parametrize(
    ("code", "extra"),
    [
        ("import ursat", {}),
        ("import ursat; ursat.__version__; ursat.UrsatError", {}),
        (CALL.format(argv=["--help"]), {}),
        (CALL.format(argv=["upscale", "--help"]), {}),
        (CALL.format(argv=["--version"]), {}),
        (CALL.format(argv=[]), {"_URSAT_COMPLETE": "complete_bash", "COMP_WORDS": "ursat up", "COMP_CWORD": "1"}),
    ],
)
def test_light(code: str, extra: dict[str, str]) -> None:
    if code.endswith("[]))"):
        code = "import sys; sys.argv = ['ursat']; from ursat.__main__ import main; main()"
    loaded = loaded_by(code, **extra)
    assert "ursat" in loaded
    assert loaded & HEAVY == set()


def test_the_probe_sees_a_heavy_import() -> None:
    assert "numpy" in loaded_by("import ursat.types")


def test_openmp_is_set_before_torch_can_be_loaded() -> None:
    code = "import os, ursat.__main__; print(os.environ['OMP_WAIT_POLICY'], os.environ['GOMP_SPINCOUNT'])"
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "KMP_"))}
    for given, expected in (({}, "PASSIVE 0"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE 0")):
        done = subprocess.run([sys.executable, "-c", code], env=env | given, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected
