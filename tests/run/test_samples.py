"""Where scenes are measured: fixed by the grids, inside the area, and bounded whatever the scene's size."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ursat.grid import Window
from ursat.run.samples import sample_windows

AREAS = st.builds(Window, st.integers(0, 50), st.integers(0, 50), st.integers(33, 20_000), st.integers(33, 20_000))


@given(AREAS, st.integers(0, 6).map(lambda level: 2**level))
def test_windows_are_few_and_inside(area: Window, factor: int) -> None:
    windows = sample_windows(area, factor)
    assert 1 <= len(windows) == len(set(windows)) <= 16
    assert all(area.contains(window) for window in windows)
    fine = sum(window.height * window.width for window in windows) * factor**2
    least = 4 * 32**2 * factor**2  # for a reference so fine that 32 input pixels are 2048 of its own
    assert fine <= max(2048**2, least)


def test_a_scene_of_any_size_is_measured_on_as_many_pixels() -> None:
    sums = [sum(w.height * w.width for w in sample_windows(Window(0, 0, side, side), 4)) for side in (2000, 20_000)]
    assert sums[0] == sums[1] == 16 * 128**2


def test_a_small_area_is_taken_whole() -> None:
    assert sample_windows(Window(3, 4, 384, 300), 4) == (Window(3, 4, 384, 300),)
    assert sample_windows(Window(3, 4, 385, 300), 4) != (Window(3, 4, 385, 300),)
