"""Sizes and switches of the paper's networks (arXiv 2412.18996, section 3.2 and Tables 5-6)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

CSPKind = Literal["reuse", "progressive", "none"]  # see `ursat.models.paper.stage.CSPWaveDiffURStage`
CSP_KINDS: tuple[CSPKind, ...] = get_args(CSPKind)
RUN_LITERALS = ("projection", "loop")  # switches of `PaperLiteral` that any weights can be run with
WINDOW = 32  # cells of the level's input grid a side: attention does not look beyond one


@dataclass(frozen=True, slots=True)
class PaperLiteral:
    """Formulas as they are printed, one switch each. All are off: as printed, each harms the result.

    softmax: Eq. 18 with V inside the softmax, softmax(Q K^T V / sqrt(d)); its rows are then distributions over the
        channels, and no attention weights exist. Off: softmax(Q K^T / sqrt(d)) V, what every cited source has.
    lambda2: Eq. 19 with 2 for the total variation. Against 0.1 for the squared error, that leaves about a hundredth of
        the finest detail. Off: 0.01, as the code has that the sentence comes from (DiffLL, arXiv 2306.00306).
    ssim: Eq. 20 with the structural similarity of the difference to nothing, SSIM(I_SR - I_H). That has no second
        image; it is read as SSIM(I_SR - I_H, 0). Off: SSIM(I_SR, I_H).
    plain: Eq. 19 and 20 count for every patch alike. Off: relative to Eq. 20 of its classical enlargement, as otherwise
        the patches that are hard for everybody decide (see `ursat.training.paper.plan.LossWeights`).
    epsilon: the U-Net's output is the noise itself. Off: it corrects the noise that the condition alone implies, so
        that a network that has learned nothing already returns the condition (see `ursat.models.paper.unet`).
    projection: Eq. 9 on the noisy iterate with tau as b_t. Off: on the clean estimate, with the observation, which
        alone makes the result agree with it (see `ursat.models.paper.projection`). No weight depends on it.
    loop: Algorithms 1 and 2 with the DWT, tau and VHD before the outer loop. Nothing in its body then reads the image
        that the pass before has made, so every pass makes the same x2 image and that is the result at any scale; how
        many passes there are (K / k as printed) does not matter. Off: all of it belongs to the loop, which has
        ceil(log2 K) passes (see `ursat.models.paper.printed_loop`). No weight depends on it.
    """

    softmax: bool = False
    lambda2: bool = False
    ssim: bool = False
    plain: bool = False
    epsilon: bool = False
    projection: bool = False
    loop: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Of the switches that are on."""
        return tuple(name for name in LITERALS if getattr(self, name))


LITERALS = tuple(each.name for each in fields(PaperLiteral))


@dataclass(frozen=True, slots=True)
class PaperConfig:
    """Everything that decides what the network is.

    widths: of the U-Net s_theta on the level's grid, on the grid half as fine, and so on; blocks: residual blocks a
    grid; middle: more of them on the coarsest. embedding: width of the vector of time, GSD and reference.
    tokens: width d of the CSP encoder T_theta; csp_blocks: its pairs of cross-attention and dilated block (Figure 4).
    restore: width of the CSHR M (Figure 5). heads: of every cross-attention (Table 6: 8, 12 or 16).
    csp: without, the U-Net sees no tokens; cshr: without, the bands of the classical enlargement pass through
    (Table 5). progressive: after the given reference's last level the networks are shown a pseudo-reference of the
    outputs before, and are told the level (Table 6, *Progressive*), else neither (*Reuse*); see
    `ursat.models.paper.pyramid`.
    literal: see `PaperLiteral`.
    """

    name: str
    widths: tuple[int, ...]
    blocks: int
    middle: int
    embedding: int
    tokens: int
    csp_blocks: int
    restore: int
    heads: int
    csp: bool = True
    cshr: bool = True
    progressive: bool = False
    literal: PaperLiteral = field(default_factory=PaperLiteral)

    def __post_init__(self) -> None:
        sizes = (*self.widths, self.blocks, self.embedding, self.tokens, self.csp_blocks, self.restore, self.heads)
        if len(self.widths) < 2 or min(sizes) < 1 or self.middle < 0:
            raise ValueError(f"sizes of {self.name} must be positive, with two grids or more: {self}")
        if len(self.widths) > WINDOW.bit_length() - 1:
            raise ValueError(f"{len(self.widths)} grids are more than a window of {WINDOW} cells can be halved into")
        wide = (*self.widths[-2:], self.tokens, self.restore)
        if any(width % self.heads for width in wide):
            raise ValueError(f"{self.heads} heads do not divide the widths {wide}")
        if self.tokens % 4 or self.restore % 4:
            raise ValueError(f"widths {self.tokens} and {self.restore} must be multiples of 4")

    @property
    def csp_kind(self) -> CSPKind:
        """The CSP that the network is trained for."""
        if not self.csp:
            return "none"
        return "progressive" if self.progressive else "reuse"

    @property
    def halo(self) -> int:
        """Cells around a block that its networks are given; a multiple of `WINDOW`, so that windows stay absolute.

        The layers could see farther (two windows and the convolutions between); what lies there hardly counts.
        """
        return WINDOW

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> PaperConfig:
        """The inverse of `to_json`.

        Raises:
            ValueError: not a configuration.
        """
        try:
            given = {each.name: data[each.name] for each in fields(PaperConfig)}
            given["widths"] = tuple(int(width) for width in given["widths"])
            given["literal"] = PaperLiteral(**given["literal"])
            return PaperConfig(**given)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a configuration of the paper's networks: {data}") from error


PRESETS: dict[str, PaperConfig] = {
    config.name: config
    for config in (
        PaperConfig("paper", (48, 96, 192, 192), 2, 2, 192, 384, 2, 144, 12),
        PaperConfig("paper-mini", (24, 48, 96), 2, 2, 96, 96, 1, 48, 4),
    )
}
