"""The command line as a whole: its commands, their environment variables, and the way in."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.main import get_command

from ursat import __version__
from ursat.cli import benchmark, coreg, info, models, plan, run_shard, train, upscale, verify
from ursat.cli.console import prepare_streams
from ursat.cli.errors import guard

if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = (
    "Every option can be set by the environment: URSAT_TILE=512, or URSAT_UPSCALE_TILE=512 for one command. "
    "Exit codes: 0 ok, 1 internal error or a failed write, 2 usage, 3 input, 4 a quality gate that was asked for, "
    "5 output exists, 6 unfinished (run again to resume), 7 over a limit, 130 interrupted, 143 terminated."
)

app = typer.Typer(
    name="ursat",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.command("upscale")(upscale.upscale)
app.command("plan")(plan.plan)
app.command("info")(info.info)
app.command("coreg")(coreg.coreg)
app.command("verify")(verify.verify)
app.command("run-shard")(run_shard.run_shard)
app.command("status")(run_shard.status)
app.command("merge")(run_shard.merge)
app.command("train")(train.train)
app.command("benchmark")(benchmark.benchmark)
app.add_typer(models.app, name="models")


def _print_version(value: bool) -> None:
    if value:
        sys.stdout.write(f"ursat {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Finer pixels for Landsat and Sentinel-2 GeoTIFFs: guided by a finer reference, true to the input's numbers."""


def name_environment(command: Any, prefix: str = "URSAT") -> None:
    """Give every option its variables: URSAT_UPSCALE_TILE for one command before URSAT_TILE for all."""
    for name, child in getattr(command, "commands", {}).items():
        for parameter in child.params:
            if parameter.param_type_name == "option" and parameter.name != "help":
                option = parameter.opts[0].lstrip("-").replace("-", "_").upper()
                parameter.show_envvar = False  # two more lines an option would drown the help text
                parameter.envvar = list(dict.fromkeys((f"{prefix}_{name.upper()}_{option}", f"URSAT_{option}")))
        name_environment(child, f"{prefix}_{name.upper()}")


def show_as_written(command: Any) -> None:
    """Help texts have no markup (`ursat[bench]` would lose its brackets); lines end where the terminal's do."""
    from rich.markup import escape

    for part in (command, *command.params):
        for name in ("help", "short_help", "epilog"):
            text = getattr(part, name, None)
            if text:
                paragraphs = (" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
                setattr(part, name, escape("\n\n".join(paragraphs)))
    for child in getattr(command, "commands", {}).values():
        show_as_written(child)


def declared() -> Any:
    """The command with its environment variables, and help texts as they are written."""
    command = get_command(app)
    name_environment(command)
    return command


@cache
def build() -> Any:
    """The command, ready to run."""
    command = declared()
    show_as_written(command)
    return command


def run(argv: Sequence[str]) -> int:
    """Run one command line; returns the exit code."""
    prepare_streams()
    return guard(lambda: build().main(args=list(argv), prog_name="ursat", standalone_mode=False), argv)
