"""CSP-WaveDiffUR's networks behind one door: CSP encoder, conditional U-Net, CSHR (paper, Figure 3).

All work on normalised images (`ursat.models.paper.normalise`) of one level: the input on h x w cells, the output on
2h x 2w pixels, whose low-frequency band A lives on h x w. B is the batch, C the three bands.

A result depends on nothing farther than convolutions and attention's windows reach: no normalisation over space, no
pooling, no global attention. Windows of `ursat.models.paper.config.WINDOW` cells are counted from the first cell
given: blocks that begin at multiples of it, with a halo that is a multiple of it, have windows at absolute
coordinates, and so the same results whatever the tiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ursat.models.paper.attention import Tokens
from ursat.models.paper.config import WINDOW
from ursat.models.paper.cshr import CSHR
from ursat.models.paper.csp import CSPEncoder
from ursat.models.paper.unet import UNet
from ursat.models.wavelet import replicate

if TYPE_CHECKING:
    from ursat.models.paper.config import PaperConfig
    from ursat.models.paper.normalise import Conditions


class PaperNetwork(nn.Module):
    """T_theta, s_theta and M of Algorithm 2; without CSP and CSHR what Algorithm 1 needs of them.

    Args:
        config: sizes and switches. ``csp`` or ``cshr`` False: that part does not exist.
    """

    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        self.config = config
        self.unet = UNet(config)
        self.csp = CSPEncoder(config) if config.csp else None
        self.cshr = CSHR(config) if config.cshr else None

    def forward(
        self,
        seen: Conditions,
        context: Tensor,
        a_t: Tensor | None = None,
        t: Tensor | None = None,
        *,
        alone: bool = False,
    ) -> tuple[Tensor | None, Tensor]:
        """Everything about a level in one call: the noise in A_t where that is given, and v, h, d.

        Args:
            seen: the level's images, (B, ...).
            context: (B, 3).
            a_t: (B, C, h, w) the noisy low-frequency band, or None.
            t: (B,) its steps.
            alone: leave the CSP's tokens out, as Algorithm 1 does.

        Returns:
            (B, C, h, w) of `noise`, or None; (B, 3 C, h, w) of `restore`.
        """
        bands = self.restore(seen.x, seen.base, seen.ref, context)
        if a_t is None or t is None:
            return None, bands
        tokens = None if alone else self.encode(seen.x, seen.ref, context)
        return self.noise(a_t, seen.tau, t, tokens, context), bands

    def encode(self, x: Tensor, ref: Tensor | None, context: Tensor) -> Tokens | None:
        """The condition tau^lf of Eq. 12, once a level and reference.

        Args:
            x: (B, C, h, w).
            ref: (B, C, 2h, 2w), or None: the input's own pixels stand in.
            context: (B, 3), see `ursat.models.paper.context.context_numbers`.

        Returns:
            tokens, or None where the configuration has no CSP.
        """
        if self.csp is None:
            return None
        ref = _own(x) if ref is None else ref
        return Tokens(self.csp(whole(x, WINDOW), whole(ref, 2 * WINDOW), context))

    def noise(self, a_t: Tensor, tau: Tensor, t: Tensor, tokens: Tokens | None, context: Tensor) -> Tensor:
        """The estimate of the noise in A_t, s_theta of Eq. 8.

        Args:
            a_t: (B, C, h, w) the noisy low-frequency band.
            tau: (B, C, h, w) the low-frequency condition.
            t: (B,) int in 0 .. T - 1.
            tokens: of `encode`; None only where the configuration has no CSP, or to leave them out.
            context: (B, 3).

        Returns:
            (B, C, h, w).
        """
        out: Tensor = self.unet(whole(a_t, WINDOW), whole(tau, WINDOW), t, tokens, context)
        return out[..., : a_t.shape[-2], : a_t.shape[-1]]

    def restore(self, x: Tensor, base: Tensor, ref: Tensor | None, context: Tensor) -> Tensor:
        """The high-frequency bands of Eq. 14-17.

        Args:
            x: (B, C, h, w).
            base: (B, 3 C, h, w) v, h, d of the classical enlargement, which the CSHR corrects.
            ref: (B, C, 2h, 2w), or None: the input's own pixels stand in.
            context: (B, 3).

        Returns:
            (B, 3 C, h, w): v, h, d of the output; ``base`` itself where the configuration has no CSHR.
        """
        if self.cshr is None:
            return base
        ref = _own(x) if ref is None else ref
        out: Tensor = self.cshr(whole(x, WINDOW), whole(base, WINDOW), whole(ref, 2 * WINDOW), context)
        return out[..., : x.shape[-2], : x.shape[-1]]


def _own(x: Tensor) -> Tensor:
    """In the layout of all other images; in another one the last bit of a convolution depends on the threads."""
    return replicate(x).contiguous(memory_format=torch.channels_last)


def whole(x: Tensor, side: int) -> Tensor:
    """(B, C, h, w), continued below and to the right to multiples of ``side`` by its last pixels."""
    rows, cols = -x.shape[-2] % side, -x.shape[-1] % side
    return pad(x, (0, cols, 0, rows), mode="replicate") if rows or cols else x
