"""Runs in shards for `fuzz_inputs.py` to damage: the plan, what workers have recorded, and what `ursat merge` reads.

A plan names its input by path and carries its own sha256; a damaged one is given the sha256 of what it says, more often
than not, so that its numbers are looked at and not its hash alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from random import Random

SIDE = 24
TELLING: tuple[Any, ...] = (
    0, -1, 1, 3, 2**31, 2**63, 10**30, 0.5, -1e308, 1e308, "nan", "inf", "", "x", "../../x", "/dev/null", None, True,
    [], {}, [0], [[0]], "uint8", "complex64", "EPSG:4326", "https://localhost/a.tif",
)  # fmt: skip
ALIKE = 0.7  # of the new values are of the old one's type
HASHED = 0.85


def make_run(folder: Path) -> None:
    """A finished run of nine shards over ``in.tif``."""
    from fuzz_kinds import write_tif

    from ursat import UpscaleOptions, upscale
    from ursat.run.shards.options import ShardOptions

    source = write_tif(folder / "in.tif", (2, SIDE, SIDE))
    upscale(
        str(source),
        UpscaleOptions(
            scale=8,
            output=f"{folder}/out/",
            model="fusion",
            psf="box",
            jobs=1,
            shards=ShardOptions(size=64, timeout=60.0),
        ),
    )


def make_plan(folder: Path) -> list[str]:
    """Two of its shards are left to be made."""
    make_run(folder)
    for path in sorted(folder.glob("out/shards/*/*.done"))[:2]:
        path.unlink()
    (folder / "out" / "out.vrt").unlink()
    return ["run-shard", "{in}/out/plan.json", "--shard", "0/1", "-j", "1"]


def make_manifest(folder: Path) -> list[str]:
    make_plan(folder)
    return ["status", "{in}/out"]


def make_merge(folder: Path) -> list[str]:
    make_run(folder)
    return ["merge", "{in}/out", "-o", "{out}"]


def mutate_plan(folder: Path, random: Random) -> None:
    """One to three values of the plan replaced, dropped or repeated; or its text damaged."""
    path = folder / "out" / "plan.json"
    body = _moved(path, folder)
    for _ in range(random.randint(1, 3)):
        _change(body, random)
    _write(path, body, random, hashed=random.random() < HASHED)


def mutate_manifest(folder: Path, random: Random) -> None:
    """Records, markers, locks and notes: numbers and pieces replaced, and what is none of these."""
    _write(folder / "out" / "plan.json", _moved(folder / "out" / "plan.json", folder), random, hashed=True)
    leases = folder / "out" / "leases"
    leases.mkdir(exist_ok=True)
    (leases / "r0000_c0000.lock").write_text('{"host":"elsewhere","worker":"w-1"}')
    (leases / "r0000_c0000.stalls").write_text("60.0\n60.0\n")
    found = [*folder.glob("out/manifest-*"), *folder.glob("out/shards/*/*.done"), *leases.iterdir()]
    _damage(random.choice(sorted(found)), random)


def mutate_merge(folder: Path, random: Random) -> None:
    """A shard, its marker or the plan."""
    plan = folder / "out" / "plan.json"
    _write(plan, _moved(plan, folder), random, hashed=True)
    if random.random() < 0.3:
        mutate_plan(folder, random)
    else:
        found = sorted([*folder.glob("out/shards/*/*.done"), *folder.glob("out/shards/*/*.tif")])
        _damage(random.choice(found), random)


def _moved(path: Path, folder: Path) -> dict[str, Any]:
    """The plan's body, once the run lies in another folder than where it was made."""
    text = path.read_text()
    made = re.search(r'"path":"([^"]*)/in\.tif"', text)
    body: dict[str, Any] = json.loads(text.replace(made[1], str(folder)) if made else text)["plan"]
    return body


def _write(path: Path, body: Any, random: Random, *, hashed: bool) -> None:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    sha256 = hashlib.sha256(text.encode()).hexdigest() if hashed else "0" * 64
    path.write_text(json.dumps({"plan": body, "sha256": sha256}, sort_keys=True, separators=(",", ":")) + "\n")
    if not hashed:
        _damage(path, random)


def _change(value: Any, random: Random) -> None:
    """One value somewhere inside."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = random.choice(keys)
        inner = value[key]
        if isinstance(inner, dict | list) and inner and random.random() < 0.85:
            value = inner
            continue
        how = random.randrange(10)
        if how == 0:
            del value[key]
        elif how == 1 and isinstance(value, list):
            value.insert(key, inner)
        else:
            alike = [new for new in TELLING if type(new) is type(inner)]
            value[key] = random.choice(alike if alike and random.random() < ALIKE else TELLING)
        return


def _damage(path: Path, random: Random) -> None:
    from fuzz_kinds import cut, flip

    data = bytearray(path.read_bytes())
    how = random.random()
    if how < 0.4:
        found = list(re.finditer(rb"[-+]?\d[\d.eE+-]*|null|true|\"[^\"]*\"", bytes(data)))
        if found:
            hit = random.choice(found)
            data[hit.start() : hit.end()] = json.dumps(random.choice(TELLING)).encode()
    elif how < 0.7:
        flip(data, random)
    else:
        cut(data, random)
    path.write_bytes(data)


RUNS: dict[str, tuple[Callable[[Path], list[str]], Callable[[Path, Random], None]]] = {
    "plan": (make_plan, mutate_plan),
    "manifest": (make_manifest, mutate_manifest),
    "merge": (make_merge, mutate_merge),
}
