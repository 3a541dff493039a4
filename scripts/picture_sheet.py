"""Draw a sheet that shows the same ground by every method: docs/img/sheet.png.

    python scripts/picture_sheet.py --data DATA [--model NAME|PATH] [--out FILE]

Columns: the input, bicubic, HPF, ursat faithful, ursat realistic, the ground truth. Rows: x4, x8 and x32 of three
validation places (`sensor` degradation, with the reference at a third of the input's pixel), and the sample pair at
x32, which has no truth: there the last column is the 10 m reference. Output pixels are shown one to one, in each row
the panel whose truth has most detail, with one stretch taken from the truth.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from PIL import Image, ImageDraw, ImageFont

import ursat
from ursat.benchmark.baselines import bicubic, hpf, nearest
from ursat.benchmark.metrics.gradient import average_gradient
from ursat.benchmark.metrics.psnr import psnr
from ursat.benchmark.observation import Observation, make_observation
from ursat.benchmark.places import PlaceImage, load_places
from ursat.benchmark.tool import Ursat, parse_options, typed_options

ROOT = Path(__file__).parents[1]
COLUMNS = ("input", "bicubic", "HPF", "ursat faithful", "ursat realistic", "ground truth")
GAP, CAPTION = 4, 18
LIMIT_BYTES = 1_500_000
SAMPLE_SCALE = 32
SAMPLE_WINDOW = (76, 84, 12, 12)  # column, row, width, height in pixels of the input: a part of the town


@dataclass(frozen=True)
class Row:
    """One line of the sheet: a caption, six images (3, h, w) in DN on one grid, and whether the last is the truth."""

    caption: str
    images: list[np.ndarray]
    truth: bool = True


def finest(images: tuple[PlaceImage, ...], place: str, least: int) -> PlaceImage:
    """The image of a place with most detail among those that are large enough for x32."""
    fit = [i for i in images if i.place == place and not i.large and min(i.pixels.shape[-2:]) >= least]
    if not fit:
        raise SystemExit(f"no image of {place} has {least} px a side")
    return max(fit, key=lambda image: average_gradient(image.pixels * 40.0))


def place_row(image: PlaceImage, scale: int, tools: list[Ursat]) -> Row:
    o = make_observation(image, scale, "sensor", "ref")
    made = [nearest(o), bicubic(o), hpf(o), *(tool(o).pixels for tool in tools)]
    figures = ", ".join(f"{name} {psnr(o.gt, m):.1f}" for name, m in zip(COLUMNS[1:5], made[1:], strict=True))
    caption = f"{image.place}  x{scale}: {image.gsd_m * scale:.3g} m to {image.gsd_m:.3g} m.  PSNR dB: {figures}"
    return Row(caption, [*made, o.gt])


def sample_row(tools: list[Ursat]) -> Row:
    col, row, width, height = SAMPLE_WINDOW
    with (
        rasterio.open(ROOT / "sample_data" / "landsat8.tif") as lr,
        rasterio.open(ROOT / "sample_data" / "sentinel2.tif") as ref,
    ):
        ratio = ref.width // lr.width
        here = rasterio.windows.Window(col, row, width, height)
        there = rasterio.windows.Window(col * ratio, row * ratio, width * ratio, height * ratio)
        seen, guide, gsd = lr.read([3, 2, 1], window=here), ref.read([3, 2, 1], window=there), lr.res[0]
    shape = (3, height * SAMPLE_SCALE, width * SAMPLE_SCALE)
    o = Observation("sample", "sample", np.zeros(shape), gsd, seen, guide, SAMPLE_SCALE, "real", "ref", 0)
    made = [nearest(o), bicubic(o), hpf(o)]
    with tempfile.TemporaryDirectory() as folder:
        for number, tool in enumerate(tools):
            out = Path(folder) / f"{number}.tif"
            options = ursat.UpscaleOptions(
                scale=SAMPLE_SCALE, ref=str(ROOT / "sample_data" / "sentinel2.tif"), output=str(out),
                window=SAMPLE_WINDOW, **typed_options(tool.options),
            )  # fmt: skip
            ursat.upscale(str(ROOT / "sample_data" / "landsat8.tif"), options)
            with rasterio.open(out) as file:
                made.append(file.read([3, 2, 1]))
    zoom = SAMPLE_SCALE // ratio
    caption = f"the sample pair  x{SAMPLE_SCALE}: Landsat-8 {gsd:g} m to {gsd / SAMPLE_SCALE:g} m.  "
    caption += "There is no truth: the last column is the Sentinel-2 reference, 10 m"
    return Row(caption, [*made, guide.repeat(zoom, axis=1).repeat(zoom, axis=2)], truth=False)


def busiest(truth: np.ndarray, panel: int) -> tuple[int, int]:
    """(row, column) of the panel with the steepest mean gradient, on a grid of a quarter of a panel."""
    corners = [
        (r, c)
        for r in range(0, truth.shape[1] - panel + 1, panel // 4)
        for c in range(0, truth.shape[2] - panel + 1, panel // 4)
    ]
    return max(corners, key=lambda at: average_gradient(truth[:, at[0] : at[0] + panel, at[1] : at[1] + panel]))


def panels(row: Row, panel: int) -> list[Image.Image]:
    """The same crop of all images in the same stretch, the 1st to the 99th percentile of the last image's crop."""
    r, c = busiest(row.images[-1], panel)
    cut = [image[:, r : r + panel, c : c + panel].astype(np.float64) for image in row.images]
    low, high = (np.percentile(cut[-1], p, axis=(1, 2))[:, None, None] for p in (1, 99))
    unit = [np.clip((x - low) / np.maximum(high - low, 1), 0, 1) for x in cut]
    return [Image.fromarray(np.rint(u * 255).astype(np.uint8).transpose(1, 2, 0)) for u in unit]


def draw(rows: list[Row], panel: int) -> Image.Image:
    step = panel + CAPTION + GAP
    sheet = Image.new("RGB", (len(COLUMNS) * (panel + GAP) - GAP, CAPTION + len(rows) * step), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for column, title in enumerate(COLUMNS):
        pen.text((column * (panel + GAP) + 3, 1), title, fill="black", font=font)
    for number, row in enumerate(rows):
        top = CAPTION + number * step
        pen.text((3, top + 1), row.caption, fill="black", font=font)
        for column, picture in enumerate(panels(row, panel)):
            sheet.paste(picture, (column * (panel + GAP), top + CAPTION))
    return sheet


def save(sheet: Image.Image, path: Path) -> None:
    """Write the sheet as exactly as the limit of the file's size allows: 8 to 6 bits a channel, else 256 colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.asarray(sheet).astype(np.float64)
    for bits in (8, 7, 6):
        step = 255 / (2**bits - 1)
        Image.fromarray(np.rint(np.rint(pixels / step) * step).astype(np.uint8)).save(path, optimize=True)
        if path.stat().st_size <= LIMIT_BYTES:
            return
    sheet.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)
    if path.stat().st_size > LIMIT_BYTES:
        raise SystemExit(f"{path} is larger than {LIMIT_BYTES} bytes: choose a smaller --panel or fewer --places")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", help="the data pack's folder (default: URSAT_DATA)")
    add("--out", type=Path, default=ROOT / "docs" / "img" / "sheet.png")
    add("--model", help="name or file of weights (default: the tool's)")
    add("--faithful", nargs="*", default=["mode=faithful"], metavar="NAME=VALUE", help="options of that column")
    add("--realistic", nargs="*", default=["mode=realistic"], metavar="NAME=VALUE", help="options of that column")
    add("--places", default="catanduanes_PH,neon_YELL,naip_kern_CA")
    add("--scales", default="4,8,32")
    add("--panel", type=int, default=160, help="pixels a side (default: %(default)s)")
    asked = parser.parse_args()
    model = [f"model={asked.model}"] if asked.model else []
    tools = [Ursat(parse_options([*words, *model])) for words in (asked.faithful, asked.realistic)]
    scales = [int(scale) for scale in asked.scales.split(",")]
    images = load_places(asked.data)
    chosen = [finest(images, place, max(asked.panel, 12 * max(scales))) for place in asked.places.split(",")]
    rows = [place_row(image, scale, tools) for image in chosen for scale in scales]
    save(draw([*rows, sample_row(tools)], asked.panel), asked.out)
    print(f"{asked.out}: {asked.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
