"""The batch jobs of docs/large-scenes.md, as they are written there, on a small scene and a stand-in for Slurm."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import made
import pytest

from ursat.run.shards.places import Places

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "large-scenes.md"
# Runs the tasks of a job one after the other, in an order that Slurm may well take
SBATCH = r"""
sbatch() {
    local last=$(sed -n 's/^#SBATCH --array=0-//p' "$1") task
    export SLURM_ARRAY_TASK_COUNT=$((last + 1))
    export SLURM_CPUS_PER_TASK=$(sed -n 's/.*--cpus-per-task=\([0-9]*\).*/\1/p' "$1")
    for task in $(seq "$last" -1 0); do SLURM_ARRAY_TASK_ID=$task bash -eu "$1" || return; done
}
"""
TASKS = 3


def blocks() -> list[str]:
    """The shell blocks of the section about job arrays."""
    section = PAGE.read_text("utf-8").split("## Slurm and other job arrays")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


@pytest.mark.slow
def test_a_plan_and_an_array_of_jobs_make_what_one_run_makes(tmp_path: Path) -> None:
    plan, job = (text.replace("/shared/out", str(tmp_path / "out")) for text in blocks())
    job = re.sub(r"--array=0-\d+", f"--array=0-{TASKS - 1}", job)
    (tmp_path / "job.sh").write_text(job)
    (tmp_path / "scene.tif").symlink_to(ROOT / "sample_data" / "landsat8.tif")
    (tmp_path / "s2.tif").symlink_to(ROOT / "sample_data" / "sentinel2.tif")
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "URSAT_SHARD_SIZE": "512",
        "URSAT_MODEL": "fusion",
        "URSAT_WINDOW": "40,40,40,40",
    }

    def shell(script: str) -> str:
        return subprocess.run(
            ["bash", "-eu", "-c", script], cwd=tmp_path, env=environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    assert shell(plan).strip() == str(tmp_path / "out" / "plan.json")
    shell(f"{SBATCH}\nsbatch job.sh")
    together = made.files(Places(tmp_path / "out"))
    assert len(list((tmp_path / "out").glob("manifest-*.jsonl"))) == TASKS
    (tmp_path / "alone").mkdir()
    shell(plan.split(" -o ")[0] + " -o alone/out.tif")
    assert made.files(Places(tmp_path / "alone" / "out.shards")) == together
    assert len(together) == 9 + 1  # and the index
