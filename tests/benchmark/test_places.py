import csv
import io
import tarfile

import numpy as np
import pytest
from made_places import place_image
from PIL import Image

from ursat.benchmark.places import data_root, load_places
from ursat.errors import InputError, UsageError


def webp(pixels):
    stream = io.BytesIO()
    Image.fromarray(np.moveaxis(pixels, 0, -1)).save(stream, "WEBP", lossless=True)
    return stream.getvalue()


@pytest.fixture
def pack(tmp_path):
    """Two packs of three places with one training tile among them, and one large image."""
    tiles = {
        "train": [("hill", 3, "val"), ("hill", 4, "train")],
        "train-mid": [("dune", 5, "val"), ("dune", 6, "val"), ("port", 7, "val")],
    }
    for folder, rows in tiles.items():
        (tmp_path / folder).mkdir()
        with tarfile.open(tmp_path / folder / "part-00.tar", "w") as tar:
            for place, seed, _ in rows:
                data = webp(place_image(seed, (40, 48)).pixels)
                info = tarfile.TarInfo(f"{place}/0050cm/{seed}.webp")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        with (tmp_path / folder / "tiles.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["part", "member", "place", "split", "gsd_m"])
            writer.writerows(["part-00.tar", f"{p}/0050cm/{s}.webp", p, split, 0.5] for p, s, split in rows)
    (tmp_path / "val-large").mkdir()
    (tmp_path / "val-large" / "moor_0010cm.webp").write_bytes(webp(place_image(9, (64, 64)).pixels))
    return tmp_path


def test_only_validation_tiles_are_loaded(pack):
    images = load_places(pack)
    assert [i.image_id for i in images] == [
        "train-mid/dune/0050cm/5",
        "train-mid/dune/0050cm/6",
        "train-mid/port/0050cm/7",
        "train/hill/0050cm/3",
        "val-large/moor_0010cm",
    ]
    assert [i.place for i in images] == ["dune", "dune", "port", "hill", "moor"]
    assert [i.large for i in images] == [False] * 4 + [True]
    assert images[-1].gsd_m == 0.1
    np.testing.assert_array_equal(images[0].pixels, place_image(5, (40, 48)).pixels)
    assert load_places(pack)[0].pixels is images[0].pixels


def test_limit_deals_to_the_places_in_turn(pack):
    assert {i.place for i in load_places(pack, limit=3)} == {"dune", "port", "hill", "moor"}
    assert len(load_places(pack, limit=99)) == 5


def test_training_tiles_on_request(pack):
    assert [i.image_id for i in load_places(pack, split="train")] == ["train/hill/0050cm/4"]


def test_the_folder_is_named_or_comes_from_the_environment(pack, monkeypatch, tmp_path_factory):
    monkeypatch.delenv("URSAT_DATA", raising=False)
    with pytest.raises(UsageError, match="no data folder"):
        data_root()
    monkeypatch.setenv("URSAT_DATA", str(pack))
    assert data_root() == pack
    with pytest.raises(InputError, match=r"neither train/tiles\.csv"):
        data_root(tmp_path_factory.mktemp("empty"))
