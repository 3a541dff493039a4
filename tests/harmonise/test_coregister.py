"""Co-registration: shifts found to hundredths of a pixel, or said to be unreliable; never confidently wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import rasterio
from pair_scenes import cut_truth, make_pair, power_law, synthetic_truth, with_masks
from scipy.ndimage import affine_transform, spline_filter

from ursat.errors import UsageError
from ursat.grid import Window
from ursat.harmonise.coregister import coregister
from ursat.harmonise.pair import PairWindow

SAMPLE = Path(__file__).parents[2] / "sample_data"
RGB = (0, 1, 2)


@cache
def sample(name):
    with rasterio.open(SAMPLE / name) as source:
        return source.read().astype(np.float64) / 1e4, source.transform


def truth_of(texture, size, rng):
    return synthetic_truth(size, 3, rng) if texture == "power law" else cut_truth(sample("sentinel2.tif")[0], size, rng)


def find(pair, *, max_shift_px=2.0, mode="auto", pairing=RGB):
    return coregister(pair.read, pairing, mode=mode, max_shift_px=max_shift_px)


def error(found, pair):
    return float(np.hypot(found.drow - pair.shift_px[0], found.dcol - pair.shift_px[1]))


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 8])
def test_zero_shift_is_zero_whatever_the_factor(factor):
    rng = np.random.default_rng(5)
    pair = make_pair(synthetic_truth(48, 3, rng), 48, (0.0, 0.0), rng, factor=factor)
    found = find(pair)
    assert found.reliable, found.reason
    assert abs(found.drow) < 0.005
    assert abs(found.dcol) < 0.005


def test_the_answer_is_what_to_add_to_the_references_position():
    """One bright pixel at (12, 20) of the input, at (11, 21.5) of the reference: move it by (+1, -1.5)."""
    lr = np.zeros((1, 32, 32), np.float32)
    rng = np.random.default_rng(0)
    fine = 2

    def dots(rows, cols):
        image = np.zeros((1, 32 * fine, 32 * fine), np.float32)
        for r, c in zip(rows, cols, strict=True):
            image[:, int(r * fine) : int((r + 1) * fine), int(c * fine) : int((c + 1) * fine)] += 1
        return image

    rows, cols = rng.integers(4, 28, 40), rng.integers(4, 28, 40)
    rows[0], cols[0] = 12, 20
    lr = dots(rows, cols).reshape(1, 32, fine, 32, fine).mean((2, 4))
    stored = dots(rows - 1, cols + 1.5)
    valid = np.ones(lr.shape, bool)

    def read(drow, dcol):
        offset = (-drow * fine, -dcol * fine)
        moved = affine_transform(stored[0], [1.0, 1.0], offset, order=3, mode="nearest")[None]
        return [PairWindow(Window(0, 0, 32, 32), lr, valid, moved.astype(np.float32), np.ones(moved.shape, bool), fine)]

    found = coregister(read, (0,), mode="global", max_shift_px=3.0)
    assert found.reliable, found.reason
    assert found.drow == pytest.approx(1.0, abs=0.02)
    assert found.dcol == pytest.approx(-1.5, abs=0.02)


@pytest.mark.parametrize(("texture", "length_m"), [("power law", 0.1), ("sentinel2.tif", 10.0), ("power law", 40.0)])
def test_clear_scenes_are_found_to_hundredths(texture, length_m):
    rng = np.random.default_rng([len(texture), int(10 * length_m)])
    angle = rng.uniform(0, 2 * np.pi)
    shift_m = (length_m * np.cos(angle), length_m * np.sin(angle))
    pair = make_pair(truth_of(texture, 128, rng), 128, shift_m, rng, snr_db=35, ref_snr_db=35, factor=3)
    found = find(pair)
    assert found.reliable, found.reason
    assert error(found, pair) < 0.02
    assert found.residual_px < 0.05


HARD = {
    "cast": {"cast": True},
    "changed": {"changed": 0.2},
    "cloud": {"cloud": 0.3},
    "all at once": {"cloud": 0.3, "changed": 0.15, "cast": True, "snr_db": 30.0, "ref_snr_db": 30.0},
}


@pytest.mark.parametrize("condition", list(HARD))
def test_clouds_changes_and_casts_are_found_or_reported(condition):
    answered = 0
    for trial, texture in enumerate(("power law", "sentinel2.tif")):
        rng = np.random.default_rng([trial, len(condition)])
        shift_m = rng.uniform(-28, 28, 2)
        pair = make_pair(truth_of(texture, 64, rng), 64, tuple(shift_m), rng, factor=3, **HARD[condition])
        found = find(pair)
        answered += found.reliable
        assert not found.reliable or error(found, pair) < 0.1, found
    assert answered >= 1


@pytest.mark.parametrize("size", [12, 16])
def test_tiny_inputs_are_registered_when_the_evidence_allows(size):
    found_well = 0
    for trial in range(4):
        rng = np.random.default_rng([trial, size])
        pair = make_pair(truth_of("power law", size, rng), size, (18.0, -12.0), rng, margin=0, factor=8)
        found = find(pair)
        found_well += found.reliable and error(found, pair) < 0.02
        assert not found.reliable or error(found, pair) < 0.1
    assert found_well >= 3


@pytest.mark.parametrize("size", [12, 16, 32])
def test_unrelated_places_are_never_reliable(size):
    for trial in range(3):
        rng = np.random.default_rng([trial, size, 7])
        here = make_pair(synthetic_truth(size, 3, rng), size, (0.0, 0.0), rng)
        there = make_pair(
            truth_of("sentinel2.tif", size, rng), size, (0.0, 0.0), rng, cloud=0.3 * (trial % 2), factor=3
        )
        found = find(replace(there, lr=here.lr))
        assert not found.reliable, found
        assert found.reliability < 0.5


def test_cloud_everywhere_and_noise_are_unreliable():
    rng = np.random.default_rng(3)
    pair = make_pair(synthetic_truth(48, 3, rng), 48, (5.0, 5.0), rng, factor=3)
    covered = power_law(pair.ref.shape[-2:], 1.8, rng)[None].repeat(3, 0).astype(np.float32)
    assert not find(replace(pair, ref=covered)).reliable
    noise = rng.standard_normal(pair.ref.shape).astype(np.float32)
    assert not find(replace(pair, ref=noise)).reliable


def test_repetitive_and_one_dimensional_textures_are_unreliable():
    n = (48 + 8) * 6
    y, x = np.mgrid[:n, :n]
    waves = 0.2 + 0.05 * np.stack([np.sin(2 * np.pi * x / 18) * np.sin(2 * np.pi * y / 18)] * 3)
    rng = np.random.default_rng(1)
    columns = 0.2 + 0.05 * np.stack([power_law((1, n), 1.0, rng).repeat(n, 0)] * 3)
    for truth in (waves, columns):
        found = find(make_pair(truth, 48, (40.0, -20.0), rng))
        assert not found.reliable, found


def test_a_shift_beyond_the_limit_is_unreliable_and_named():
    rng = np.random.default_rng(2)
    pair = make_pair(synthetic_truth(48, 3, rng), 48, (75.0, -20.0), rng)
    found = find(pair, max_shift_px=1.0)
    assert not found.reliable
    wider = find(pair, max_shift_px=4.0)
    assert wider.reliable
    assert error(wider, pair) < 0.02
    near = find(make_pair(synthetic_truth(48, 3, rng), 48, (66.0, 0.0), rng), max_shift_px=2.0)
    assert not near.reliable
    assert "beyond the limit" in near.reason


def test_masks_are_obeyed():
    rng = np.random.default_rng(6)
    pair = make_pair(synthetic_truth(48, 3, rng), 48, (10.0, -20.0), rng)
    lr, ref = pair.lr.copy(), pair.ref.copy()
    lr_valid, ref_valid = pair.lr_valid.copy(), pair.ref_valid.copy()
    lr[:, 10:30, 20:40], lr_valid[:, 10:30, 20:40] = -9999, False
    ref[0, :, :60], ref_valid[0, :, :60] = 1e4, False
    found = find(with_masks(replace(pair, lr=lr, ref=ref), lr_valid, ref_valid))
    assert found.reliable, found.reason
    assert error(found, pair) < 0.02
    nothing = find(with_masks(pair, np.zeros_like(lr_valid), ref_valid))
    assert not nothing.reliable
    assert "valid in both" in nothing.reason


def test_one_reference_band_serves_all_input_bands_and_unpaired_bands_are_left_out():
    rng = np.random.default_rng(7)
    pair = make_pair(synthetic_truth(64, 3, rng), 64, (10.0, -20.0), rng)
    pan = find(pair, pairing=(1, 1, 1))
    assert pan.reliable, pan.reason
    assert error(pan, pair) < 0.03
    one = find(pair, pairing=(None, 1, None))
    assert one.reliable
    assert error(one, pair) < 0.02
    none = find(pair, pairing=(None, None, None))
    assert not none.reliable


def test_a_negative_contrast_aligns_too():
    rng = np.random.default_rng(8)
    pair = make_pair(synthetic_truth(48, 3, rng), 48, (10.0, -20.0), rng)
    found = find(replace(pair, ref=1 - pair.ref))
    assert found.reliable, found.reason
    assert error(found, pair) < 0.02


def test_several_windows_give_one_shift_and_slivers_do_no_harm():
    rng = np.random.default_rng(9)
    pair = make_pair(synthetic_truth(64, 3, rng), 64, (12.0, 7.0), rng)

    def read(drow, dcol):
        (whole,) = pair.read(drow, dcol)
        f, out = whole.factor, []
        for r, c, h, w in ((0, 0, 32, 32), (0, 32, 32, 32), (32, 0, 32, 32), (32, 32, 32, 28), (32, 60, 32, 4)):
            rows, cols = slice(r, r + h), slice(c, c + w)
            fine_rows, fine_cols = slice(r * f, (r + h) * f), slice(c * f, (c + w) * f)
            out.append(
                PairWindow(
                    Window(r, c, h, w),
                    whole.lr[:, rows, cols],
                    whole.lr_valid[:, rows, cols],
                    whole.ref[:, fine_rows, fine_cols],
                    whole.ref_valid[:, fine_rows, fine_cols],
                    f,
                )
            )
        return out

    found = coregister(read, RGB, mode="auto", max_shift_px=2.0)
    assert found.reliable, found.reason
    assert error(found, pair) < 0.02
    assert found.windows >= 16


def test_a_flat_scene_is_unreliable_without_numerical_noise():
    flat = np.full((1, 24, 24), 0.2, np.float32)
    ref = np.full((1, 96, 96), 0.2, np.float32)

    def read(drow, dcol):
        return [PairWindow(Window(0, 0, 24, 24), flat, flat > 0, ref, ref > 0, 4)]

    found = coregister(read, (0,), mode="auto", max_shift_px=2.0)
    assert not found.reliable
    assert "no texture" in found.reason
    json.dumps(found.to_json(), allow_nan=False)


def test_off_reads_nothing():
    def read(drow, dcol):
        raise AssertionError

    found = coregister(read, RGB, mode="off", max_shift_px=2.0)
    assert (found.drow, found.dcol, found.reliable, found.reason) == (0.0, 0.0, True, "off")


@pytest.mark.parametrize(("mode", "limit"), [("best", 2.0), ("auto", -1.0), ("auto", float("nan"))])
def test_senseless_options_are_usage_errors(mode, limit):
    with pytest.raises(UsageError):
        coregister(lambda drow, dcol: [], RGB, mode=mode, max_shift_px=limit)


def test_the_sample_pair_lies_twenty_metres_off():
    """Landsat's content is about 20 m too far north in map coordinates; a cloud is in Sentinel-2 only."""
    lr, here = sample("landsat8.tif")
    ref, there = sample("sentinel2.tif")
    lr = lr.astype(np.float32)
    splines = [spline_filter(band) for band in ref]
    f, n = 4, 120

    def reader(rows, cols):
        def read(drow, dcol):
            start = []
            for axis, first, d in ((0, rows.start, drow), (1, cols.start, dcol)):
                origin = (there.f - here.f) if axis == 0 else (here.c - there.c)
                start.append(((first + 0.5 / f - d) * 40 + origin) / 10 - 0.5)
            shape = ((rows.stop - rows.start) * f, (cols.stop - cols.start) * f)
            options = {"offset": start, "output_shape": shape, "order": 3, "prefilter": False, "cval": np.nan}
            values = np.stack([affine_transform(s, [4 / f] * 2, **options) for s in splines]).astype(np.float32)
            valid = np.isfinite(values)
            window = Window(rows.start, cols.start, rows.stop - rows.start, cols.stop - cols.start)
            part = lr[:, rows, cols]
            return [PairWindow(window, part, part > 0, np.where(valid, values, 0), valid, f)]

        return read

    whole = coregister(reader(slice(0, n), slice(0, n)), RGB, mode="auto", max_shift_px=1.5)
    assert whole.reliable, whole.reason
    assert whole.drow * -40 == pytest.approx(20.0, abs=1.0)  # metres north
    assert whole.dcol * 40 == pytest.approx(1.9, abs=1.0)  # metres east
    assert whole.residual_px < 0.02
    for rows, cols in ((slice(0, 60), slice(60, 120)), (slice(60, 120), slice(0, 60))):
        part = coregister(reader(rows, cols), RGB, mode="auto", max_shift_px=1.5)
        assert part.reliable, part.reason
        assert np.hypot(part.drow - whole.drow, part.dcol - whole.dcol) < 0.03
    mirrored = np.ascontiguousarray(lr[:, ::-1])
    lr[:] = mirrored
    assert not coregister(reader(slice(0, 60), slice(0, 60)), RGB, mode="auto", max_shift_px=1.5).reliable
