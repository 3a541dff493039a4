"""`ursat models`: what can be named with --model, what it is, and whether its weights are whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from ursat.cli import model_options as m
from ursat.cli import options as o
from ursat.cli import render
from ursat.cli.console import stdout
from ursat.cli.flat import flat
from ursat.errors import InputError

if TYPE_CHECKING:
    from ursat.cli.render import Row
    from ursat.run.models import ModelFacts

app = typer.Typer(no_args_is_help=True, help="Models that can draw the detail.")


@app.callback()
def models() -> None:
    """Models that can draw the detail."""


@app.command("list")
def list_models(json: o.Json = False) -> None:
    """List the models that can be named: kind, size, and which one runs by default."""
    from ursat.run.models import known_models

    found = known_models()
    if json:
        render.print_json(found)
    else:
        render.print_rows(stdout, [(model.name, _line(model)) for model in found])


@app.command("info")
def info(model: m.ModelNamed, json: o.Json = False) -> None:
    """Print what is known of a model: size, reach, training data, licence, calibration, scores, sha256."""
    from ursat.run.models import model_facts

    found = model_facts(model)
    if json:
        render.print_json(found)
    else:
        render.print_rows(stdout, rows(found), title=found.name)


@app.command("verify")
def verify(models: m.ModelsNamed = None, json: o.Json = False) -> None:
    """Load weights and check them whole: format, sha256, shapes, finite numbers.

    Ends with exit code 3 when one of them is wrong.
    """
    from ursat.run.models import verify_models

    found = verify_models(tuple(models or ()))
    if json:
        render.print_json(found)
    else:
        render.print_rows(stdout, [(v.name, f"{'ok' if v.ok else 'FAILED'}: {v.detail}") for v in found])
    wrong = [verdict.name for verdict in found if not verdict.ok]
    if wrong:
        raise InputError(
            f"weights that cannot be used: {', '.join(wrong)}", hint="install ursat, or copy the file, again"
        )


def _line(model: ModelFacts) -> str:
    size = f", {model.parameters / 1e6:.2f} M parameters, {render.size(model.size)}" if model.parameters else ""
    return f"{model.kind}{size}{' (default)' if model.default else ''}"


def rows(model: ModelFacts) -> list[Row]:
    """A model as labelled lines."""
    found = [("kind", model.kind), ("what", model.summary), ("mode", f"{model.mode} unless told otherwise")]
    if model.sha256 is None:
        return found
    evaluations = ", ".join(f"{count} {mode}" for mode, count in (model.evaluations or {}).items())
    return [
        *found,
        ("parameters", f"{model.parameters} in {render.size(model.size)}"),
        ("reach", f"{model.halo} cells of a level around a cell, an evaluation"),
        ("evaluations", f"{evaluations}, a level and three bands"),
        ("trained", f"{model.steps} steps, {model.date or 'date unknown'}"),
        *_data_rows(model.data or {}),
        ("licence", model.licence or "not recorded"),
        *_calibration_rows(model.calibration or []),
        ("scores", _gains(model.scores or {}) or "not recorded"),
        ("sha256", f"{model.sha256} ({'as published' if model.pinned else 'not one that ships'})"),
    ]


def _calibration_rows(points: list[dict[str, Any]]) -> list[Row]:
    """One line a sharpness and list; only the first has a label."""
    words = {"none": "no reference", "reached": "a reference that reaches", "past": "after it"}
    rows = [
        f"MTF {point['mtf']:g}, {words[name]}: samples x {render.numbers(row)} on level 1, 2 ..."
        for point in points
        for name, row in point.items()
        if name != "mtf"
    ]
    return [("calibration" if number == 0 else "", row) for number, row in enumerate(rows)]


def _data_rows(data: dict[str, object]) -> list[Row]:
    """One line a fact; only the first has a label."""
    found = [("", f"{name}: {flat(value)}") for name, value in sorted(data.items(), key=lambda fact: fact[0])]
    return [("data", found[0][1] if found else "not recorded"), *found[1:]]


def _gains(scores: dict[str, float]) -> str:
    """What the mean gains over the classical answer on scenes held out, by level and track."""
    listed = ", ".join(f"{track} {gain:+.2f}" for track, gain in scores.items())
    return f"{listed} dB over the classical answer" if listed else ""
