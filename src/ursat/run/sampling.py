"""What is drawn from the posterior: its mean, a sample, or a blend of both; and how many evaluations that takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ursat.errors import UsageError
from ursat.run.report import Sampling

if TYPE_CHECKING:
    from ursat.models.registry import ModelInfo
    from ursat.run.options import UpscaleOptions

AUTO_STEPS = 1  # of the core family
_FIDELITIES = {"faithful": 1.0, "realistic": 0.0}
_MOST_STEPS, _MOST_PAPER_STEPS = 100, 1000


def sampling_of(options: UpscaleOptions, model: ModelInfo) -> Sampling:
    """Make sense of ``mode``, ``fidelity``, ``steps`` and ``samples`` for a model.

    Raises:
        UsageError: a value out of range, or one that the model cannot serve.
    """
    if options.mode is not None and options.mode not in _FIDELITIES:
        raise UsageError(f"--mode {options.mode!r} is neither faithful nor realistic")
    if options.fidelity is not None and not (math.isfinite(options.fidelity) and 0 <= options.fidelity <= 1):
        raise UsageError(f"--fidelity {options.fidelity:g} is not between 0 (realistic) and 1 (faithful)")
    most = _MOST_PAPER_STEPS if model.of_paper else _MOST_STEPS
    if options.steps is not None and not 1 <= options.steps <= most:
        raise UsageError(f"--steps {options.steps} is not between 1 and {most}")
    if options.samples is not None and options.samples < 2:
        raise UsageError(f"--samples {options.samples} has no spread", hint="at least 2 samples make one")
    if model.weights is None:
        _refuse_samples(options, model)
        return Sampling("faithful", 1.0, 0, 0, options.seed)
    fidelity = _FIDELITIES[options.mode or model.mode] if options.fidelity is None else options.fidelity
    mode = next((name for name, value in _FIDELITIES.items() if value == fidelity), "between")
    steps = 0 if fidelity == 1 else sample_steps(options, model)
    return Sampling(mode, fidelity, steps, 1 + steps, options.seed, options.samples or 0)


def sample_steps(options: UpscaleOptions, model: ModelInfo) -> int:
    """Evaluations of a sample after the mean's."""
    return model.steps if options.steps is None else options.steps


def _refuse_samples(options: UpscaleOptions, model: ModelInfo) -> None:
    asked = {
        "--mode realistic": options.mode == "realistic",
        "--fidelity": options.fidelity is not None,
        "--samples": options.samples is not None,
        "--steps": options.steps is not None,
    }
    for name, given in asked.items():
        if given:
            raise UsageError(
                f"{name}: the model {model.name} draws no samples",
                hint="choose a learned model with --model (`ursat models list`), or leave the option out",
            )
