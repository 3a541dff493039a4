"""JPEG 2000 in a process of its own: the same pixels, and an end to every call."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window as RasterioWindow
from reading import noise, write_tif

from ursat.errors import InputError, LimitError
from ursat.grid import Window
from ursat.io import isolated
from ursat.io.raster import open_raster
from ursat.io.scene import open_scene

JP2 = {"driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES"}
SPIN = "while True: pass"
HERE = Path("given.jp2")


@pytest.fixture
def image(tmp_path):
    return write_tif(tmp_path / "a.jp2", noise((2, 90, 70)), **JP2)


def pid() -> int:
    assert isolated._process is not None
    return isolated._process._child.pid


def test_a_call_without_end_is_ended_and_the_next_one_works(monkeypatch):
    monkeypatch.setattr(isolated, "SECONDS", 1)
    with pytest.raises(InputError, match=r"^given\.jp2: damaged, .* no end") as caught:
        isolated.call(HERE, exec, SPIN)
    assert caught.value.hint
    assert np.array_equal(isolated.call(HERE, np.arange, 5), np.arange(5))


def test_a_damaged_file_on_which_openjpeg_computes_without_end(tmp_path, image, monkeypatch):
    monkeypatch.setattr(isolated, "SECONDS", 1)
    data = bytearray(image.read_bytes())
    data[data.find(b"colr") - 1] = 0  # the length of the box of colours: up to the end of the file
    damaged = tmp_path / "b.jp2"
    damaged.write_bytes(data)
    with pytest.raises(InputError, match="no end"):
        open_scene(str(damaged))
    with open_scene(str(image)) as scene:
        assert scene.read(scene.grid.window).valid.all()


def test_a_decoder_that_breaks_its_process():
    with pytest.raises(InputError, match=f"has ended with -{signal.SIGABRT}"):
        isolated.call(HERE, os.abort)
    assert isolated.call(HERE, np.ones, 1) is not None


def test_a_process_that_has_gone_is_started_again(image):
    with open_scene(str(image)) as scene:
        before = scene.read(scene.grid.window).values
        os.kill(pid(), signal.SIGKILL)
        assert np.array_equal(scene.read(scene.grid.window).values, before)


def test_errors_of_the_function_come_through():
    with pytest.raises(RuntimeError, match="division by zero"):
        isolated.call(HERE, exec, "1 / 0")
    first = pid()
    isolated.call(HERE, np.ones, 1)
    assert pid() == first


def test_an_interrupted_call_leaves_no_answer_behind(monkeypatch):
    def interrupted(_number, _frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupted)
    signal.setitimer(signal.ITIMER_REAL, 1)
    try:
        with pytest.raises(KeyboardInterrupt):
            isolated.call(HERE, exec, SPIN)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not isolated.running()
    assert np.array_equal(isolated.call(HERE, np.arange, 3), np.arange(3))


def test_a_fork_starts_its_own():
    isolated.call(HERE, np.ones, 1)
    ours = pid()
    child = os.fork()
    if child == 0:
        ended = 1
        try:
            isolated.call(HERE, np.ones, 1)
            ended = int(pid() == ours)
        finally:
            os._exit(ended)
    assert os.waitpid(child, 0)[1] == 0
    isolated.call(HERE, np.ones, 1)
    assert pid() == ours


def test_the_same_pixels_as_without(image):
    window = RasterioWindow(5, 7, 40, 30)
    with open_raster(image) as found, rasterio.open(image) as expected:
        assert found.driver == expected.driver
        assert np.array_equal(found.read(), expected.read())
        assert np.array_equal(found.read([2, 1], window=window), expected.read([2, 1], window=window))
        assert np.array_equal(found.read_masks(1), expected.read_masks(1))


def test_the_same_pixels_on_another_grid(tmp_path, image):
    with rasterio.open(image) as file:
        same = write_tif(tmp_path / "a.tif", file.read())
        mask = write_tif(tmp_path / "mask.tif", (file.read(1) % 7 == 0).astype("uint8"))
        veil = write_tif(tmp_path / "mask.jp2", (file.read(1) % 7 == 0).astype("uint8"), **JP2)
    encoded = write_tif(tmp_path / "b.jp2", rasterio.open(same).read(), **JP2)
    with (
        open_scene(str(same), mask=str(mask)) as tiff,
        open_scene(str(encoded), mask=str(veil)) as jpeg,
        tiff.warp(tiff.grid.finer(3)) as expected,
        jpeg.warp(jpeg.grid.finer(3)) as found,
    ):
        for window in (expected.grid.window, Window(10, 20, 64, 33)):
            ours, theirs = found.read(window), expected.read(window)
            assert np.array_equal(ours.values, theirs.values)
            assert np.array_equal(ours.valid, theirs.valid)


def test_any_name_will_do(tmp_path):
    odd = tmp_path / "zip+file:a b?c&d#e!f%g.jp2"
    write_tif(tmp_path / "a.jp2", noise((1, 20, 20)), **JP2).rename(odd)
    with open_scene(str(odd)) as scene, scene.warp(scene.grid.finer(2)) as warped:
        assert scene.read(scene.grid.window).valid.all()
        assert warped.read(warped.grid.window).valid.all()


def test_threads_may_share_it(image):
    with open_scene(str(image)) as scene:
        windows = [Window(row, col, 20, 30) for row in range(0, 60, 7) for col in range(0, 40, 9)]
        expected = [scene.read(window).values for window in windows]
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda window: scene.read(window).values, windows))
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_a_path_that_names_another_file_now(image):
    with open_scene(str(image)) as scene:
        first = scene.read(scene.grid.window).values
    write_tif(image, noise((2, 90, 70), seed=5), **JP2)
    with open_scene(str(image)) as scene:
        assert not np.array_equal(scene.read(scene.grid.window).values, first)


def test_where_no_process_may_be_started(monkeypatch):
    def refused(*_arguments, **_options):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    isolated._end()
    monkeypatch.setattr(subprocess, "Popen", refused)
    with pytest.raises(LimitError, match="cannot be started"):
        isolated.call(HERE, np.ones, 1)


def test_nothing_is_imported_from_the_folder_of_the_images(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("open('imported', 'w')")
    monkeypatch.chdir(tmp_path)
    isolated._end()
    assert isolated.call(HERE, np.ones, 1) is not None
    assert not Path("imported").exists()


PARENT = """
import sys, threading
from pathlib import Path
from ursat.io import isolated
isolated.SECONDS = 1
isolated.call(Path("a"), int)
print(isolated._process._child.pid, flush=True)
if sys.argv[1] == "busy":
    isolated.call(Path("a"), exec, "while True: pass")
sys.stdin.read()
"""


@pytest.mark.parametrize("at", ["idle", "busy"])
def test_it_ends_with_its_parent_however_that_dies(at):
    parent = subprocess.Popen([sys.executable, "-c", PARENT, at], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdin is not None
    assert parent.stdout is not None
    decoder = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    until = time.monotonic() + 60
    while _alive(decoder) and time.monotonic() < until:
        time.sleep(0.1)
    assert not _alive(decoder)
    parent.stdin.close()
    parent.stdout.close()


def _alive(number: int) -> bool:
    """Whether there is such a process; one that has ended and that nobody has waited for counts as none."""
    try:
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(number)], capture_output=True, text=True, check=True)
    except subprocess.CalledProcessError:
        return False
    return not state.stdout.startswith("Z")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is told by Linux's /proc")
def test_its_memory_is_what_runs_count_for_it(tmp_path):
    side = 3072
    path = write_tif(tmp_path / "a.jp2", noise((1, side, side)), **JP2, BLOCKXSIZE="1024", BLOCKYSIZE="1024")
    isolated._end()
    with open_scene(str(path)) as scene, scene.warp(scene.grid.finer(2)) as warped:
        for window in scene.grid.window.blocks(2048, 2048):
            scene.read(window)
        for window in warped.grid.window.blocks(2048, 2048):
            warped.read(window)
        status = Path(f"/proc/{pid()}/status").read_text()
    peak = next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM"))
    assert peak <= isolated.RESIDENT
