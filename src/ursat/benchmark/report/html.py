"""The report as one HTML file that needs nothing but itself: no network, no library, no font."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ursat.benchmark.gains import over_best
from ursat.benchmark.printed import FIGURES, REASONS, printed
from ursat.benchmark.report.panels import load_panels
from ursat.benchmark.report.pictures import pillow
from ursat.benchmark.report.plots import legend_mark
from ursat.benchmark.report.summary import definitions, summarise
from ursat.benchmark.report.view import groups, scene
from ursat.benchmark.tables import TRACK_NAMES, gain_table
from ursat.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from ursat.benchmark.facts import RunFacts
    from ursat.benchmark.gains import Gain
    from ursat.benchmark.report.summary import Sets
    from ursat.benchmark.scores import Cell, Table

TRACKS = {
    "noref": "no reference",
    "ref": "perfect reference",
    "ref-shift": "reference shifted by 0.6 and 0.4 input pixels",
    "ref-cast": "reference with a colour cast",
    "ref-changed": "reference in which a quarter of the ground has changed",
    "ref-wrong": "reference of another place",
}


def write_report(table: Table, facts: RunFacts, panels: Path | None, path: Path, *, sets: Sets | None = None) -> None:
    """Write the report; a file under its name is complete.

    Args:
        table: scores of a run.
        facts: about it.
        panels: the folder of a `PanelKeeper`; None for a report without pictures.
        path: of the HTML file, replaced where it exists.
        sets: figures of whole sets, as `metrics.sets.set_figures` gives them.

    Raises:
        UsageError: jinja2 or Pillow is not installed.
    """
    text = render(table, facts, panels, sets)
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def render(table: Table, facts: RunFacts, panels: Path | None, sets: Sets | None = None) -> str:
    """The report's text; the arguments are those of `write_report`."""
    summary = summarise(table, sets)
    colours = {method: i for i, method in enumerate(table.methods)}
    style, script = _part("report.css"), _part("report.js")
    return str(
        _template().render(
            facts=facts,
            style=style,
            script=script,
            policy=_policy(style, script),
            groups=groups(summary, colours, _gained(table)),
            tracks=TRACKS,
            track_names=TRACK_NAMES,
            legend=[(method, legend_mark(colour)) for method, colour in colours.items()],
            gains=gain_table(table),
            scenes=[scene(panel, colours) for panel in (load_panels(panels, table) if panels else [])],
            definitions=definitions({name for rows in summary.values() for found in rows.values() for name in found}),
            printed=printed(facts.dataset, facts.scales),
            printed_figures=FIGURES,
            reasons=REASONS,
            failures=table.failures,
            images=len({score.image_id for score in table.scores}),
        )
    )


def _gained(table: Table) -> dict[tuple[Cell, str], Gain]:
    found = {(cell, method): over_best(table, cell, method) for cell in table.cells for method in table.measured}
    return {key: gain for key, gain in found.items() if gain is not None}


def check_packages() -> None:
    """Before a long run: whether a report can be written at its end.

    Raises:
        UsageError: jinja2 or Pillow is not installed.
    """
    _template()
    pillow()


def _part(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """A content security policy that allows the page's own style and script, pictures inside it, and nothing else."""

    def sha256(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    allowed = f"img-src data:; style-src {sha256(style)}; script-src {sha256(script)}"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _template() -> Any:
    try:
        from jinja2 import Environment, StrictUndefined  # noqa: PLC0415  (of the extra `bench`)
    except ImportError as err:
        raise UsageError("a report needs jinja2", hint="pip install 'ursat[bench]'") from err
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_part("report.html.j2"))
