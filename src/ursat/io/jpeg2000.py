"""JPEG 2000 files: the header is read here, once another process has come through it; pixels are decoded there."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rasterio
from rasterio.io import DatasetReader

from ursat.io import isolated
from ursat.io.safety import locked_env

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ursat.io.remote import Location

DRIVER = "JP2OpenJPEG"
_numbers = count()
_open: dict[int, Any] = {}  # of the process for decoding: what its parent has open, by number


class JpegReader(DatasetReader):  # type: ignore[misc]  # rasterio has no types
    """A `rasterio.io.DatasetReader` whose pixels come from the process for decoding (`ursat.io.isolated`)."""

    def __init__(self, path: str) -> None:
        super().__init__(path, driver=DRIVER)
        self._number = new_number()

    def read(self, *arguments: object, **options: object) -> Any:
        """As rasterio's own, but for ``out``.

        Raises:
            RasterioError: a block does not decode.
            InputError: decoding comes to no end, or breaks the process.
        """
        return self._elsewhere("read", arguments, options)

    def read_masks(self, *arguments: object, **options: object) -> Any:
        """As rasterio's own, but for ``out``; raises what `read` does."""
        return self._elsewhere("read_masks", arguments, options)

    def _elsewhere(self, method: str, arguments: Sequence[object], options: dict[str, object]) -> Any:
        path = Path(self.name)
        return isolated.call(path, _pixels, self._number, str(path), method, arguments, options)

    def close(self) -> None:
        """Release it, there as well."""
        super().close()
        forget(Path(self.name), self._number)


def new_number() -> int:
    """What something open is called by both processes: new each time, since a path may soon name another file."""
    return next(_numbers)


def forget(path: Location, number: int) -> None:
    """Have the process for decoding close what is open there."""
    if isolated.running():
        isolated.call(path, _close, number)


def there(number: int, make: Callable[[], Any]) -> Any:
    """In the process for decoding: what is open under that number, opened now if this process is new."""
    if number not in _open:
        _open[number] = make()
    return _open[number]


def _close(number: int) -> None:
    found = _open.pop(number, None)
    if found is not None:
        found.close()


def _pixels(number: int, path: str, method: str, arguments: Sequence[Any], options: dict[str, Any]) -> NDArray[Any]:
    with locked_env():
        dataset = there(number, lambda: rasterio.open(path, driver=DRIVER))
        isolated.allow(_decoded(dataset, options.get("window")) * dataset.count)
        pixels: NDArray[Any] = getattr(dataset, method)(*arguments, **options)
    return pixels


def _decoded(dataset: DatasetReader, window: Any) -> float:
    """Pixels of one band in the blocks that a window touches, at most."""
    if window is None:
        return float(dataset.height * dataset.width)
    rows, cols = dataset.block_shapes[0]
    (top, bottom), (left, right) = window.toranges()
    return float(min(bottom - top + 2 * rows, dataset.height) * min(right - left + 2 * cols, dataset.width))
