from dataclasses import replace

import numpy as np
import pytest
import rasterio
from made_places import place_image

from ursat.benchmark.degrade import degrade
from ursat.benchmark.observation import (
    RATIO,
    SHIFT,
    STRANGE,
    TRACKS,
    fits,
    make_observation,
    read_result,
    write_observation,
)
from ursat.benchmark.places import other_place

IMAGE = place_image(0, (98, 115))
OTHER = place_image(1, (60, 200), place="harbour")


def observe(track, degradation="sensor", scale=4, seed=0, image=IMAGE):
    return make_observation(image, scale, degradation, track, seed, other=OTHER if track in STRANGE else None)


@pytest.mark.parametrize("track", TRACKS)
def test_shapes_and_units(track):
    o = observe(track)
    assert o.gt.shape == (3, 96, 112)
    assert o.lr.shape == (3, 24, 28)
    assert o.gt.dtype == o.lr.dtype == np.uint16
    np.testing.assert_array_equal(o.gt, IMAGE.pixels[:, :96, :112].astype(int) * 40)
    if track == "noref":
        assert o.ref is None
    else:
        assert (o.ref.shape, o.ref.dtype) == ((3, 72, 84), np.uint16)


def test_same_arguments_same_observation_and_another_seed_another_noise():
    a, b, c = observe("ref-cast"), observe("ref-cast"), observe("ref-cast", seed=1)
    np.testing.assert_array_equal(a.lr, b.lr)
    np.testing.assert_array_equal(a.ref, b.ref)
    assert (a.lr != c.lr).mean() > 0.5


def test_all_tracks_share_the_input():
    inputs = [observe(track).lr for track in TRACKS]
    for lr in inputs[1:]:
        np.testing.assert_array_equal(lr, inputs[0])


def test_the_sensor_blurs_more_than_the_cubic_kernel():
    assert observe("ref").lr.astype(float).std() < observe("ref", "bicubic").lr.astype(float).std()


def test_noise_of_the_sensor_is_one_percent_and_the_reference_has_its_own():
    flat = place_image(0, (128, 128))
    flat.pixels[:] = 100
    o = observe("ref", image=flat)
    np.testing.assert_allclose(o.lr.astype(float).std(axis=(1, 2)), 40, rtol=0.12)
    np.testing.assert_allclose(o.ref.astype(float).std(axis=(1, 2)), 40, rtol=0.06)
    drawn_first = o.ref.ravel()[: o.lr.size]
    assert abs(np.corrcoef(o.lr.ravel(), drawn_first)[0, 1]) < 0.1  # one stream for both would give 1


def test_bicubic_has_no_noise():
    flat = place_image(0, (64, 64))
    flat.pixels[:] = 100
    assert np.all(make_observation(flat, 4, "bicubic", "ref").lr == 4000)


def test_shifted_reference_lies_down_and_left():
    plain, moved = observe("ref", "bicubic"), observe("ref-shift", "bicubic")
    a, b = (np.fft.rfft2(x[0].astype(float) - x[0].mean()) for x in (plain.ref, moved.ref))
    fy, fx = np.fft.fftfreq(72)[:, None], np.fft.rfftfreq(84)[None]
    low = (np.hypot(fy, fx) < 0.1) & (np.hypot(fy, fx) > 0)
    phase = np.angle(b * a.conj())[low]
    weight = np.abs(a * b)[low]
    design = -2 * np.pi * np.stack([np.broadcast_to(f, low.shape)[low] for f in (fy, fx)], axis=1)
    found = np.linalg.lstsq(design * weight[:, None], phase * weight, rcond=None)[0]
    np.testing.assert_allclose(found / RATIO, SHIFT, atol=0.03)


def test_cast_is_a_gain_and_an_offset_per_band():
    plain, cast = observe("ref", "bicubic"), observe("ref-cast", "bicubic")
    for p, c in zip(plain.ref, cast.ref, strict=True):
        gain, offset = np.polyfit(p.ravel().astype(float), c.ravel().astype(float), 1)
        assert 0.8 <= gain <= 1.25
        assert -201 <= offset <= 301
        assert np.abs(gain * p + offset - c).max() < 2


def test_wrong_reference_is_the_other_place():
    o = observe("ref-wrong", "bicubic")
    stranger = place_image(1, (60, 200), place="harbour")
    grown = np.pad(stranger.pixels, [(0, 0), (0, 36), (0, 0)], mode="symmetric")[:, :96, :112]
    np.testing.assert_allclose(o.ref, degrade(grown * 40.0, (72, 84), "bicubic"), atol=0.5)
    assert other_place(IMAGE, [IMAGE, OTHER]) is OTHER
    with pytest.raises(ValueError, match="every image given shows meadow"):
        other_place(IMAGE, [IMAGE, place_image(3)])


def test_what_is_not_in_the_protocol_is_refused():
    with pytest.raises(ValueError, match="no such cell"):
        observe("ref-foggy")
    with pytest.raises(ValueError, match="another place"):
        make_observation(IMAGE, 4, "sensor", "ref-wrong", other=place_image(7))
    with pytest.raises(ValueError, match="smaller than one input pixel"):
        make_observation(IMAGE, 128, "sensor", "noref")


def test_which_images_fit_which_scale():
    assert fits(place_image(0, (48, 64)), 4)
    assert not fits(place_image(0, (47, 64)), 4)
    assert not fits(place_image(0, (512, 512), large=True), 16)
    assert fits(place_image(0, (512, 512), large=True), 64)
    assert not fits(place_image(0, (511, 512), large=True), 64)


def test_files_carry_the_ground(tmp_path):
    o = observe("ref")
    lr, ref = write_observation(o, tmp_path / "a")
    assert (lr, ref) == (tmp_path / "a" / "lr.tif", tmp_path / "a" / "ref.tif")
    np.testing.assert_array_equal(read_result(lr), o.lr)
    np.testing.assert_array_equal(read_result(ref), o.ref)
    with rasterio.open(lr) as a, rasterio.open(ref) as b:
        assert a.crs == b.crs
        assert a.crs.is_projected
        assert a.transform.a == pytest.approx(2.0)
        assert a.bounds == pytest.approx(b.bounds)
        assert (a.width * 3, a.height * 3) == (b.width, b.height)
        assert a.nodata is None
        assert a.dtypes[0] == "uint16"
    assert write_observation(observe("noref"), tmp_path / "b")[1] is None


def test_a_changed_reference_shows_another_place_in_a_quarter_of_the_ground():
    plain, changed, wrong = (observe(track, "bicubic") for track in ("ref", "ref-changed", "ref-wrong"))
    np.testing.assert_array_equal(plain.lr, changed.lr)
    differs = (np.abs(plain.ref.astype(int) - changed.ref) > 1).any(axis=0)
    rows, columns = (np.flatnonzero(differs.any(axis=axis)) for axis in (1, 0))
    assert np.ptp(rows) + 1 == pytest.approx(36, abs=4)  # half of 72, and the kernel's reach
    assert np.ptp(columns) + 1 == pytest.approx(42, abs=4)
    middle = (slice(None), slice(rows[6], rows[-6]), slice(columns[6], columns[-6]))
    np.testing.assert_array_equal(changed.ref[middle], wrong.ref[middle])
    again = observe("ref-changed", "bicubic")
    np.testing.assert_array_equal(changed.ref, again.ref)
    assert (observe("ref-changed", "bicubic", seed=1).ref != changed.ref).any()


def test_the_papers_reference_is_one_and_a_half_times_the_input():
    o = make_observation(IMAGE, 2, "bicubic", "ref")
    assert (o.gt.shape, o.lr.shape, o.ref.shape) == ((3, 98, 114), (3, 49, 57), (3, 74, 86))
    assert make_observation(IMAGE, 4, "bicubic", "ref", ratio=1.5).ref.shape == (3, 36, 42)
    with pytest.raises(ValueError, match="no such cell"):
        make_observation(IMAGE, 2, "bicubic", "ref", ratio=3)


def test_sixteen_bits_are_reflectance_already(tmp_path):
    deep = replace(IMAGE, pixels=IMAGE.pixels.astype(np.uint16) * 40 + 7)
    o = make_observation(deep, 4, "bicubic", "noref")
    np.testing.assert_array_equal(o.gt, deep.pixels[:, :96, :112])
    written = write_observation(make_observation(IMAGE, 4, "bicubic", "ref", ratio=1.5), tmp_path)[1]
    with rasterio.open(written) as file:
        assert file.transform.a == pytest.approx(2.0 / 1.5)
