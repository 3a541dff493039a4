"""A run in shards: the same pixels, whoever makes them, in whatever order; resumed, refused, begun anew."""

from __future__ import annotations

import random
import shutil
from contextlib import ExitStack
from dataclasses import fields
from typing import TYPE_CHECKING

import made
import numpy as np
import pytest
import rasterio
import rasterio.warp

from ursat.errors import InputError, LimitError, OutputExistsError, PartialError, UsageError
from ursat.grid import Window
from ursat.run.job import decide
from ursat.run.prepare import prepare
from ursat.run.shards import index, resume
from ursat.run.shards.done import read_done
from ursat.run.shards.merge import merge
from ursat.run.shards.options import ShardOptions
from ursat.run.shards.places import Places, run_folder
from ursat.run.shards.plan import read_plan
from ursat.run.shards.session import open_session
from ursat.run.shards.sharded import plan_in_shards, run_part
from ursat.run.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Undisturbed


def test_the_folder_holds_what_it_should(undisturbed: Undisturbed) -> None:
    places = undisturbed.places
    plan = read_plan(places)
    assert (len(plan.shards), plan.empty) == (made.SHARDS, made.EMPTY)
    assert {path.name for path in places.folder.iterdir() if not path.name.startswith("manifest-")} == {
        "plan.json", "out.vrt", "out.json", "shards", "leases",
    }  # fmt: skip
    assert list(places.leases.iterdir()) == []
    assert all(read_done(places, shard, plan.sha256) is not None for shard in plan.shards)


def test_merged_shards_are_the_one_file_byte_for_byte(undisturbed: Undisturbed, tmp_path: Path) -> None:
    merged = merge(undisturbed.places, tmp_path / "merged.tif")
    assert merged.read_bytes() == undisturbed.one.read_bytes()


def test_the_mosaic_shows_the_same_image(undisturbed: Undisturbed) -> None:
    with rasterio.open(undisturbed.one) as one, rasterio.open(undisturbed.places.vrt) as mosaic:
        np.testing.assert_array_equal(mosaic.read(), one.read())
        for name in ("transform", "crs", "nodata", "dtypes", "scales", "offsets", "descriptions", "colorinterp"):
            assert getattr(mosaic, name) == getattr(one, name), name
        assert mosaic.overviews(1) == [2]


def test_very_many_shards_get_a_tile_index(
    undisturbed: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "FROM_SHARDS", made.SHARDS - 1)
    places = _copy(undisturbed, tmp_path)
    made.run(undisturbed.source, tmp_path / "out.tif")
    with rasterio.open(undisturbed.one) as one, rasterio.open(places.gti) as tiles:
        np.testing.assert_array_equal(tiles.read(), one.read())
        for name in ("transform", "crs", "nodata", "dtypes", "scales", "offsets"):
            assert getattr(tiles, name) == getattr(one, name), name
        assert tiles.overviews(1) == [2]


def test_the_stac_item_lies_where_the_scene_lies(undisturbed: Undisturbed) -> None:
    pystac = pytest.importorskip("pystac", reason="pip install 'ursat[stac]'")
    item = pystac.Item.from_file(str(undisturbed.places.item))
    with rasterio.open(undisturbed.one) as one:
        expected = rasterio.warp.transform_bounds(one.crs, "OGC:CRS84", *one.bounds)
        assert item.properties["proj:shape"] == list(one.shape)
        assert item.properties["proj:transform"] == list(one.transform)[:6]
    assert item.bbox == pytest.approx(expected, abs=1e-6)
    assert (item.properties["proj:code"], item.datetime.isoformat()) == ("EPSG:32649", "2021-08-12T00:00:00+00:00")
    assert {name: asset.href for name, asset in item.assets.items()} == {"data": "out.vrt", "plan": "plan.json"}


@pytest.mark.parametrize("closure", ["auto", "exact"])
def test_every_shard_is_an_output_that_verifies(undisturbed: Undisturbed, tmp_path: Path, closure: str) -> None:
    if closure == "exact":
        made.run(undisturbed.source, tmp_path / "out.tif", closure="exact")
        places = Places(tmp_path / "out.shards")
    else:
        places = undisturbed.places
    for shard in read_plan(places).shards[2:5]:
        report = verify(str(places.shard(shard)), str(undisturbed.source))
        assert report.ok, [check for check in report.checks if not check.ok]


def test_exact_closure_and_a_polygon_merge_to_the_one_file_too(undisturbed: Undisturbed, tmp_path: Path) -> None:
    area = tmp_path / "area.geojson"
    with rasterio.open(undisturbed.source) as dataset:
        left, bottom, right, top = dataset.bounds
    start = [left + 100, bottom + 50]
    corners = [start, [right - 30, bottom + 200], [right - 150, top - 20], start]
    area.write_text(
        '{"type": "Polygon", "crs": {"type": "name", "properties": {"name": "EPSG:32649"}}, '
        f'"coordinates": [{corners}]}}'
    )
    more = {"aoi": str(area), "closure": "exact", "psf": "mtf=0.3"}
    one = made.one_file(undisturbed.source, tmp_path / "one.tif", **more)
    made.run(undisturbed.source, tmp_path / "out.tif", **more)
    merged = merge(Places(tmp_path / "out.shards"), tmp_path / "merged.tif")
    assert merged.read_bytes() == one.read_bytes()


def test_parts_in_shuffled_order_make_the_same_bytes(undisturbed: Undisturbed, tmp_path: Path) -> None:
    plan = plan_in_shards(str(undisturbed.source), made.options(tmp_path / "out.tif"))
    order = list(range(5))
    random.Random(7).shuffle(order)
    complete = [run_part(str(plan), part=part, parts=5)[1] for part in order]
    assert complete == [False] * 4 + [True]
    assert made.files(Places(plan.parent)) == undisturbed.files


def test_a_worker_takes_every_measurement_from_the_plan(undisturbed: Undisturbed, tmp_path: Path) -> None:
    reference = undisturbed.one  # finer, and of the same ground
    plan = plan_in_shards(str(undisturbed.source), made.options(tmp_path / "out.tif", ref=str(reference)))
    places = Places(plan.parent)
    planned = read_plan(places)
    with ExitStack() as stack:
        job = decide(str(undisturbed.source), planned.options, stack)
        measured = prepare(job.scene, job.scale, planned.options, stack)
        session = open_session(places, planned, planned.options, stack)
        assert measured.reference is not None
        for field in fields(measured):
            if field.name != "warped":
                assert getattr(session.prepared, field.name) == getattr(measured, field.name), field.name
        window = Window(20, 30, 40, 50)
        np.testing.assert_array_equal(session.prepared.warped.read(window).values, measured.warped.read(window).values)


def test_a_resumed_run_makes_only_what_is_missing(
    undisturbed: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = _copy(undisturbed, tmp_path)
    plan = read_plan(places)
    gone, short, unmarked = plan.shards[1], plan.shards[4], plan.shards[6]
    places.shard(gone).unlink()
    places.shard(short).write_bytes(places.shard(short).read_bytes()[:-1])
    places.done(unmarked).unlink()
    places.vrt.unlink()
    before = {shard: places.shard(shard).stat().st_mtime_ns for shard in plan.shards if shard != gone}
    monkeypatch.setattr(resume, "prepare", lambda *_: pytest.fail("a resumed run measures nothing again"))
    made.run(undisturbed.source, tmp_path / "out.tif")
    assert made.files(places) == undisturbed.files
    touched = {shard for shard, time in before.items() if places.shard(shard).stat().st_mtime_ns != time}
    assert touched == {short, unmarked}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 1}, "--seed was 0, now it is 1"),
        ({"closure": "off"}, "--closure was auto, now it is off"),
        ({"window": (0, 0, 16, 16)}, "the region"),
        ({"shards": ShardOptions(size=128)}, "--shard-size"),
        ({"creation_options": (("COMPRESS", "LZW"),)}, "--creation-options"),
    ],
)
def test_another_run_is_refused_by_name(
    undisturbed: Undisturbed, tmp_path: Path, change: dict[str, object], named: str
) -> None:
    places = _copy(undisturbed, tmp_path)
    with pytest.raises(UsageError, match="holds another run") as caught:
        made.run(undisturbed.source, tmp_path / "out.tif", **change)
    assert named in caught.value.message
    assert made.files(places) == undisturbed.files


def test_a_changed_input_is_refused_and_then_begun_anew(undisturbed: Undisturbed, tmp_path: Path) -> None:
    places = _copy(undisturbed, tmp_path)
    other = made.scene(tmp_path / "in.tif", seed=5)
    with pytest.raises(UsageError, match="the input's content"):
        made.run(other, tmp_path / "out.tif")
    made.run(other, tmp_path / "out.tif", overwrite=True)
    merged = merge(places, tmp_path / "merged.tif")
    assert merged.read_bytes() == made.one_file(other, tmp_path / "one.tif").read_bytes()


def test_a_worker_refuses_an_input_that_has_changed_since(undisturbed: Undisturbed, tmp_path: Path) -> None:
    source = tmp_path / "in.tif"
    shutil.copy(undisturbed.source, source)
    plan = plan_in_shards(str(source), made.options(tmp_path / "out.tif"))
    made.scene(source, seed=5)
    with pytest.raises(InputError, match="sha256 differs"):
        run_part(str(plan), part=0, parts=1)


def test_a_foreign_folder_is_left_alone(undisturbed: Undisturbed, tmp_path: Path) -> None:
    folder = tmp_path / "out.shards"
    folder.mkdir()
    (folder / "thesis.doc").write_text("precious")
    for overwrite in (False, True):
        with pytest.raises(OutputExistsError, match=r"thesis\.doc"):
            made.run(undisturbed.source, tmp_path / "out.tif", overwrite=overwrite)
    assert [path.name for path in folder.iterdir()] == ["thesis.doc"]


def test_no_resume_refuses_what_is_there(undisturbed: Undisturbed, tmp_path: Path) -> None:
    _copy(undisturbed, tmp_path)
    with pytest.raises(OutputExistsError, match="holds this run already"):
        made.run(undisturbed.source, tmp_path / "out.tif", shards=ShardOptions(size=made.SHARD, resume=False))


def test_a_failed_shard_does_not_stop_the_others(
    undisturbed: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A NaN from the model is an error that names the tile; nothing of that shard is written."""
    from ursat.run.cascade import Cascade

    render = Cascade.render

    def spoilt(self: Cascade, window: object) -> object:
        done = render(self, window)
        if done is not None and (window.row, window.col) == (64, 128):
            done.values[1, 3, 4] = float("nan")
        return done

    monkeypatch.setattr(Cascade, "render", spoilt)
    with pytest.raises(PartialError, match=r"r0001_c0002: the model made nan in band 2 of the tile at rows 64 to"):
        made.run(undisturbed.source, tmp_path / "out.tif")
    places = Places(tmp_path / "out.shards")
    assert undisturbed.files.keys() - made.files(places).keys() == {"shards/r0001/c0002.tif", "out.vrt"}
    monkeypatch.setattr(Cascade, "render", render)
    made.run(undisturbed.source, tmp_path / "out.tif")
    assert made.files(places) == undisturbed.files


def test_merge_refuses_what_is_unfinished_or_damaged(undisturbed: Undisturbed, tmp_path: Path) -> None:
    places = _copy(undisturbed, tmp_path)
    shard = read_plan(places).shards[3]
    path = places.shard(shard)
    spoilt = bytearray(path.read_bytes())
    spoilt[len(spoilt) // 2] ^= 1
    path.write_bytes(spoilt)
    with pytest.raises(InputError, match="damaged"):
        merge(places, tmp_path / "merged.tif")
    path.unlink()
    with pytest.raises(PartialError, match="1 of 8 shards"):
        merge(places, tmp_path / "merged.tif")
    with pytest.raises(LimitError, match="max-pixels"):
        merge(places, tmp_path / "merged.tif", max_pixels=100)
    assert not (tmp_path / "merged.tif").exists()


def test_only_one_of_two_plans_made_at_once_counts(
    undisturbed: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slower(*args: object) -> object:
        """Somebody else plans the same run, and makes it, while this one still measures."""
        monkeypatch.setattr(resume, "prepare", prepare)
        made.run(undisturbed.source, tmp_path / "out.tif")
        return prepare(*args)

    monkeypatch.setattr(resume, "prepare", slower)
    made.run(undisturbed.source, tmp_path / "out.tif")
    assert made.files(Places(tmp_path / "out.shards")) == undisturbed.files


def test_a_folder_without_a_plan_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no plan\.json"):
        run_folder(str(tmp_path))


def _copy(undisturbed: Undisturbed, folder: Path) -> Places:
    """The finished run, under the same name elsewhere."""
    shutil.copytree(undisturbed.places.folder, folder / "out.shards")
    return Places(folder / "out.shards")
