"""Pixels as text that a page can hold."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def data_uri(pixels: NDArray[np.uint8]) -> str:
    """(C, h, w) as a lossless WebP in a data URI; one or two bands are shown grey.

    Raises:
        UsageError: Pillow is not installed.
    """
    image = pillow()
    rows = np.ascontiguousarray((pixels if len(pixels) == 3 else np.repeat(pixels[:1], 3, axis=0)).transpose(1, 2, 0))
    held = io.BytesIO()
    image.fromarray(rows).save(held, "WEBP", lossless=True, quality=60, method=4)
    return "data:image/webp;base64," + base64.b64encode(held.getvalue()).decode()


def pillow() -> Any:
    """Its module `Image`.

    Raises:
        UsageError: Pillow is not installed.
    """
    try:
        from PIL import Image  # noqa: PLC0415  (of the extra `bench`)
    except ImportError as err:
        raise UsageError("a report needs Pillow", hint="pip install 'ursat[bench]'") from err
    return Image
