"""Another device than the CPU: which there are, and that no step of the way leaves or mixes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from test_learned import BLOCK, MODEL, SENSOR, SIZE, ground

from paper_network import paper_net
from pretend_device import DEVICE, pretended
from tiny_network import tiny_net
from ursat.errors import UsageError
from ursat.grid import Window
from ursat.models.core.stage import CoreStage
from ursat.models.fusion import FusionStage
from ursat.models.paper.chain import Chain
from ursat.models.paper.stage import CSPWaveDiffURStage
from ursat.models.stage import StageSettings
from ursat.run.cascade import Cascade
from ursat.run.device import pick_device


@pytest.mark.parametrize("name", ["gpu", "mps", "cuda:99"])
def test_a_device_that_is_not_there(name: str) -> None:
    with pytest.raises(UsageError, match="device") as error:
        pick_device(name)
    assert error.value.hint


def test_cuda_repeats_itself_and_keeps_all_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    assert pick_device("auto") == torch.device("cuda")
    assert torch.backends.cudnn.deterministic
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32


def stage(name: str, settings: StageSettings, device: torch.device) -> Any:
    if name == "fusion":
        return FusionStage(settings)
    if name == "core":
        made: Any = CoreStage(settings, tiny_net().to(device))
    else:
        made = CSPWaveDiffURStage(settings, paper_net().to(device), Chain(steps=2))
    made.block = BLOCK if name == "core" else 2 * BLOCK
    return made


def rendered(name: str, scale: float, closure: str, device: torch.device) -> np.ndarray:
    source, reference = ground()
    limits = (-1e6,) * 2, (1e6,) * 2
    settings = StageSettings(SENSOR, MODEL, closure, *limits, fidelity=0.0, ranges=((0.0, 1000.0),) * 2)
    cascade = Cascade(
        stage(name, settings, device), settings, scale=scale, source=source, reference=reference, device=device,
        dtype=torch.float32, gsd_m=30.0,
    )  # fmt: skip
    side = int(SIZE * scale)
    done = cascade.render(Window(0, 0, side, side))
    assert done is not None
    assert done.values.device == done.valid.device == device
    return torch.where(done.valid, done.values, torch.nan).cpu().numpy()


@torch.no_grad()
@pytest.mark.parametrize(
    ("name", "scale", "closure"),
    [("fusion", 4, "auto"), ("fusion", 3, "exact"), ("core", 4, "auto"), ("paper", 4, "auto")],
)
def test_the_whole_cascade_stays_on_its_device(name: str, scale: float, closure: str) -> None:
    expected = rendered(name, scale, closure, torch.device("cpu"))
    with pretended():
        found = rendered(name, scale, closure, DEVICE)
    assert np.isfinite(expected).any()
    # attention takes other kernels on the CPU than the sums and products that torch has for all devices
    np.testing.assert_allclose(found, expected, rtol=1e-4 if name == "paper" else 0)
