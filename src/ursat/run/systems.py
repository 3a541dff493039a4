"""The options that only the paper's two systems understand, and what a run of them costs."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ursat.errors import UsageError
from ursat.models.core.config import BLOCK, CoreConfig
from ursat.models.paper.config import CSP_KINDS, LITERALS, RUN_LITERALS, PaperConfig
from ursat.models.paper.samplers import SAMPLERS
from ursat.models.registry import Choices
from ursat.run.budget import BLOCK_BYTES, SPREAD_COPIES, NetworkCost, network_cost

if TYPE_CHECKING:
    from ursat.models.registry import ModelInfo
    from ursat.models.stage import Stage
    from ursat.run.options import UpscaleOptions
    from ursat.run.prepare import Prepared
    from ursat.run.report import Sampling

_log = logging.getLogger("ursat")
_CLOSING = 96  # input pixels that closing and Eq. 9 add to the networks' own reach on the first level
_GUIDED = "csp-wavediffur does, and wavediffur where --sr names a model of ursat's"
_LIVE = 4  # tensors of the first width
_PATCH_BYTES = 1 << 30  # a large SR network on one patch


def choices_of(options: UpscaleOptions, model: ModelInfo, depth: int) -> Choices:
    """Make sense of ``sr``, ``one_step``, ``sampler``, ``start``, ``csp`` and ``paper_literal`` for a model.

    Args:
        options: as given.
        model: that they were given for.
        depth: doublings of the run.

    Raises:
        UsageError: a value out of range, or one that the model cannot serve.
    """
    asked = {
        "--one-step": options.one_step,
        "--sampler": options.sampler is not None,
        "--start": options.start is not None,
        "--csp": options.csp is not None,
        "--paper-literal": bool(options.paper_literal),
    }
    for name, given in asked.items():
        if given and not model.of_paper:
            raise UsageError(
                f"{name}: the model {model.name} is a cascade of its own kind",
                hint="it is for the paper's systems: --model wavediffur or csp-wavediffur",
            )
    if options.sampler is not None and options.sampler not in SAMPLERS:
        raise UsageError(f"--sampler {options.sampler!r} is none of {', '.join(SAMPLERS)}")
    if options.start is not None and not (math.isfinite(options.start) and 0 < options.start <= 1):
        raise UsageError(f"--start {options.start:g} is not above 0 and at most 1")
    if options.csp is not None and options.csp not in CSP_KINDS:
        raise UsageError(f"--csp {options.csp!r} is none of {', '.join(CSP_KINDS)}")
    if options.csp is not None and model.sr is not None:
        raise UsageError("--csp: Algorithm 1 has no CSP", hint="it is for --model csp-wavediffur")
    if options.csp not in {None, "none"} and _config(model).csp_kind == "none":
        raise UsageError(f"--csp {options.csp}: {model.path} was trained without a CSP", hint="name other weights")
    _check_literal(options)
    default = Choices()
    return Choices(
        options.sr,
        depth if options.one_step else 0,
        default.sampler if options.sampler is None else options.sampler,
        default.start if options.start is None else options.start,
        options.csp,
        options.paper_literal,
    )


def _check_literal(options: UpscaleOptions) -> None:
    for name in options.paper_literal:
        if name not in LITERALS:
            raise UsageError(f"--paper-literal {name!r} is none of {', '.join(LITERALS)}")
        if name not in RUN_LITERALS:
            raise UsageError(
                f"--paper-literal {name} is decided when a network is trained",
                hint=f"ursat train --paper-literal {name}, and --model with its weights",
            )
    if options.one_step and "loop" in options.paper_literal:
        raise UsageError("--paper-literal loop: --one-step has no loop", hint="leave one of them out")


def cost_of(model: ModelInfo, sampling: Sampling, sample_steps: int) -> NetworkCost | None:
    """What a model's networks add to a run's memory; None for a classical model."""
    if model.weights is None:
        return None
    config = model.weights.config
    if isinstance(config, CoreConfig):
        return network_cost(config, sampling, sample_steps)
    if not isinstance(config, PaperConfig):
        raise TypeError(f"a model of an unknown kind: {config}")
    side = 3 * BLOCK // 2 + 2 * (config.halo + _CLOSING)
    # The CSHR's three bands side by side, on half the cells a side; the U-Net's skips beside its own features
    active = 4 * side**2 * (_LIVE * config.widths[0] + config.restore) + (_PATCH_BYTES if model.sr else 0)
    return NetworkCost(BLOCK_BYTES, active, side, SPREAD_COPIES if sampling.samples else 0)


def require_guided(model: ModelInfo) -> None:
    """Refuse ``--require-ref`` for a model that takes no detail from a reference.

    Raises:
        UsageError: it is such a model.
    """
    if not model.guided:
        raise UsageError(f"--require-ref: {_unguided(model)}", hint=_GUIDED)


def without_detail(prepared: Prepared, model: ModelInfo) -> Prepared:
    """What is left of a reference for a model that takes no detail from it: what it told of the input's sensor."""
    if model.guided or prepared.reference is None or prepared.summary is None:
        return prepared
    why = f"{_unguided(model)}; it only served to measure the sensor's blur"
    _log.warning(why)
    summary = replace(prepared.summary, status="dropped", why=why)
    return replace(prepared, reference=None, warped=None, summary=summary, warnings=(*prepared.warnings, why))


def _unguided(model: ModelInfo) -> str:
    module = "" if model.sr is None else f" with the SR module {model.sr.name}"
    return f"the model {model.name}{module} takes no detail from a reference"


def evaluations_on(stage: Stage, level: int, evaluations: int) -> int:
    """Evaluations of a stage's networks on one block of a level: ``evaluations``, unless the stage knows better."""
    from ursat.models.paper.one_step import OneStep  # noqa: PLC0415  (torch comes with it)
    from ursat.models.paper.printed_loop import PrintedLoop  # noqa: PLC0415
    from ursat.models.paper.stage import PaperStage  # noqa: PLC0415

    return stage.evaluations(level) if isinstance(stage, OneStep | PrintedLoop | PaperStage) else evaluations


def system_sampling(sampling: Sampling, options: UpscaleOptions, model: ModelInfo, depth: int) -> Sampling:
    """The same, with the levels on which one of the paper's systems takes its evaluations; others are left alone.

    Args:
        sampling: of the options.
        options: as given.
        model: that they were given for.
        depth: doublings of the run.

    Raises:
        UsageError: the spread of samples is asked for where nothing is drawn.
    """
    if not model.of_paper or depth == 1:
        return sampling
    diffused = options.closure == "off"  # beyond the first level; see `ursat.models.paper.low`
    if options.one_step and not diffused:  # A is given on the only level that has a network: nothing is drawn
        if sampling.samples:
            raise UsageError("--samples: beyond x2 --one-step draws nothing", hint="--closure off draws its last level")
        return replace(sampling, mode="faithful", fidelity=1.0, steps=0, evaluations=1, levels="last")
    if options.one_step:
        return replace(sampling, levels="last")
    if "loop" in {*_config(model).literal.names, *options.paper_literal}:
        return replace(sampling, levels="first alone")
    return sampling if diffused or sampling.evaluations == 1 else replace(sampling, levels="first")


def system_facts(options: UpscaleOptions, model: ModelInfo) -> dict[str, Any]:
    """What a file says of one of the paper's systems besides the sampling; empty for other models."""
    if not model.of_paper:
        return {}
    choices, sr = choices_of(options, model, 1), model.sr
    module = None if sr is None else {"name": sr.name, "kind": sr.kind, "sha256": sr.sha256 or None}
    csp = (choices.csp or _config(model).csp_kind) if sr is None else None
    literal = [name for name in LITERALS if name in {*_config(model).literal.names, *choices.literal}]
    chain = {"sampler": choices.sampler, "start": choices.start, "csp": csp, "literal": literal}
    return {"system": {"sr": module, "one_step": bool(choices.one_step), **chain}}


def _config(model: ModelInfo) -> PaperConfig:
    config = None if model.weights is None else model.weights.config
    if not isinstance(config, PaperConfig):
        raise TypeError(f"a model without networks of the paper: {model}")
    return config
