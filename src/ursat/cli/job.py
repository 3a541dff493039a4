"""The arguments that `upscale` and `plan` share, as typed, and what they mean together."""

from __future__ import annotations

import functools
import inspect
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

import typer

from ursat.cli import model_options as m
from ursat.cli import options as o
from ursat.cli import parse
from ursat.cli import shard_options as s
from ursat.errors import UsageError
from ursat.run.options import UpscaleOptions
from ursat.run.shards.options import ShardOptions

if TYPE_CHECKING:
    from collections.abc import Callable

J = TypeVar("J", bound="Job")
_DEFAULT = UpscaleOptions()
_EXCLUSIVE = (("scale", "gsd"), ("bbox", "aoi", "window"), ("output_argument", "output"), ("mode", "fidelity"))


@dataclass(frozen=True, slots=True)
class Job:
    """One field per argument, in the order of the help text."""

    input: o.Input
    output_argument: o.OutputArgument = None
    scale: o.Scale = None
    gsd: o.Gsd = None
    model: m.Model = _DEFAULT.model
    mode: m.Mode = None
    fidelity: m.Fidelity = None
    steps: m.Steps = None
    samples: m.Samples = None
    seed: m.Seed = _DEFAULT.seed
    sr: m.Sr = None
    one_step: m.OneStep = False
    sampler: m.SamplerOption = None
    start: m.Start = None
    csp: m.Csp = None
    paper_literal: m.PaperLiteral = None
    ref: o.Ref = None
    ref_bands: o.RefBands = None
    ref_psf: o.RefPsf = None
    coreg: o.Coreg = "auto"
    max_shift: o.MaxShift = _DEFAULT.max_shift
    require_ref: o.RequireRef = False
    bands: o.Bands = None
    bbox: o.Bbox = None
    bbox_crs: o.BboxCrs = None
    aoi: o.Aoi = None
    window: o.WindowOption = None
    mask: o.Mask = _DEFAULT.mask
    trusted: o.Trusted = False
    allow_remote: o.AllowRemote = False
    output: o.Output = None
    overwrite: o.Overwrite = False
    dtype: o.Dtype = None
    nodata: o.Nodata = None
    creation_options: o.CreationOptions = None
    psf: o.Psf = _DEFAULT.psf
    closure: o.Closure = "auto"
    device: o.Device = _DEFAULT.device
    jobs: o.Jobs = _DEFAULT.jobs
    tile: o.Tile = _DEFAULT.tile
    max_memory: o.MaxMemory = _DEFAULT.max_memory
    max_pixels: o.MaxPixels = _DEFAULT.max_pixels
    shard_size: s.ShardSize = None
    dry_run: o.DryRun = False
    json: o.Json = False
    quiet: o.Quiet = False
    verbose: o.Verbose = 0

    @property
    def verbosity(self) -> int:
        """-1 for --quiet, else how often -v was given."""
        return -1 if self.quiet else self.verbose

    def options(self) -> UpscaleOptions:
        """The same for the library, once the options have been found to make sense together.

        Raises:
            UsageError: two options exclude each other, or one needs another that is missing.
        """
        self._check()
        return UpscaleOptions(
            scale=self.scale,
            gsd=self.gsd,
            ref=self.ref,
            output=self.output if self.output_argument is None else self.output_argument,
            model=self.model,
            mode=self.mode,
            fidelity=self.fidelity,
            steps=self.steps,
            samples=self.samples,
            sr=self.sr,
            one_step=self.one_step,
            sampler=self.sampler,
            start=self.start,
            csp=self.csp,
            paper_literal=parse.names(self.paper_literal or ()),
            bands=parse.names(self.bands or ()),
            ref_bands=parse.names(self.ref_bands or ()),
            window=self.window,
            bbox=self.bbox,
            bbox_crs=self.bbox_crs,
            aoi=self.aoi,
            dtype=self.dtype,
            nodata=self.nodata,
            mask=self.mask,
            psf=self.psf,
            reference_psf=self.ref_psf,
            closure=self.closure,
            coreg=self.coreg,
            max_shift=self.max_shift,
            require_ref=self.require_ref,
            device=self.device,
            jobs=self.jobs,
            tile=self.tile,
            seed=self.seed,
            max_memory=self.max_memory,
            max_pixels=self.max_pixels,
            overwrite=self.overwrite,
            creation_options=parse.key_values(self.creation_options or ()),
            trusted=self.trusted,
            shards=ShardOptions(size=self.shard_size),
            allow_remote=self.allow_remote,
        )

    def _check(self) -> None:
        if self.output is not None and self.output_argument is not None:
            both = f"{self.output_argument} and --output {self.output}"
            raise UsageError(f"two outputs: {both}", hint="give the output once")
        if self.samples is not None and "-" in (self.output, self.output_argument):
            raise UsageError("--samples writes a second file, beside the output", hint="name the output with -o OUT")
        sizes = _given({"--scale": self.scale, "--gsd": self.gsd})
        if len(sizes) != 1:
            problem = "--scale and --gsd given together" if sizes else "neither --scale nor --gsd given"
            raise UsageError(problem, hint="say once how fine the output shall be: --scale 32, or --gsd 0.9375")
        regions = _given({"--bbox": self.bbox, "--aoi": self.aoi, "--window": self.window})
        if len(regions) > 1:
            raise UsageError(f"{' and '.join(regions)} given together", hint="name the region once")
        if self.bbox_crs is not None and self.bbox is None:
            raise UsageError("--bbox-crs without --bbox", hint="an --aoi brings its own CRS; a --window needs none")
        if [self.input, self.ref, self.aoi].count("-") > 1:
            raise UsageError("'-' (stdin) given for more than one file", hint="only one of them can be read from there")
        orphans = _given(
            {"--require-ref": self.require_ref or None, "--ref-bands": self.ref_bands, "--ref-psf": self.ref_psf}
        )
        if self.ref is None and orphans:
            raise UsageError(f"{orphans[0]} without --ref", hint="name the reference with --ref FILE")


def _given(values: dict[str, object]) -> list[str]:
    return [name for name, value in values.items() if value is not None]


def _without_overruled(context: typer.Context, arguments: dict[str, Any]) -> dict[str, Any]:
    """What the command line says replaces what the environment says, also where the two are different options."""
    source = {name: getattr(context.get_parameter_source(name), "name", "") for name in arguments}
    kept = dict(arguments)
    for group in _EXCLUSIVE:
        if any(source[name] == "COMMANDLINE" for name in group):
            kept.update({name: None for name in group if source[name] == "ENVIRONMENT"})
    return kept


def job_command(function: Callable[[J], None]) -> Callable[..., None]:
    """A function of a `Job`, or of a dataclass with more fields, as a Typer command with one parameter per field."""
    kind = get_type_hints(function)["job"]
    hints = get_type_hints(kind, include_extras=True)
    parameters = [
        inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
        *(
            inspect.Parameter(
                f.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if f.default is MISSING else f.default,
                annotation=hints[f.name],
            )
            for f in fields(kind)
        ),
    ]

    @functools.wraps(function)
    def command(context: typer.Context, **arguments: Any) -> None:
        function(kind(**_without_overruled(context, arguments)))

    # Typer would look through __wrapped__ at `function` and see one parameter.
    del command.__wrapped__
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command
