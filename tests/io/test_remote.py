"""Files on a server: opened when allowed and only the named one, by the windows needed, and failing clearly."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from reading import noise, write_tif

from range_server import serve
from ursat.errors import InputError
from ursat.grid import Window
from ursat.io import remote
from ursat.io.remote import remote_file
from ursat.io.scene import open_scene
from ursat.types import Shift

FINE = Affine(10, 0, 300015, 0, -10, 4000005)


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setitem(remote._OPTIONS, "GDAL_HTTP_MAX_RETRY", "0")
    with serve(tmp_path) as served:
        yield served


@pytest.mark.parametrize(
    ("text", "gdal", "shown"),
    [
        ("https://h/a.tif", "/vsicurl/https://h/a.tif", "https://h/a.tif"),
        ("/vsicurl/http://h:80/a.tif", "/vsicurl/http://h:80/a.tif", "http://h:80/a.tif"),
        ("https://me:word@h/a.tif?key=s", "/vsicurl/https://me:word@h/a.tif?key=s", "https://h/a.tif"),
        ("s3://b/c/a.tif", "/vsis3/b/c/a.tif", "s3://b/c/a.tif"),
        ("/vsis3/b/a.tif", "/vsis3/b/a.tif", "s3://b/a.tif"),
    ],
)
def test_addresses(text, gdal, shown):
    found = remote_file(text)
    assert found is not None
    assert (found.gdal, str(found), found.name) == (gdal, shown, "a.tif")


@pytest.mark.parametrize(
    "text",
    ["a.tif", "/vsizip/a.zip/a.tif", "/vsicurl/ftp://h/a", "ftp://h/a", "/vsicurl?url=http://h/a", "https://", "s3://",
     "s3://b/../c", "https://h/a b", "file:///etc/passwd", "https://h/a\n"],
)  # fmt: skip
def test_what_is_no_address(text):
    assert remote_file(text) is None


@pytest.mark.parametrize("address", ["https://u:word@h/a.tif?sign=1", "s3://b/a.tif", "/vsicurl/http://h/a.tif"])
def test_the_refusal_names_the_option_and_no_secret(address):
    with pytest.raises(InputError, match="--allow-remote") as caught:
        open_scene(address)
    assert "word" not in caught.value.message
    assert "sign" not in caught.value.message


def test_windows_are_read_without_the_rest(server, tmp_path):
    pixels = noise((2, 2048, 2048))
    path = write_tif(tmp_path / "a.tif", pixels, driver="COG", blocksize=256, nodata=0)
    with open_scene(f"{server.address}/a.tif?token=1", allow_remote=True) as scene:
        block = scene.read(Window(1000, 30, 100, 90))
        assert scene.info.path == f"{server.address}/a.tif"
        assert scene.remote
    np.testing.assert_array_equal(block.values, pixels[:, 1000:1100, 30:120])
    assert 0 < server.sent < path.stat().st_size / 4
    assert {name.partition("?")[0] for name in server.asked} == {"/a.tif"}


def test_what_a_window_fetches_is_known_beforehand(server, tmp_path):
    write_tif(tmp_path / "a.tif", noise((2, 2048, 2048)), driver="COG", blocksize=256)
    with open_scene(f"{server.address}/a.tif", allow_remote=True) as scene:
        window = Window(600, 600, 300, 300)
        expected = sum(scene.transfer(window).values())
        before = server.sent
        scene.read(window)
        assert 0 < server.sent - before <= expected
    with open_scene(str(tmp_path / "a.tif")) as local:
        assert local.transfer(Window(0, 0, 50, 50)) == {}


@pytest.mark.parametrize("extra", [{"nodata": 0}, {"mask": True}, {"tags": {"AREA_OR_POINT": "Area"}}])
def test_held_windows_are_the_same_pixels_and_are_fetched_once(server, tmp_path, extra):
    pixels = noise((2, 700, 700), low=0, high=40)
    extra = {**extra, "mask": pixels[0] > 20} if "mask" in extra else extra
    path = write_tif(tmp_path / "a.tif", pixels, tiled=True, blockxsize=128, blockysize=128, transform=FINE, **extra)
    window, around = Window(200, 300, 64, 64), Window(180, 280, 104, 104)
    with open_scene(f"{server.address}/a.tif", allow_remote=True) as scene, open_scene(str(path)) as local:
        near = scene.held([around])
        assert scene.held([around]) is near
        sent = server.sent
        with (
            near.warp(local.grid.finer(2), shift=Shift(7, -4)) as ours,
            local.warp(local.grid.finer(2), shift=Shift(7, -4)) as theirs,
        ):
            for found, expected in (
                (near.read(window), local.read(window)),
                (ours.read(window.finer(2)), theirs.read(window.finer(2))),
            ):
                np.testing.assert_array_equal(found.valid, expected.valid)
                np.testing.assert_array_equal(found.values, expected.values)
        assert server.sent == sent
        assert not near.read(Window(0, 0, 100, 100)).valid.any()
        assert local.held([around]) is local


@pytest.mark.parametrize("name", ["none.tif", "page.tif", "a.vrt"])
def test_what_is_not_a_geotiff(server, tmp_path, name):
    (tmp_path / "page.tif").write_text("<html></html>" * 99)
    source = write_tif(tmp_path / "source.tif", noise((20, 20)))
    (tmp_path / "a.vrt").write_text(f'<VRTDataset rasterXSize="4" rasterYSize="4"><SRS>{source}</SRS></VRTDataset>')
    with pytest.raises(InputError, match=f"{name}: not there, not readable from here, or not a GeoTIFF") as caught:
        open_scene(f"{server.address}/{name}?sign=secret", allow_remote=True)
    assert "secret" not in caught.value.message


def test_a_connection_that_is_lost(server, tmp_path):
    write_tif(tmp_path / "a.tif", noise((1, 2048, 2048)), driver="COG", blocksize=256)
    with open_scene(f"{server.address}/a.tif?sign=secret", allow_remote=True) as scene:
        server.fail()
        with pytest.raises(InputError, match="reading over the network failed at band 1 in rows 512") as caught:
            scene.read(Window(512, 0, 100, 100))
        assert "secret" not in caught.value.message
        assert "same command again" in caught.value.hint


def test_the_fingerprint_tells_files_apart(server, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_tif(tmp_path / f"{name}.tif", noise((1, 600, 600), seed=seed), driver="COG", compress="deflate")
    found = {}
    for name in "abc":
        with open_scene(f"{server.address}/{name}.tif", allow_remote=True) as scene:
            found[name] = scene.fingerprint()
    assert found["a"] == found["b"] != found["c"]


def test_s3(tmp_path, monkeypatch):
    server = pytest.importorskip("moto.server", reason="needs moto[server], of the dev extra")
    boto3 = pytest.importorskip("boto3", reason="needs moto[server], of the dev extra")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "us-east-1", "AWS_HTTPS": "NO",
        "AWS_VIRTUAL_HOSTING": "FALSE",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    pixels = noise((1, 600, 600))
    path = write_tif(tmp_path / "a.tif", pixels, driver="COG", blocksize=256)
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    try:
        host, port = running.get_host_and_port()
        monkeypatch.setenv("AWS_S3_ENDPOINT", f"{host}:{port}")
        client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1")
        client.create_bucket(Bucket="scenes")
        client.upload_file(str(path), "scenes", "x/a.tif")
        with open_scene("s3://scenes/x/a.tif", allow_remote=True) as scene:
            np.testing.assert_array_equal(scene.read(scene.grid.window).values, pixels)
            assert scene.info.path == "s3://scenes/x/a.tif"
        with pytest.raises(InputError, match=r"s3://scenes/none\.tif: not there"):
            open_scene("s3://scenes/none.tif", allow_remote=True)
    finally:
        running.stop()
