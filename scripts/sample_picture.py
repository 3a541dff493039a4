"""Draw docs/img/sample_x32.jpg: the sample scene as observed, as ursat made it, and the reference, side by side.

    python scripts/sample_picture.py demo_out/landsat8_x32.tif docs/img/sample_x32.jpg

The upper row is the whole scene (the reference has a cloud and its shadow, the input has not), the lower one a part
of the town. The same stretch everywhere.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import rasterio
from PIL import Image, ImageDraw

SAMPLES = Path(__file__).parents[1] / "sample_data"
PANEL, GAP, CAPTION = 420, 6, 22
BANDS = [3, 2, 1]
TOWN = (64, 74, 44)  # column, row and side of the zoom, in input pixels


def stretch(pixels: np.ndarray, low: np.ndarray, high: np.ndarray) -> Image.Image:
    """(3, h, w) -> an 8-bit picture."""
    unit = np.clip((pixels - low) / (high - low), 0, 1) ** 0.7
    return Image.fromarray((unit * 255).astype(np.uint8).transpose(1, 2, 0))


def main(result: str, target: str) -> None:
    sources = (SAMPLES / "landsat8.tif", Path(result), SAMPLES / "sentinel2.tif")
    titles = ("Landsat-8, 40 m, enlarged by cubic", "ursat upscale --scale 32 (1.25 m)", "Sentinel-2 reference, 10 m")
    images = []
    for path in sources:
        with rasterio.open(path) as dataset:
            images.append(dataset.read(BANDS).astype(np.float32))
    low = np.percentile(images[0], 0.5, axis=(1, 2))[:, None, None]
    high = np.percentile(images[0], 99.5, axis=(1, 2))[:, None, None]
    sheet = Image.new("RGB", (3 * PANEL + 2 * GAP, 2 * PANEL + GAP + CAPTION), "white")
    draw = ImageDraw.Draw(sheet)
    for column, (image, title) in enumerate(zip(images, titles, strict=True)):
        scale = image.shape[1] // images[0].shape[1]
        left, top, side = (v * scale for v in TOWN)
        picture = stretch(image, low, high)
        x = column * (PANEL + GAP)
        draw.text((x + 4, 4), title, fill="black")
        for row, part in enumerate((picture, picture.crop((left, top, left + side, top + side)))):
            y = CAPTION + row * (PANEL + GAP)
            resample = Image.Resampling.BICUBIC if part.width < PANEL else Image.Resampling.LANCZOS
            sheet.paste(part.resize((PANEL, PANEL), resample), (x, y))
    sheet.save(target, quality=90, subsampling=0, optimize=True)  # a palette would add speckle


if __name__ == "__main__":
    main(*sys.argv[1:3])
