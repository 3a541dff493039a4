"""The methods by name: a new baseline is a line in `baselines.BASELINES`, a new kind of method a line in `KINDS`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ursat.benchmark.baselines import BASELINES
from ursat.benchmark.ensemble import mean_of_samples
from ursat.benchmark.external import parse_external
from ursat.benchmark.foreign import LOADERS, parse_foreign
from ursat.benchmark.peers import RIVALS
from ursat.benchmark.tool import Ursat, parse_options
from ursat.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ursat.benchmark.evaluate import Labelled, Method

DEFAULT = ("ursat:faithful", "ursat:realistic", "bicubic", "ibp", "reference-bicubic", "hpf")
ALL_BASELINES = tuple(BASELINES)
KINDS: dict[str, Callable[[str], Labelled]] = {kind: partial(parse_foreign, kind) for kind in LOADERS}
_SUFFIX = ".safetensors"


def make_methods(
    texts: Iterable[str], tool: Ursat, external: Iterable[str] = (), timeout_s: float = 600.0
) -> dict[str, Method]:
    """Methods by label, in the order asked for.

    Args:
        texts: words of ``--methods``: a baseline or peer by name; ``ursat`` or a model (or a path of weights) with
            ``:faithful`` or ``:realistic`` and ``,OPTION=VALUE`` of `ursat upscale`, and ``,mean=N`` for the mean of N
            samples; ``spandrel:PATH`` or ``ncnn:PATH``. A word may hold several, separated by commas: a part with
            ``=`` belongs to the method before it.
        tool: how ursat is called.
        external: command lines of ``--external``.
        timeout_s: of one call of these.

    Raises:
        UsageError: a word that means nothing, or nothing at all.
    """
    methods: dict[str, Method] = {}
    for words in split_methods(texts):
        name, *options = words
        if name in RIVALS:
            if options:
                raise UsageError(f"--methods: {name} takes no options, {options[0]} was given", hint=_hint())
            methods[name] = RIVALS[name]
        else:
            made = _made(name, options, tool)
            methods[made.label] = made
    for text in external:
        program = parse_external(text, timeout_s)
        methods[program.label] = program
    if not methods:
        raise UsageError("--methods names nothing", hint=_hint())
    return methods


def split_methods(texts: Iterable[str]) -> list[list[str]]:
    """['bicubic,core-xs:realistic,steps=4'] -> [['bicubic'], ['core-xs:realistic', 'steps=4']].

    Raises:
        UsageError: an option without a method before it.
    """
    found: list[list[str]] = []
    for part in (part.strip() for text in texts for part in text.split(",")):
        if part and "=" not in part:
            found.append([part])
        elif part and found:
            found[-1].append(part)
        elif part:
            raise UsageError(f"--methods: {part!r} is an option without a method", hint=_hint())
    return found


def _made(name: str, options: list[str], tool: Ursat) -> Labelled:
    kind, colon, argument = name.partition(":")
    if kind in KINDS:
        return KINDS[kind](argument)
    model, mode = (name, "") if name.endswith(_SUFFIX) else (kind, argument)
    _check_model(model)
    words = [*([f"model={model}"] if model != "ursat" else []), *([f"mode={mode}"] if colon and mode else [])]
    means = [word.partition("=")[2] for word in options if word.startswith("mean=")]
    asked = parse_options([*words, *(word for word in options if not word.startswith("mean="))])
    variant = replace(tool, options=(*tool.options, *asked))
    return mean_of_samples(variant, means[-1]) if means else variant


def _check_model(name: str) -> None:
    from ursat.models.registry import model_names  # noqa: PLC0415  (imports more than baselines need)

    if name != "ursat" and name not in model_names() and not name.endswith(_SUFFIX):
        raise UsageError(f"--methods: there is no method '{name}'", hint=_hint())


def _hint() -> str:
    from ursat.models.registry import model_names  # noqa: PLC0415

    names = [*RIVALS, "ursat", *model_names(), *(f"{kind}:PATH" for kind in KINDS)]
    return f"choose from {', '.join(names)}, a {_SUFFIX} file; docs/benchmark.md has the grammar"
