"""Full disks, killed writers, twins: whatever stands under the final name is complete."""

from __future__ import annotations

import os
import signal
import time

import pytest
from writing import child, encoding, grid, noise, write

from full_disk import largest_file
from ursat.errors import LimitError
from ursat.io.part_files import PartFiles, sweep_stale

SIZE = 1024


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """What an undisturbed run writes, as bytes."""
    out = tmp_path_factory.mktemp("complete") / "out.tif"
    return write(out, noise((3, SIZE, SIZE)), encoding(), grid(SIZE, SIZE)).read_bytes()


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("missing", [0.9999, 0.5, 0.21, 0.19, 0.1, 0.001])
def test_a_full_disk_leaves_nothing(tmp_path, complete, missing):
    """Cut the working file (four fifths as long as the COG of these pixels), then the COG at different places."""
    with (
        largest_file(int((1 - missing) * len(complete))),
        pytest.raises(LimitError, match="file-size limit") as caught,
    ):
        write(tmp_path / "out.tif", noise((3, SIZE, SIZE)), encoding(), grid(SIZE, SIZE))
    assert caught.value.exit_code == 7
    assert names(tmp_path) == []


@pytest.mark.parametrize("missing", [1, 100, 1000])
def test_the_last_bytes_count(tmp_path, complete, missing):
    """GDAL closes such files without a word."""
    with largest_file(len(complete) - missing), pytest.raises(LimitError):
        write(tmp_path / "out.tif", noise((3, SIZE, SIZE)), encoding(), grid(SIZE, SIZE), threads=2)
    assert names(tmp_path) == []


def test_a_disk_that_is_just_large_enough(tmp_path, complete):
    with largest_file(len(complete)):
        out = write(tmp_path / "out.tif", noise((3, SIZE, SIZE)), encoding(), grid(SIZE, SIZE))
    assert out.read_bytes() == complete


def test_a_failed_overwrite_keeps_the_old_file(tmp_path, complete):
    out = tmp_path / "out.tif"
    out.write_text("old")
    with largest_file(len(complete) - 5000), pytest.raises(LimitError):
        write(out, noise((3, SIZE, SIZE)), encoding(), grid(SIZE, SIZE), overwrite=True)
    assert (names(tmp_path), out.read_text()) == (["out.tif"], "old")


def wait_for(process, mark):
    while (said := process.stdout.readline().strip()) != mark:
        assert said == "writing", process.poll()
        process.stdin.write("go on\n")
        process.stdin.flush()


def end(process):
    process.communicate("go on\n", timeout=120)
    assert process.returncode == 0


@pytest.mark.parametrize(("mark", "delay"), [("writing", 0), ("finishing", 0.05), ("finishing", 0.2)])
def test_kill_9_leaves_no_plausible_file_and_the_next_run_cleans_up(tmp_path, complete, mark, delay):
    out = tmp_path / "out.tif"
    process = child(out, SIZE)
    wait_for(process, mark)
    time.sleep(delay)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    if out.exists():
        assert out.read_bytes() == complete
    else:
        assert names(tmp_path) != []  # something is left to sweep: the kill came in the middle
    again = child(out, SIZE)
    end(again)
    assert out.read_bytes() == complete
    assert names(tmp_path) == ["out.tif"]


def test_a_running_twin_is_left_alone(tmp_path, complete):
    """Two writers of one output at once: both end well, the sweeping one does not touch the other's files."""
    out = tmp_path / "out.tif"
    twin = child(out, SIZE)
    wait_for(twin, "writing")
    sweep_stale(out)
    other = child(out, SIZE)
    end(other)
    assert out.read_bytes() == complete
    assert twin.poll() is None
    end(twin)
    assert out.read_bytes() == complete
    assert names(tmp_path) == ["out.tif"]


def test_only_files_of_the_same_output_are_swept(tmp_path):
    foreign = [
        ".out.tif.part.tif",
        ".out.tif.0123456789abcdef.work.part.tif",
        ".out.tif.xyz.part.lock",
        ".other.tif.0123456789abcdef.part.lock",
        "out.tif.0123456789abcdef.part.lock",
    ]
    for name in foreign:
        (tmp_path / name).touch()
    stale = [".out.tif.fedcba9876543210.part.lock", ".out.tif.fedcba9876543210.cog.part.tif.ovr.tmp"]
    for name in stale:
        (tmp_path / name).touch()
    sweep_stale(tmp_path / "out.tif")
    assert names(tmp_path) == sorted(foreign)


def test_very_long_names_fit(tmp_path):
    out = write(tmp_path / ("n" * 251 + ".tif"), noise((3, 60, 70)), encoding(), grid(60, 70))
    assert names(tmp_path) == [out.name]


def test_parts_carry_the_outputs_name_and_go_on_close(tmp_path):
    parts = PartFiles(tmp_path / "out.tif")
    parts.path("cog").write_text("x")
    assert all(name.startswith(".out.tif.") for name in names(tmp_path))
    assert len(names(tmp_path)) == 2
    parts.close()
    parts.close()
    assert names(tmp_path) == []
