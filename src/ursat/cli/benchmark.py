"""`ursat benchmark`: how good are ursat and its rivals, on which images, with which reference."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ursat.cli import benchmark_options as b
from ursat.cli import options as o
from ursat.cli import render
from ursat.cli.console import say, start_logging, stderr, stdout
from ursat.cli.errors import INTERRUPTED
from ursat.cli.progress import progress
from ursat.errors import OutputExistsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ursat.benchmark.facts import RunFacts
    from ursat.benchmark.job import Job
    from ursat.benchmark.scores import Table
    from ursat.benchmark.tables import Sheet

PARTIAL = 6


def benchmark(
    dataset: b.DatasetName = "ddisr",
    root: b.Root = None,
    task: b.TaskName = "quick",
    scales: b.Scales = None,
    protocol: b.Protocols = None,
    tracks: b.Tracks = None,
    methods: b.Methods = None,
    external: b.External = None,
    external_timeout: b.ExternalTimeout = 600.0,
    metrics: b.Metrics = None,
    seeds: b.Seeds = None,
    images: b.Images = None,
    crop: b.Crop = None,
    resize: b.Resize = None,
    image_gsd: b.ImageGsd = None,
    ref_ratio: b.RefRatio = None,
    distances: b.Distances = False,
    fid_weights: b.FidWeights = None,
    subprocess: b.Subprocess = False,
    html: b.Html = None,
    csv: b.Csv = None,
    overwrite: b.Overwrite = False,
    cache: b.Cache = None,
    jobs: b.Processes = 1,
    json: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = 0,
) -> None:
    """Measure ursat, classical baselines and other programs on a data set, against the truth.

    Known images are degraded as a sensor would, enlarged by every method and compared. Without --root a few small
    images that come with ursat are used, and every output says so. Ends with exit code 6 where a method failed
    on an image; Ctrl-C shows what was done, and the same command goes on from there.
    """
    start_logging(-1 if quiet else verbose)
    from ursat.benchmark.job import BenchmarkOptions, default_cache, prepare
    from ursat.benchmark.report import check_packages

    _check_outputs(html, csv, overwrite=overwrite)
    if html is not None:
        check_packages()
    options = BenchmarkOptions(
        dataset=dataset,
        root=root,
        task=task,
        scales=scales or (),
        protocols=protocol or (),
        tracks=tracks or (),
        methods=tuple(methods or ()),
        external=tuple(external or ()),
        external_timeout=external_timeout,
        images=images,
        crop=crop,
        resize=resize,
        image_gsd=image_gsd,
        ref_ratio=ref_ratio,
        seeds=seeds or (0,),
        cache=None if cache == "none" else Path(cache) if cache else default_cache(),
        jobs=jobs,
        subprocess=subprocess,
        distances=distances,
        fid_weights=fid_weights,
        pictures=html is not None,
        command=shlex.join(["ursat", *sys.argv[1:]]),
    )
    job = prepare(options)
    figures = _figures(metrics, job.task.figures)
    if not quiet:
        _introduce(job)
    with progress(quiet=quiet, doing="measuring", ending="done") as show:
        table = job.run(show)
    _finish(job, table, figures, html=html, csv=csv, json=json, quiet=quiet)
    if not table.complete:
        raise typer.Exit(INTERRUPTED)
    if table.failures:
        raise typer.Exit(PARTIAL)


def _check_outputs(*paths: Path | None, overwrite: bool) -> None:
    from ursat.benchmark.folders import check_writable

    for path in paths:
        if path is not None and path.exists() and not overwrite:
            raise OutputExistsError(f"{path} exists", hint="pass --overwrite to replace it")
        if path is not None and not path.absolute().parent.is_dir():
            raise UsageError(f"{path}: there is no such folder", hint="make it first")
        if path is not None:
            check_writable(path.absolute().parent, str(path), "name another folder")


def _figures(asked: tuple[str, ...] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    """Names of figures: a metric stands for all of its own."""
    from ursat.benchmark.judge import METRICS

    if asked is None:
        return default
    known = {figure for figures in METRICS.values() for figure in figures}
    unknown = [name for name in asked if name not in METRICS and name not in known]
    if unknown:
        raise UsageError(f"--metrics: no such thing as {unknown[0]}", hint="metrics: " + ", ".join(METRICS))
    return tuple(dict.fromkeys(figure for name in asked for figure in METRICS.get(name, (name,))))


def _introduce(job: Job) -> None:
    data = job.dataset
    rows = [("images", f"{len(data.images)}: {data.description}"), ("licence", data.licence)]
    rows += [("split", data.split)] if data.split else []
    rows += [("attribution", line) for line in data.attribution]
    rows.append(("methods", ", ".join(job.methods)))
    render.print_rows(stderr, rows, title=f"ursat benchmark, {data.name}: {job.task.summary}")


def _finish(
    job: Job,
    table: Table,
    figures: tuple[str, ...],
    *,
    html: Path | None,
    csv: Path | None,
    json: bool,
    quiet: bool,
) -> None:
    from ursat.benchmark.report import to_json, write_csv, write_report

    facts, sets = job.facts(table), job.sets(table)
    if json:
        render.print_json(to_json(table, facts, sets))
    else:
        _show(table, facts, figures, sets)
    if csv is not None:
        write_csv(table, csv, dataset=facts.label)
    if html is not None:
        write_report(table, facts, job.panels, html, sets=sets)
    if not quiet:
        for note in facts.notes:
            say("note", note)
        for path in (csv, html):
            if path is not None:
                say("", f"wrote {path}")


def _show(table: Table, facts: RunFacts, figures: tuple[str, ...], sets: Any) -> None:
    """The tables on stdout: drawn on a terminal, as markdown elsewhere."""
    from ursat.benchmark import tables as t
    from ursat.benchmark.report import definitions

    sheets = [t.figure_table(table, figures, sets)]
    drawn = stdout.is_terminal
    if "psnr" in figures:
        sheets += [] if drawn else [t.psnr_table(table)]
        sheets += [t.gain_table(table)] if table.measured else []
        sheets += [t.difference_table(table, figures)] if len(table.measured) > 1 else []
        sheets += [t.trend_table(table, figures), t.printed_table(table, facts.dataset)]
    title = f"{facts.label}: {facts.description}" if not facts.embedded else facts.label
    stdout.print(title, style="bold" if drawn else "")
    for sheet in (sheet for sheet in sheets if sheet.rows):
        stdout.print("")
        if drawn:
            _draw(sheet)
        else:
            sys.stdout.write(sheet.markdown())
    used = {name for name in figures if any(name in score.figures for score in table.scores)}
    used |= {name for found in sets.values() for name in found}
    _explain("What the figures are", [f"{labels}: {definition}" for labels, definition in definitions(used)])
    if any(sheet.rows and sheet.title.startswith("The paper") for sheet in sheets):
        from ursat.benchmark.printed import REASONS

        _explain("Why the printed numbers cannot be compared", REASONS)


def _explain(title: str, lines: Sequence[str]) -> None:
    if lines:
        stdout.print(f"\n{title}:\n" + "\n".join(f"- {line}" for line in lines))


def _draw(sheet: Sheet) -> None:
    from rich.table import Table as Drawn
    from rich.text import Text

    drawn = Drawn(title=sheet.title, title_justify="left", title_style="bold")
    for k, name in enumerate(sheet.head):
        drawn.add_column(name, justify="left" if k < sheet.words else "right")
    previous: tuple[str, ...] = ()
    for row in sheet.rows:
        cell = row[: max(sheet.words - 1, 1)]
        if previous and cell != previous and sheet.words > 1:
            drawn.add_section()
        drawn.add_row(
            *(
                Text("" if k < len(cell) and cell == previous and sheet.words > 1 else text)
                for k, text in enumerate(row)
            )
        )
        previous = cell
    stdout.print(drawn)
