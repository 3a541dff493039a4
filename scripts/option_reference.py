"""Prints docs/options.md: every command and option as the program itself declares them (`make docs`)."""

from __future__ import annotations

import re

from ursat.cli.app import declared

HEAD = """# Commands and options

Made by `make docs` from the program itself. `ursat COMMAND --help` says the same on a terminal.
"""


def markdown() -> str:
    """The whole page."""
    parts = [HEAD]
    for name, command in declared().commands.items():
        children = getattr(command, "commands", {None: command})
        parts += [section(f"{name} {child or ''}".strip(), found) for child, found in children.items()]
    return "\n".join(parts)


def section(name: str, command: object) -> str:
    """One command: its help text, then a table of its options."""
    lines = [f"## ursat {name}", "", str(getattr(command, "help", "")).strip(), "", "| | |", "|---|---|"]
    for parameter in getattr(command, "params", []):
        if parameter.name == "help":
            continue
        names = ", ".join(f"`{option}`" for option in parameter.opts)
        if parameter.param_type_name == "argument":
            names = f"`{parameter.metavar}`"
        elif parameter.metavar:
            names += f" {parameter.metavar}"
        lines.append(f"| {escape(names)} | {escape(parameter.help or '')} |")
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text inside a table cell."""
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    print(markdown(), end="")
