"""`ursat models list`: what can be named with --model."""

from __future__ import annotations

import typer

from ursat.cli import options as o
from ursat.cli import render
from ursat.cli.console import stdout

app = typer.Typer(no_args_is_help=True, help="Models that can draw the detail.")


@app.callback()
def models() -> None:
    """Models that can draw the detail."""


@app.command("list")
def list_models(json: o.Json = False) -> None:
    """List the models by name and kind."""
    from ursat.run.models import known_models

    found = known_models()
    if json:
        render.print_json(found)
    else:
        render.print_rows(stdout, [(model.name, model.kind) for model in found])
