"""Every argument and option of the command line, once each: its names, its meaning, how it is read.

The first name is canonical; the others are what users of GDAL and rio have in their fingers.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from ursat.cli import parse

REFERENCE = "Reference"
REGION = "Region and bands"
OUTPUT = "Output"
SENSOR = "Sensor and closure"
LIMITS = "Speed and limits"
MESSAGES = "Messages"

Input = Annotated[
    str,
    typer.Argument(
        metavar="INPUT",
        show_default=False,
        help="GeoTIFF, COG, JP2, Landsat scene folder or MTL file, Sentinel-2 .SAFE folder or zip; '-' reads stdin.",
    ),
]
OutputArgument = Annotated[
    str | None,
    typer.Argument(metavar="OUTPUT", show_default=False, help="The same as -o, for pipelines that pass two paths."),
]
AnyRaster = Annotated[
    str, typer.Argument(metavar="FILE", show_default=False, help="Any input that `upscale` takes, or its output.")
]
Verified = Annotated[str, typer.Argument(metavar="OUTPUT", show_default=False, help="A file that ursat wrote.")]
VerifyInput = Annotated[
    str,
    typer.Option(
        "--input", "-i", metavar="INPUT", show_default=False, help="The input it was made from (same file or scene)."
    ),
]

Scale = Annotated[
    float | None,
    typer.Option(
        "--scale", parser=parse.scale, metavar="K", show_default=False, help="How many times finer: any K >= 2."
    ),
]
Gsd = Annotated[
    float | None,
    typer.Option(
        "--gsd",
        parser=parse.gsd,
        metavar="METRES",
        show_default=False,
        help="Pixel size of the output in metres, instead of --scale.",
    ),
]

Ref = Annotated[
    str | None,
    typer.Option(
        "--ref",
        "--reference",
        metavar="REF",
        show_default=False,
        rich_help_panel=REFERENCE,
        help="A finer scene of the same ground: any CRS, grid and extent, any input that INPUT may be.",
    ),
]
RequiredRef = Annotated[
    str,
    typer.Option("--ref", "--reference", metavar="REF", show_default=False, help="The scene to register to INPUT."),
]
RefBands = Annotated[
    list[str] | None,
    typer.Option(
        "--ref-bands",
        metavar="B,B",
        show_default=False,
        rich_help_panel=REFERENCE,
        help="The reference's bands, as --bands.",
    ),
]
RefPsf = Annotated[
    str | None,
    typer.Option(
        "--ref-psf",
        "--reference-psf",
        parser=parse.psf,
        metavar="auto|box|mtf=X",
        show_default=False,
        rich_help_panel=REFERENCE,
        help="The reference's sharpness, as --psf. Default: as --psf where that is given, else auto.",
    ),
]
Coreg = Annotated[
    Literal["auto", "global", "off"],
    typer.Option("--coreg", rich_help_panel=REFERENCE, help="How the reference is moved onto the input."),
]
MaxShift = Annotated[
    float,
    typer.Option(
        "--max-shift",
        parser=parse.length,
        metavar="METRES",
        show_default="60m",
        rich_help_panel=REFERENCE,
        help="The largest shift that is believed.",
    ),
]
RequireRef = Annotated[
    bool,
    typer.Option(
        "--require-ref",
        rich_help_panel=REFERENCE,
        help="Stop with exit code 4 instead of going on without a reference that cannot be used.",
    ),
]

Bands = Annotated[
    list[str] | None,
    typer.Option(
        "--bands",
        "-b",
        "--bidx",
        metavar="B,B",
        show_default=False,
        rich_help_panel=REGION,
        help="Bands by name, description or number (from 1), in this order; or names for an unnamed file's bands.",
    ),
]
Bbox = Annotated[
    Any,  # a tuple of four would make Typer want four words
    typer.Option(
        "--bbox",
        "--bounds",
        parser=parse.bbox,
        metavar="W,S,E,N",
        show_default=False,
        rich_help_panel=REGION,
        help="Only this box, grown to whole input pixels.",
    ),
]
BboxCrs = Annotated[
    str | None,
    typer.Option(
        "--bbox-crs",
        "--bounds-crs",
        metavar="CRS",
        show_default=False,
        rich_help_panel=REGION,
        help="CRS of --bbox, such as EPSG:4326. Default: the input's.",
    ),
]
Aoi = Annotated[
    str | None,
    typer.Option(
        "--aoi",
        metavar="FILE|-",
        show_default=False,
        rich_help_panel=REGION,
        help="Only this GeoJSON area (geometry, Feature or FeatureCollection; longitude, latitude); '-' reads stdin.",
    ),
]
WindowOption = Annotated[
    Any,
    typer.Option(
        "--window",
        parser=parse.window,
        metavar="COL,ROW,W,H",
        show_default=False,
        rich_help_panel=REGION,
        help="Only this window, in input pixels.",
    ),
]
Mask = Annotated[
    str,
    typer.Option(
        "--mask",
        metavar="auto|FILE|none",
        rich_help_panel=REGION,
        help="Unusable pixels: the scene's own QA_PIXEL or SCL, a raster that is not zero there, or none.",
    ),
]
Trusted = Annotated[
    bool,
    typer.Option(
        "--trusted",
        rich_help_panel=REGION,
        help="Also open VRT files, which can make GDAL read any file that they name.",
    ),
]

Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        show_default=False,
        rich_help_panel=OUTPUT,
        help="Where to write; '-' writes the file to stdout. Default: <stem>_x<K>.tif in the current folder.",
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", rich_help_panel=OUTPUT, help="Replace an output that exists (else exit code 5).")
]
Dtype = Annotated[
    Literal["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"] | None,
    typer.Option(
        "--dtype",
        "-t",
        show_default=False,
        rich_help_panel=OUTPUT,
        help="Data type of the output. Default: the input's.",
    ),
]
Nodata = Annotated[
    str | None,
    typer.Option(
        "--nodata",
        parser=parse.nodata,
        metavar="NUMBER|nan|none",
        show_default=False,
        rich_help_panel=OUTPUT,
        help="Nodata value of the output. Default: the input's.",
    ),
]
CreationOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--co",
        "--creation-option",
        metavar="K=V",
        show_default=False,
        rich_help_panel=OUTPUT,
        help="Creation option of GDAL's COG driver, passed on unchanged; repeat it, or pack several: K=V,K=V.",
    ),
]

Psf = Annotated[
    str,
    typer.Option(
        "--psf",
        parser=parse.psf,
        metavar="auto|box|mtf=X",
        rich_help_panel=SENSOR,
        help="The input sensor's blur: auto, a plain pixel, or its MTF at Nyquist.",
    ),
]
Closure = Annotated[
    Literal["auto", "exact", "off"],
    typer.Option(
        "--closure",
        rich_help_panel=SENSOR,
        help="How closely the output, as the sensor sees it, equals the input: to its noise, to 1 DN, or not at all.",
    ),
]

Device = Annotated[
    str,
    typer.Option(
        "--device", parser=parse.device, metavar="auto|cpu|cuda:N", rich_help_panel=LIMITS, help="Where to compute."
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        "-j",
        "--num-threads",
        parser=parse.jobs,
        metavar="N",
        show_default="all cores",
        rich_help_panel=LIMITS,
        help="Threads; 0 or ALL_CPUS for all cores. The pixels do not depend on it.",
    ),
]
Tile = Annotated[
    int,
    typer.Option(
        "--tile",
        min=64,
        metavar="PX",
        rich_help_panel=LIMITS,
        help="Side of a tile in output pixels, halved to fit --max-memory. The pixels do not depend on it.",
    ),
]
MaxMemory = Annotated[
    int,
    typer.Option(
        "--max-memory",
        parser=parse.size,
        metavar="SIZE",
        show_default="4G",
        rich_help_panel=LIMITS,
        help="The most memory to use, in units of 1024; refuse to start (exit code 7) where no tile is small enough.",
    ),
]
MaxPixels = Annotated[
    float,
    typer.Option(
        "--max-pixels",
        parser=parse.count,
        metavar="N",
        show_default="4e9",
        rich_help_panel=LIMITS,
        help="Refuse to start (exit code 7) when the output has more pixels.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", rich_help_panel=LIMITS, help="Print the plan, as `ursat plan` does, and stop.")
]

Json = Annotated[bool, typer.Option("--json", rich_help_panel=MESSAGES, help="The whole report as JSON on stdout.")]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", rich_help_panel=MESSAGES, help="Nothing on stderr but errors: no progress, no warnings."
    ),
]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        metavar="",
        show_default=False,
        rich_help_panel=MESSAGES,
        help="Say what is decided; twice for details and tracebacks.",
    ),
]
