import os
import sys
import time

import numpy as np
import pytest
from made_places import place_image

from ursat.benchmark.baselines import nearest
from ursat.benchmark.evaluate import run
from ursat.benchmark.external import parse_external
from ursat.benchmark.observation import make_observation
from ursat.benchmark.scores import Cell
from ursat.errors import InputError, UrsatError, UsageError

IMAGE = place_image(0, (48, 64))
ENLARGE = """
import sys
import numpy as np, rasterio
lr, ref, out, scale = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
with rasterio.open(lr) as file:
    x = file.read()
if ref:
    with rasterio.open(ref) as file:
        assert file.width == 3 * x.shape[2]
x = x.repeat(scale, 1).repeat(scale, 2)
with rasterio.open(out, "w", driver="GTiff", count=3, height=x.shape[1], width=x.shape[2], dtype=x.dtype) as file:
    file.write(x)
"""


def program(tmp_path, text, name="enlarge.py"):
    path = tmp_path / name
    path.write_text(text)
    return f"{sys.executable} '{path}' {{lr}} {{ref}} {{out}} {{scale}}"


@pytest.mark.parametrize("track", ["noref", "ref"])
def test_a_program_answers_through_files(tmp_path, track):
    method = parse_external(program(tmp_path, ENLARGE))
    o = make_observation(IMAGE, 4, "bicubic", track)
    np.testing.assert_array_equal(method(o), nearest(o))
    assert method.label.startswith("enlarge.py@")


def test_the_label_changes_with_the_program(tmp_path):
    first = parse_external(program(tmp_path, ENLARGE)).label
    assert parse_external(program(tmp_path, ENLARGE)).label == first
    assert parse_external(program(tmp_path, ENLARGE + "# better\n")).label != first


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("import sys; sys.exit('no model here')", UrsatError, "ended with 1: no model here"),
        ("", InputError, "wrote no {out}"),
        (ENLARGE.replace("int(sys.argv[4])", "2 * int(sys.argv[4])"), InputError, "instead of"),
        (
            ENLARGE.split("with rasterio.open(out", maxsplit=1)[0] + "open(out, 'w').write('text')",
            InputError,
            "cannot be read",
        ),
    ],
)
def test_failures_say_what_happened(tmp_path, text, error, said):
    with pytest.raises(error, match=said.replace("{", r"\{")):
        parse_external(program(tmp_path, text))(make_observation(IMAGE, 4, "bicubic", "noref"))


def test_a_failure_is_a_score_with_a_note(tmp_path):
    method = parse_external(program(tmp_path, "raise SystemExit('out of luck')"))
    table = run({"theirs": method}, [Cell(4, "bicubic", "noref")], [IMAGE])
    assert [score.note.split(": ", 1)[1] for score in table.failures] == ["enlarge.py ended with 1: out of luck"]


def test_a_slow_program_is_ended_with_its_children(tmp_path):
    pid = tmp_path / "pid"
    text = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(pid)!r}, 'w').write(str(child.pid))\ntime.sleep(600)\n"
    )
    method = parse_external(program(tmp_path, text), timeout_s=20.0)
    with pytest.raises(UrsatError, match="took longer than 20 s"):
        method(make_observation(IMAGE, 4, "bicubic", "noref"))
    for _ in range(100):  # the child is gone once its new parent has collected it
        try:
            os.kill(int(pid.read_text()), 0)
        except ProcessLookupError:
            return
        with open(f"/proc/{pid.read_text()}/stat") as file:  # noqa: PTH123
            if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                return
        time.sleep(0.1)
    pytest.fail("the child is still there")


@pytest.mark.parametrize(
    ("text", "said"),
    [("mine {lr}", r"no \{out\}"), ("mine", r"no \{lr\} and no \{out\}"), ("mine '{lr} {out}", "read")],
)
def test_commands_that_cannot_work_are_refused(text, said):
    with pytest.raises(UsageError, match=said):
        parse_external(text)


def test_a_program_that_is_not_there():
    with pytest.raises(InputError, match="cannot be started"):
        parse_external("/nowhere/mine {lr} {out}")(make_observation(IMAGE, 4, "bicubic", "noref"))
