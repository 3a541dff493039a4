"""How well a degraded reference agrees with the input around each pixel; for numpy arrays and torch tensors alike.

The fit measures it on sample windows (numpy) and the cascade on every window (torch), so both must mean the same
thing; only shifted additions are used, hence no result depends on the window it is computed in.
"""

from __future__ import annotations

from typing import Generic, NamedTuple

from ursat.fir import BINOMIAL9, Array, filter_same

# Neighbourhoods are weighted by BINOMIAL9: about 5 x 5 input pixels, 26 independent ones.
REACH = len(BINOMIAL9) // 2
# Share of the common detail's variance that small errors of blur, position and band response leave as residual.
TEXTURE_SHARE = 0.15
_TINY = 1e-6


class Agreement(NamedTuple, Generic[Array]):
    """Neighbourhood means, each (..., h, w): squared residual, and variance of the detail that both images have.

    ``detail`` is the lesser of the two images' variances: a cloud's texture in one of them excuses nothing.
    """

    misfit: Array
    detail: Array


def local_agreement(y: Array, seen: Array, known: Array) -> Agreement[Array]:
    """Compare the input with the degraded reference.

    Args:
        y: (..., h, w) the input, finite everywhere.
        seen: (..., h, w) the degraded reference in the same units, finite everywhere.
        known: (..., h, w), 1 where both may be compared, else 0.

    Returns:
        Means weighted by ``known``; near 0 where the neighbourhood holds nothing known. Reach: 2 x `REACH`.
    """
    residual = (y - seen) * known
    weight = filter_same(known, BINOMIAL9) + _TINY
    misfit = filter_same(residual * residual, BINOMIAL9) / weight
    variances = []
    for image in (y, seen):
        detail = (image - filter_same(image, BINOMIAL9)) * known
        variances.append(filter_same(detail * detail, BINOMIAL9) / weight)
    own, other = variances
    return Agreement(misfit, (own + other - abs(own - other)) * 0.5)
