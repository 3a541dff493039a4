"""A model that answers NaN or infinity must not be believed anywhere: the run stops, and says where it happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ursat.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

    from ursat.grid import Window


def check_finite(values: Tensor, valid: Tensor, window: Window) -> None:
    """Refuse a tile that holds anything but numbers where it is valid.

    Args:
        values: (C, h, w), physical units.
        valid: (C, h, w) bool.
        window: of the tile, on the full output grid; named by the error.

    Raises:
        ModelError: NaN or infinity.
    """
    if bool(torch.isfinite(values.sum())):  # one pass, no mask: what is not finite does not get lost in a sum
        return
    wrong = ~torch.isfinite(values) & valid
    if not bool(wrong.any()):
        return
    band, row, col = (int(v) for v in wrong.nonzero()[0])
    raise ModelError(
        f"the model made {values[band, row, col].item()} in band {band + 1} of the tile at rows {window.row} to "
        f"{window.row_stop - 1}, columns {window.col} to {window.col_stop - 1} of the full output grid; the first at "
        f"row {window.row + row}, column {window.col + col}",
        hint="nothing of it was written; try --device cpu or another --model, and report it with the input",
    )
