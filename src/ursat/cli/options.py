"""Every argument and option that has to do with rasters, once each: its names, its meaning, how it is read.

`model_options` has those that choose a model, `train_options` those of `ursat train` alone. The first name is
canonical; the others are what users of GDAL and rio have in their fingers.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

import typer

from ursat.cli import parse

_reference = partial(typer.Option, rich_help_panel="Reference")
_region = partial(typer.Option, rich_help_panel="Region and bands")
_output = partial(typer.Option, rich_help_panel="Output")
_sensor = partial(typer.Option, rich_help_panel="Sensor and closure")
_limits = partial(typer.Option, rich_help_panel="Speed and limits")
_messages = partial(typer.Option, rich_help_panel="Messages")

Input = Annotated[
    str,
    typer.Argument(
        metavar="INPUT",
        help="GeoTIFF, COG, JP2, Landsat scene folder or MTL file, Sentinel-2 .SAFE folder or zip; '-' reads stdin.",
    ),
]
OutputArgument = Annotated[
    str | None, typer.Argument(metavar="OUTPUT", help="The same as -o, for pipelines that pass two paths.")
]
AnyRaster = Annotated[str, typer.Argument(metavar="FILE", help="Any input that `upscale` takes, or its output.")]
Verified = Annotated[str, typer.Argument(metavar="OUTPUT", help="A file that ursat wrote.")]
VerifyInput = Annotated[
    str, typer.Option("--input", "-i", metavar="INPUT", help="The input it was made from (same file or scene).")
]

Scale = Annotated[
    float | None,
    typer.Option("--scale", parser=parse.scale, metavar="K", help="How many times finer: any K from 2 to 1024."),
]
Gsd = Annotated[
    float | None,
    typer.Option(
        "--gsd", parser=parse.gsd, metavar="METRES", help="Pixel size of the output in metres, instead of --scale."
    ),
]

Ref = Annotated[
    str | None,
    _reference(
        "--ref",
        "--reference",
        metavar="REF",
        help="A finer scene of the same ground: any CRS, grid and extent, any input that INPUT may be.",
    ),
]
RequiredRef = Annotated[
    str, typer.Option("--ref", "--reference", metavar="REF", help="The scene to register to INPUT.")
]
RefBands = Annotated[
    list[str] | None, _reference("--ref-bands", metavar="B,B", help="The reference's bands, as --bands.")
]
RefPsf = Annotated[
    str | None,
    _reference(
        "--ref-psf",
        "--reference-psf",
        parser=parse.psf,
        metavar="auto|box|mtf=X",
        help="The reference's sharpness, as --psf. Default: as --psf where that is given, else auto.",
    ),
]
Coreg = Annotated[
    Literal["auto", "global", "off"], _reference("--coreg", help="How the reference is moved onto the input.")
]
MaxShift = Annotated[
    float,
    _reference(
        "--max-shift",
        parser=parse.length,
        metavar="METRES",
        show_default="60m",
        help="The largest shift that is believed.",
    ),
]
RequireRef = Annotated[
    bool,
    _reference(
        "--require-ref", help="Stop with exit code 4 instead of going on without a reference that cannot be used."
    ),
]

Bands = Annotated[
    list[str] | None,
    _region(
        "--bands",
        "-b",
        "--bidx",
        metavar="B,B",
        help="Bands by name, description or number (from 1), in this order; or names for an unnamed file's bands.",
    ),
]
Bbox = Annotated[
    Any,  # a tuple of four would make Typer want four words
    _region(
        "--bbox", "--bounds", parser=parse.bbox, metavar="W,S,E,N", help="Only this box, grown to whole input pixels."
    ),
]
BboxCrs = Annotated[
    str | None,
    _region(
        "--bbox-crs", "--bounds-crs", metavar="CRS", help="CRS of --bbox, such as EPSG:4326. Default: the input's."
    ),
]
Aoi = Annotated[
    str | None,
    _region(
        "--aoi",
        metavar="FILE|-",
        help="Only this GeoJSON area (geometry, Feature or FeatureCollection; longitude, latitude); '-' reads stdin.",
    ),
]
WindowOption = Annotated[
    Any, _region("--window", parser=parse.window, metavar="COL,ROW,W,H", help="Only this window, in input pixels.")
]
Mask = Annotated[
    str,
    _region(
        "--mask",
        metavar="auto|FILE|none",
        help="Unusable pixels: the scene's own QA_PIXEL or SCL, a raster that is not zero there, or none.",
    ),
]
Trusted = Annotated[
    bool,
    _region(
        "--trusted",
        help="Also open VRT files, which make GDAL read any file that they name, and links out of a scene's folder.",
    ),
]
AllowRemote = Annotated[
    bool,
    _region(
        "--allow-remote",
        help="Files may also be COGs on a server (https://, http://, s3://); only the windows needed are fetched.",
    ),
]

Output = Annotated[
    str | None,
    _output(
        "--output",
        "-o",
        metavar="OUT",
        help="Where to write; '-' writes the file to stdout. Default: <stem>_x<K>.tif in the current folder.",
    ),
]
Overwrite = Annotated[bool, _output("--overwrite", help="Replace an output that exists (else exit code 5).")]
Dtype = Annotated[
    Literal["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"] | None,
    _output("--dtype", "-t", help="Data type of the output. Default: the input's."),
]
Nodata = Annotated[
    str | None,
    _output(
        "--nodata",
        parser=parse.nodata,
        metavar="NUMBER|nan|none",
        help="Nodata value of the output. Default: the input's.",
    ),
]
CreationOptions = Annotated[
    list[str] | None,
    _output(
        "--co",
        "--creation-option",
        metavar="K=V",
        help="Creation option of GDAL's COG driver, passed on unchanged; repeat it, or pack several: K=V,K=V.",
    ),
]

Psf = Annotated[
    str,
    _sensor(
        "--psf",
        parser=parse.psf,
        metavar="auto|box|mtf=X",
        help="The input sensor's blur: auto, a plain pixel, or its MTF at Nyquist.",
    ),
]
Closure = Annotated[
    Literal["auto", "exact", "off"],
    _sensor(
        "--closure",
        help="How closely the output, as the sensor sees it, equals the input: to its noise, to 1 DN, or not at all.",
    ),
]

Device = Annotated[str, _limits("--device", parser=parse.device, metavar="auto|cpu|cuda:N", help="Where to compute.")]
Jobs = Annotated[
    int,
    _limits(
        "--jobs",
        "-j",
        "--num-threads",
        parser=parse.jobs,
        metavar="N",
        show_default="all cores",
        help="Threads; 0 or ALL_CPUS for all cores. The pixels do not depend on it.",
    ),
]
Tile = Annotated[
    int,
    _limits(
        "--tile",
        min=64,
        metavar="PX",
        help="Side of a tile in output pixels, halved to fit --max-memory. The pixels do not depend on it.",
    ),
]
MaxMemory = Annotated[
    int,
    _limits(
        "--max-memory",
        parser=parse.size,
        metavar="SIZE",
        show_default="4G",
        help="The most memory to use, in units of 1024; refuse to start (exit code 7) where no tile is small enough.",
    ),
]
MaxPixels = Annotated[
    float,
    _limits(
        "--max-pixels",
        parser=parse.count,
        metavar="N",
        show_default="4e9",
        help="Refuse to start (exit code 7) when the output has more pixels.",
    ),
]
DryRun = Annotated[bool, _limits("--dry-run", help="Print the plan, as `ursat plan` does, and stop.")]

Json = Annotated[bool, _messages("--json", help="The whole report as JSON on stdout.")]
Quiet = Annotated[bool, _messages("--quiet", "-q", help="Nothing on stderr but errors: no progress, no warnings.")]
Verbose = Annotated[
    int,
    _messages(
        "--verbose",
        "-v",
        count=True,
        metavar="",
        show_default=False,
        help="Say what is decided; twice for details and tracebacks.",
    ),
]
