from dataclasses import replace

import numpy as np
import pytest
from made_places import place_image
from made_table import CELLS, NASTY, made_table

from ursat.benchmark.baselines import bicubic
from ursat.benchmark.encoding import EIGHT_BIT
from ursat.benchmark.observation import make_observation
from ursat.benchmark.report.panels import PanelKeeper, brightest, histogram, load_panels, window


def observed(pixels, scale=4):
    return make_observation(replace(place_image(), pixels=pixels), scale, "bicubic", "ref")


def test_the_window_is_where_the_image_varies_most_on_whole_input_pixels():
    pixels = np.full((3, 700, 600), 100, dtype=np.uint8)
    pixels[:, 410:530, 300:430] = np.random.default_rng(0).integers(0, 255, (3, 120, 130))
    for o in (observed(pixels), replace(observed(pixels), gt=None)):
        rows, columns = window(o)
        assert (rows.start % 4, columns.start % 4) == (0, 0)
        assert (rows.stop - rows.start, columns.stop - columns.start) == (256, 256)
        assert rows.start <= 412 < 528 <= rows.stop
        assert columns.start <= 304 < 428 <= columns.stop


def test_a_small_image_is_shown_whole():
    assert window(observed(place_image(0, (64, 72)).pixels)) == (slice(0, 64), slice(0, 72))


def test_what_is_kept_is_laid_out(tmp_path):
    panels = load_panels(tmp_path, made_table(PanelKeeper(tmp_path)))
    assert [panel.cell for panel in panels] == list(CELLS)
    assert [panel.image_id for panel in panels] == ["meadow/1", "harbour/2"] * 2
    last = panels[-1]
    assert list(last.answers) == [NASTY, "bicubic", "hpf"]  # bicubic was kept without the reference
    np.testing.assert_array_equal(last.answers[NASTY]["window"], last.scene["truth"])  # the perfect answer
    assert last.scene["lr"].shape == (3, 16, 20)
    assert last.scene["ref"].shape == (3, 48, 60)
    assert last.answers["bicubic"]["histogram"].sum() == 3 * 64 * 80
    assert last.psnr["bicubic"] < last.psnr[NASTY] == np.inf
    assert load_panels(tmp_path, made_table(), most=2)[1].cell == CELLS[3]


def test_only_the_images_asked_for_are_kept(tmp_path):
    table = made_table(PanelKeeper(tmp_path, frozenset({"harbour/2"})))
    assert {panel.image_id for panel in load_panels(tmp_path, table)} == {"harbour/2"}
    assert load_panels(tmp_path / "empty", table) == []


def test_without_truth_the_input_stands_for_the_whole_scene(tmp_path):
    keep = PanelKeeper(tmp_path)

    def blind(o, method, pixels):
        keep(replace(o, gt=None), method, pixels)

    panel = load_panels(tmp_path, made_table(blind))[0]
    assert "truth" not in panel.scene
    assert panel.scene["overview"].shape == (3, 36, 32)


def test_one_stretch_for_all_pictures_of_a_scene(tmp_path):
    o = observed(place_image(0, (64, 64)).pixels)
    PanelKeeper(tmp_path)(o, "brighter", bicubic(o) + 400)
    PanelKeeper(tmp_path)(o, "same", bicubic(o))
    held = [np.load(path)["window"] for path in tmp_path.glob("*.npz") if "window" in np.load(path)]
    low, high = np.percentile(o.gt, (0.5, 99.5))
    means = sorted(h.mean() for h in held)
    assert means[1] - means[0] == pytest.approx(400 * 255 / (high - low), rel=0.05)


def test_histogram_counts_every_pixel_in_steps_of_the_peak():
    image = np.zeros((4, 2, 3))
    image[1] = 10200
    image[2] = 40 * 128
    counts = histogram(image, 10200)
    assert counts.shape == (3, 64)
    assert [int(np.argmax(band)) for band in counts] == [0, 63, 32]
    assert np.all(counts.sum(axis=1) == 6)


def test_histograms_of_bright_reflectance_reach_its_brightest_pixel(tmp_path):
    snow = np.full((3, 64, 64), 9_000, dtype=np.uint16)
    snow[:, :32] = 14_000
    o = observed(snow)
    PanelKeeper(tmp_path)(o, "mine", o.gt)
    PanelKeeper(tmp_path)(o, "clipped", np.minimum(o.gt, 10_200))
    assert brightest(o) == 14_000
    (top,) = [np.load(path)["top"] for path in tmp_path.glob("*.npz") if "top" in np.load(path)]
    assert top == 14_000
    counts = [np.load(path)["histogram"][0] for path in tmp_path.glob("*.npz") if "window" in np.load(path)]
    assert sorted(int(np.flatnonzero(c)[-1]) for c in counts) == [46, 63]
    assert brightest(observed(place_image().pixels)) == EIGHT_BIT.peak
