"""Band pairing: by name, wavelength, position and intensity; bandpass direction; warnings."""

from __future__ import annotations

import pytest
from affine import Affine

from ursat.grid import Grid
from ursat.harmonise.bandpass import IDENTITY, inverse, msi_table
from ursat.harmonise.pairing import pair_bands
from ursat.types import Band, Encoding, SceneInfo

OLI = (("blue", 0.482), ("green", 0.561), ("red", 0.655), ("nir08", 0.865), ("swir16", 1.609))
MSI = (("blue", 0.492), ("green", 0.560), ("red", 0.665), ("nir", 0.833), ("nir08", 0.864))


def scene(bands, sensor="unknown", level=""):
    """A scene with (common name, wavelength) bands."""
    made = tuple(Band(i, name, None, wavelength, "test") for i, (name, wavelength) in enumerate(bands))
    n = len(made)
    encoding = Encoding("uint16", 0.0, (1e-4,) * n, (0.0,) * n, (None,) * n, (None,) * n, ("gray",) * n)
    grid = Grid(10, 10, Affine.scale(30, -30), "")
    return SceneInfo("x.tif", "GTiff", sensor, level, grid, 30.0, encoding, made, None, ())


def test_oli_pairs_with_msi_by_name_and_takes_band_8_for_the_near_infrared():
    pairing = pair_bands(scene(OLI, "landsat-8", "L2SP"), scene(MSI, "sentinel-2a", "L2A"))
    assert pairing.reference_band == (0, 1, 2, 3, None)
    assert pairing.bandpass[0] == (0.9778, -0.004)
    assert pairing.bandpass[3] == IDENTITY  # the HLS row is that of band 8A, not 8
    assert "no partner" in pairing.rules[4]
    assert pairing.warnings == ()


def test_band_8a_is_taken_where_it_is_all_there_is_with_its_bandpass():
    pairing = pair_bands(scene(OLI, "landsat-9", "L2SP"), scene((*MSI[:3], MSI[4]), "sentinel-2b", "L2A"))
    assert pairing.reference_band[3] == 3
    assert pairing.bandpass[3] == (0.9966, 0.0)


def test_the_opposite_direction_is_the_inverse_map():
    forward = pair_bands(scene(OLI, "landsat-8"), scene(MSI, "sentinel-2a")).bandpass
    back = pair_bands(scene(MSI, "sentinel-2a"), scene(OLI, "landsat-8")).bandpass
    for (slope, offset), (inverse_slope, inverse_offset) in zip(forward[:3], back[:3], strict=True):
        for value in (0.02, 0.3):
            assert inverse_slope * (slope * value + offset) + inverse_offset == pytest.approx(value)
    assert inverse(IDENTITY) == IDENTITY


def test_order_of_bands_does_not_matter():
    pairing = pair_bands(scene(OLI[:3]), scene(tuple(reversed(MSI[:3]))))
    assert pairing.reference_band == (2, 1, 0)
    assert set(pairing.bandpass) == {IDENTITY}  # unknown sensors


def test_wavelength_decides_where_names_are_missing():
    pairing = pair_bands(scene([(None, 0.56), (None, 0.70)]), scene([("green", 0.59), ("red", 0.665), (None, 0.90)]))
    assert pairing.reference_band == (0, 1)
    assert "30 nm" in pairing.rules[0]
    beyond = pair_bands(scene([(None, 0.75)]), scene([("red", 0.665), ("nir", 0.833)]))
    assert beyond.reference_band == (None,)


def test_position_only_where_a_side_has_no_names_and_the_counts_agree():
    nameless = [(None, None)] * 3
    by_position = pair_bands(scene(nameless), scene(nameless))
    assert by_position.reference_band == (0, 1, 2)
    assert all("position" in rule for rule in by_position.rules)
    assert pair_bands(scene(nameless), scene(nameless[:2])).reference_band == (None, None, None)
    half_named = pair_bands(scene(OLI[:3]), scene(nameless))
    assert half_named.reference_band == (0, 1, 2)
    assert any("by position" in warning for warning in half_named.warnings)
    unequal = pair_bands(scene(OLI[:3]), scene(nameless[:2]))
    assert any("no input band has a partner" in warning for warning in unequal.warnings)


def test_a_panchromatic_band_serves_every_band_without_a_partner():
    pairing = pair_bands(scene(OLI, "landsat-8"), scene([("pan", 0.59)], "sentinel-2a"))
    assert pairing.reference_band == (0,) * 5
    assert all("intensity" in pairing.rules[i] for i in (0, 2, 3, 4))
    assert set(pairing.bandpass) == {IDENTITY}


def test_sentinel_2c_borrows_the_rows_of_2a_and_says_so():
    assert msi_table("sentinel-2c").rows == msi_table("sentinel-2a").rows
    pairing = pair_bands(scene(OLI[:3], "landsat-8"), scene(MSI, "sentinel-2c"))
    assert pairing.bandpass[2] == (0.9765, 0.0009)
    assert any("sentinel-2c" in warning and "2A" in warning for warning in pairing.warnings)


@pytest.mark.parametrize(
    ("mine", "theirs", "warned"),
    [("L2SP", "L1C", True), ("L1TP", "L2A", True), ("L2SP", "L2A", False), ("L1TP", "L1C", False), ("", "L1C", False)],
)
def test_mixing_top_of_atmosphere_and_surface_reflectance_is_warned_of(mine, theirs, warned):
    pairing = pair_bands(scene(OLI, "landsat-8", mine), scene(MSI, "sentinel-2a", theirs))
    assert any("reflectance" in warning for warning in pairing.warnings) == warned
