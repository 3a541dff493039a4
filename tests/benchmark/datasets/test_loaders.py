import numpy as np
import pytest
from made_places import texture
from PIL import Image

from ursat.benchmark.datasets import dior
from ursat.benchmark.datasets.dataset import Request, draw
from ursat.benchmark.datasets.registry import DATASETS, load_dataset
from ursat.benchmark.images import Preparation
from ursat.errors import InputError, UsageError


def picture(path, shape=(60, 80), seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    field = np.clip(120 + 30 * texture(shape, np.random.default_rng(seed)), 0, 255).astype(np.uint8)
    Image.fromarray(np.stack([field] * 3, axis=-1)).save(path)
    return path


def test_aid_is_a_fifth_of_its_classes_always_the_same(tmp_path):
    for name in ("Airport", "Beach"):
        for k in range(1, 11):
            picture(tmp_path / "AID" / name / f"{name.lower()}_{k}.jpg", seed=k)
    found = load_dataset("aid", Request(tmp_path))
    assert len(found.images) == 4
    assert [i.image_id for i in found.images] == [i.image_id for i in load_dataset("aid", Request(tmp_path)).images]
    assert all(i.image_id.split("/")[0] in {"Airport", "Beach"} for i in found.images)
    assert len({i.place for i in found.images}) == 4
    assert "4 of 20 images" in found.split


def test_dota_takes_pixel_sizes_from_its_annotations(tmp_path):
    for name in ("P0001", "P0002", "P0003"):
        picture(tmp_path / "val" / "images" / f"{name}.png")
    labels = tmp_path / "val" / "labelTxt"
    labels.mkdir()
    (labels / "P0001.txt").write_text("imagesource:GoogleEarth\ngsd:0.146343590398\n2753 2408 1 0 plane 0\n")
    (labels / "P0002.txt").write_text("imagesource:GoogleEarth\ngsd:null\n")
    sizes = {i.image_id: i.gsd_m for i in load_dataset("dota", Request(tmp_path)).images}
    assert sizes == {"P0001": pytest.approx(0.1463, abs=1e-4), "P0002": 0.3, "P0003": 0.3}


@pytest.mark.parametrize("labels", ["labelTxt-v1.0", "labelTxt-v1.0/labelTxt", "labelTxt-v1.5"])
def test_dota_as_its_archives_unpack(tmp_path, labels):
    for part, name in (("train", "P0001"), ("val", "P0003")):
        picture(tmp_path / "DOTA" / part / "images" / f"{name}.png")
        folder = tmp_path / "DOTA" / part / labels
        folder.mkdir(parents=True)
        (folder / f"{name}.txt").write_text("imagesource:GoogleEarth\ngsd:0.5\n")
    found = load_dataset("dota", Request(tmp_path)).images
    assert {i.image_id: i.gsd_m for i in found} == {"P0001": 0.5, "P0003": 0.5}


@pytest.mark.parametrize("inside", ["JPEGImages-test", "JPEGImages-test/JPEGImages-test", "DIOR/JPEGImages-test"])
def test_dior_as_its_archives_unpack(tmp_path, inside):
    picture(tmp_path / inside / "11726.jpg", (32, 32))
    picture(tmp_path / inside.replace("test", "trainval") / "00001.jpg", (32, 32))
    assert [i.image_id for i in load_dataset("dior", Request(tmp_path)).images] == ["11726"]


def test_a_part_of_a_set_says_so(tmp_path):
    for k in range(3):
        picture(tmp_path / f"{k}.png")
    assert load_dataset("folder", Request(tmp_path), 2).split == "2 of 3 images, spread over the places"
    assert load_dataset("folder", Request(tmp_path), 3).split == ""


def test_dior_deals_thirty_of_each_class(tmp_path, monkeypatch):
    boxes = tmp_path / "Annotations" / "Horizontal Bounding Boxes"
    boxes.mkdir(parents=True)
    for k, name in enumerate(["ship"] * 5 + ["dam"] * 2):
        picture(tmp_path / "JPEGImages-test" / f"{k:05d}.jpg", (32, 32))
        xml = f"<annotation><source><database>x</database></source><object><name>{name}</name></object></annotation>"
        (boxes / f"{k:05d}.xml").write_text(xml)
    monkeypatch.setattr(dior, "A_CLASS", 3)
    found = load_dataset("dior", Request(tmp_path))
    assert len([i for i in found.images if int(i.image_id) < 5]) == 3
    assert [i.image_id for i in found.images][-2:] == ["00005", "00006"]


def test_dior_without_annotations_is_drawn_from_all(tmp_path):
    for k in range(3):
        picture(tmp_path / "JPEGImages-trainval" / f"{k:05d}.jpg", (32, 32))
    found = load_dataset("dior", Request(tmp_path))
    assert len(found.images) == 3
    assert "no annotations" in found.split


@pytest.mark.parametrize("inside", ["ILSVRC2012_img_val/ILSVRC2012_val_00000001.JPEG", "val/n01440764/a_1.JPEG"])
def test_imagenet_flat_or_by_class(tmp_path, inside):
    path = tmp_path / inside
    path.parent.mkdir(parents=True)
    picture(tmp_path / "a.jpg").rename(path)
    (image,) = load_dataset("imagenet", Request(tmp_path)).images
    assert (image.image_id, image.shape) == (path.stem, (60, 80))


def test_a_folders_subfolders_are_places(tmp_path):
    for name in ("a.png", "b.jpg", "town/c.webp", "town/d.png"):
        picture(tmp_path / name)
    (tmp_path / "readme.txt").write_text("no image")
    found = load_dataset("folder", Request(tmp_path, gsd_m=0.25))
    assert [(i.image_id, i.place, i.gsd_m) for i in found.images] == [
        ("a.png", "a", 0.25), ("b.jpg", "b", 0.25), ("town/c.webp", "town", 0.25), ("town/d.png", "town", 0.25),
    ]  # fmt: skip
    assert [i.image_id for i in load_dataset("folder", Request(tmp_path), 1).images] == ["a.png"]


@pytest.mark.parametrize("name", ["imagenet", "aid", "dota", "dior", "folder", "pairs", "ddisr"])
def test_a_folder_without_it_says_what_where_and_under_which_licence(name, tmp_path):
    with pytest.raises(InputError, match="there") as caught:
        load_dataset(name, Request(tmp_path))
    for part in ("expected: ", "Get it from ", "Licence: ") if name != "folder" else ("expected: ",):
        assert part in caught.value.hint
    with pytest.raises(InputError, match="no such folder"):
        load_dataset(name, Request(tmp_path / "nowhere"))


@pytest.mark.parametrize("name", ["imagenet", "aid", "dota", "dior", "folder", "pairs"])
def test_without_root_it_says_so(name):
    with pytest.raises(UsageError, match=f"--dataset {name}: --root is missing"):
        load_dataset(name, Request())


def test_unknown_names_are_refused():
    with pytest.raises(UsageError, match="no data set 'mars'") as caught:
        load_dataset("mars", Request())
    assert all(name in caught.value.hint for name in DATASETS)


def test_ddisr_without_root_is_the_embedded_set_and_says_so():
    found = load_dataset("ddisr", Request())
    assert found.embedded
    assert "embedded set" in found.description
    assert "DDISR is not public" in found.notes[0]
    sides = sorted(min(i.shape) for i in found.images)
    assert sides[-1] >= 1024  # 8 input pixels at x128
    assert sum(side >= 384 for side in sides) >= 4
    assert len({i.place for i in found.images}) == 3
    assert {i.pixels.dtype.name for i in found.images} == {"uint8"}


def test_embedded_images_are_small_and_free():
    from ursat.benchmark.datasets.embedded import FOLDER

    files = list(FOLDER.glob("*.webp"))
    assert sum(path.stat().st_size for path in files) < 4_000_000
    named = (FOLDER / "LICENCES.md").read_text()
    rows = (FOLDER / "index.csv").read_text().splitlines()[1:]
    assert len(rows) == len(files)
    assert all(path.name in named for path in files)
    assert all(",CC0," in row or ",public domain" in row for row in rows)


def test_draws_are_fixed_and_without_repetition():
    once = draw(range(100), 10)
    assert once == draw(range(100), 10) == sorted(set(once))
    assert draw([1, 2], 10) == [1, 2]


def test_crop_is_the_middle_and_resize_the_papers(tmp_path):
    path = picture(tmp_path / "a.png", (60, 80))
    whole = np.moveaxis(np.asarray(Image.open(path)), -1, 0)
    (cut,) = load_dataset("folder", Request(tmp_path, 1.0, Preparation(crop=40))).images
    assert cut.shape == (40, 40)
    np.testing.assert_array_equal(cut.pixels, whole[:, 10:50, 20:60])
    (small,) = load_dataset("folder", Request(tmp_path, 1.0, Preparation(resize=30))).images
    assert (small.shape, small.gsd_m) == ((30, 30), 2.0)
    theirs = np.asarray(Image.open(path).crop((10, 0, 70, 60)).resize((30, 30), Image.Resampling.BICUBIC))
    assert np.abs(small.pixels[:, 2:-2, 2:-2] - np.moveaxis(theirs, -1, 0)[:, 2:-2, 2:-2].astype(int)).max() <= 1
    (missing,) = load_dataset("folder", Request(tmp_path, 1.0, Preparation(resize=64))).images
    assert missing.shape == (0, 0)
