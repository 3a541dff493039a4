"""Damaged inputs, thousands of them: none may crash ursat, hang it, or leave an output that was refused.

    python scripts/fuzz_inputs.py [--count 5000] [--first 0] [--kinds tiff,mtl-txt] [--seed 0] [--keep FOLDER]

Each case runs the command line inside a worker process with bounded memory; a worker that dies, computes for more than
ten seconds or stands still is replaced. What is refused must be refused in one line with an exit code of its own, and
must leave no file. Ends with 1 when a case broke that.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import select
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from fuzz_kinds import KINDS

SECONDS = 10.0  # of the processor's time: a loaded machine says nothing about the input
STANDSTILL = 120  # looks, a second apart, at a process that waits: a read that never ends takes no processor time
MEMORY = 6 << 30
PARTIAL = 6
CODES = {0, 2, 3, 4, 5, PARTIAL, 7}


class Worker:
    """A process that runs cases one after the other."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(self, case: dict[str, Any]) -> dict[str, Any]:
        """What became of the case: ``{"code", "err", "out"}``, or ``{"died"}`` in words."""
        if self._process is None:
            command = [sys.executable, __file__, "--worker"]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(case) + "\n")
        process.stdin.flush()
        (_, spent), still = _at_work(process.pid), 0
        while not select.select([process.stdout], [], [], 1.0)[0]:
            waits, now = _at_work(process.pid)
            still = still + 1 if waits else 0
            if now - spent > SECONDS or still > STANDSTILL:
                self.close()
                return {"died": "it hangs"}
        line = process.stdout.readline()
        if line:
            return dict(json.loads(line))
        self._process = None
        return {"died": f"the process ended with {process.wait()}"}

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _at_work(pid: int) -> tuple[bool, float]:
    """Whether a process and its children wait for something other than a core, and their user and system time.

    proc(5): stat, with the children that it has waited for, and task/*/children.
    """
    waits, seconds = True, 0.0
    for number in (pid, *_children(pid)):
        try:
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        waits = waits and fields[0] != "R"
        seconds += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")  # those waited for as well
    return waits, seconds


def _children(pid: int) -> list[int]:
    try:
        return [int(n) for path in Path(f"/proc/{pid}/task").glob("*/children") for n in path.read_text().split()]
    except OSError:
        return []


def serve() -> None:
    """The worker's side: cases from stdin, answers to stdout; the command's own streams go to files."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    answers = os.fdopen(os.dup(1), "w")
    from ursat.cli.app import run

    with tempfile.TemporaryDirectory(prefix="ursat-fuzz-") as folder:
        streams = [Path(folder, name) for name in ("out", "err")]
        for line in sys.stdin:
            case = json.loads(line)
            for number, path in enumerate(streams, start=1):
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
                os.dup2(descriptor, number)
                os.close(descriptor)
            os.chdir(case["folder"])
            code = run(case["argv"])
            sys.stdout.flush()
            sys.stderr.flush()
            out, err = (path.read_text(errors="replace") for path in streams)
            answers.write(json.dumps({"code": code, "out": out[-2000:], "err": err[-4000:]}) + "\n")
            answers.flush()


def judge(answer: dict[str, Any], left: list[str]) -> str | None:
    """What is wrong with an answer; None where nothing is. ``left``: files in the folder for outputs."""
    if "died" in answer:
        return str(answer["died"])
    code, lines = answer["code"], [line for line in answer["err"].splitlines() if line.strip()]
    if code not in CODES:
        return f"exit code {code}: {' | '.join(lines)[-300:]}"
    if code == 0:
        return None
    errors = [line for line in lines if line.startswith("ursat: error: ")]
    if len(errors) != 1 or not all(line.startswith(("ursat: ", "  hint: ")) for line in lines):
        return f"not one line of error with exit code {code}: {' | '.join(lines)[-300:]}"
    # a run that ends with 6 keeps what it has finished
    return f"refused with {code}, but left {left}" if left and code != PARTIAL else None


def fuzz(
    count: int, kinds: list[str], seed: int, keep: Path | None = None, first: int = 0
) -> tuple[Counter[str], list[str]]:
    """Run ``count`` cases from number ``first`` on, the kinds in turn.

    Returns:
        How many ended with each exit code, by kind; and what was wrong, one line a case.
    """
    codes: Counter[str] = Counter()
    wrong: list[str] = []
    worker = Worker()
    with tempfile.TemporaryDirectory(prefix="ursat-fuzz-") as top:
        sound: dict[str, list[str]] = {}
        for name in kinds:
            pristine = Path(top, name)
            pristine.mkdir()
            sound[name] = KINDS[name].make(pristine)
        for number in range(first, first + count):
            name = kinds[number % len(kinds)]
            folder, results = Path(top, "case"), Path(top, "results")
            shutil.copytree(Path(top, name), folder)
            results.mkdir()
            more = KINDS[name].mutate(folder, Random(f"{seed}/{name}/{number}")) or []
            places = {"{in}": str(folder), "{out}": str(results / "o.tif")}
            given = [a.replace("{in}", places["{in}"]).replace("{out}", places["{out}"]) for a in sound[name] + more]
            before = sorted(folder.rglob("*"))
            answer = worker.run({"argv": given, "folder": str(results)})
            left = [p.name for p in results.iterdir()] + [p.name for p in folder.rglob("*") if p not in before]
            problem = judge(answer, left)
            codes[f"{name} {answer.get('code', 'died')}"] += 1
            if problem:
                wrong.append(f"{name} {seed}/{name}/{number} {more}: {problem}")
                if keep is not None:
                    shutil.copytree(folder, keep / f"{name}-{seed}-{number}", dirs_exist_ok=True)
            shutil.rmtree(folder)
            shutil.rmtree(results)
    worker.close()
    return codes, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--first", type=int, default=0, help="number of the first case: 5000 may be run in parts")
    parser.add_argument("--kinds", default=",".join(KINDS), help="of " + ", ".join(KINDS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the inputs of cases that went wrong")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        serve()
        return 0
    codes, wrong = fuzz(arguments.count, arguments.kinds.split(","), arguments.seed, arguments.keep, arguments.first)
    for key in sorted(codes):
        print(f"{key:12} {codes[key]:6}")
    for line in wrong:
        print("WRONG", line)
    print(f"{arguments.count} cases, {len(wrong)} wrong")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
