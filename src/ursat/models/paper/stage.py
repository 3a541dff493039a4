"""The paper's two systems as stages of the cascade: one turn of the outer loop of Algorithm 1, and of Algorithm 2.

What the algorithms print before the loop is done on every level: tau, v, h and d belong to the level's own input. A
comes from the reverse diffusion with Eq. 9 in it (`ursat.models.paper.low`), v, h, d are put beside it (IDWT), and the
result is closed against the observation as the classical stage's is. The two differ in whence tau and v, h, d come.

The whole chain runs in one block of fixed place and shape, with a halo around it. A chain of N evaluations could see N
times as far as the halo; blocks that meet share noise and conditions, so they agree closely there, and no cut of the
scene changes a pixel, because blocks do not depend on it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import pad

from ursat.models.core.config import BLOCK
from ursat.models.core.stage import band_groups
from ursat.models.fusion import FusionStage
from ursat.models.paper.chain import Chain
from ursat.models.paper.config import WINDOW
from ursat.models.paper.context import context_numbers
from ursat.models.paper.low import LowBand
from ursat.models.paper.normalise import Conditions, Normaliser, conditions, level_scale
from ursat.models.paper.schedule import linear_schedule
from ursat.models.wavelet import HaarBands, idwt2

if TYPE_CHECKING:
    from torch import Tensor

    from ursat.models.paper.attention import Tokens
    from ursat.models.paper.config import CSPKind
    from ursat.models.paper.network import PaperNetwork
    from ursat.models.sr.module import SRModule
    from ursat.models.stage import LevelInputs, StageSettings

_ROUND = 8  # blocks begin and end at multiples of it


class PaperStage(ABC):
    """What both algorithms share.

    Args:
        settings: of the run; ``fidelity`` between the mean (1) and a sample (0), ``steps`` evaluations of the U-Net.
        net: in evaluation mode.
        chain: how A is drawn.
    """

    name: str
    block: int | None = BLOCK
    progressive = False

    def __init__(self, settings: StageSettings, net: PaperNetwork, chain: Chain | None = None) -> None:
        self.settings = settings
        self.net = net
        self.classic = FusionStage(settings)
        chosen = chain or Chain(steps=settings.steps)
        literal = chosen.literal or net.config.literal.projection
        self.low = LowBand(settings, self.classic.operator, replace(chosen, literal=literal))
        self._groups = band_groups(len(settings.sensor.signal))

    @abstractmethod
    def enlarge(self, inputs: LevelInputs) -> Tensor:
        """What tau and the high-frequency condition come from: (C, h, w) -> (C, 2h, 2w)."""

    @abstractmethod
    def enlarge_halo(self, level: int) -> int:
        """Pixels around a pixel that `enlarge` reads."""

    @abstractmethod
    def condition(self, given: Conditions, context: Tensor) -> Tokens | None:
        """tau^lf, once a level."""

    @abstractmethod
    def restore(self, given: Conditions, context: Tensor) -> Tensor:
        """VHD_SR: (1, 3 C, h, w), normalised."""

    @abstractmethod
    def mean(self, given: Conditions, tokens: Tokens | None, context: Tensor) -> Tensor:
        """The mean of A before Eq. 9: (1, C, h, w), normalised."""

    @abstractmethod
    def asks(self, level: int) -> bool:
        """Whether any network of the paper runs on a level."""

    def halo(self, level: int) -> int:
        """Input pixels of the level around a pixel that may influence its children; see the module's text."""
        reach = max(self.enlarge_halo(level), self.net.config.halo if self.asks(level) else 0)
        if level == 1 and self.settings.closure != "off":
            reach += self.low.reach + self.classic.close_halo(1)
        step = WINDOW if self.asks(level) else _ROUND
        return -(-reach // step) * step

    def evaluations(self, level: int) -> int:
        """On one block of a level and three bands: one for all that holds no noise, one for every step of the chain."""
        return 1 + (self.low.steps if self.low.diffuses(level) else 0)

    @torch.no_grad()
    def run(self, inputs: LevelInputs) -> Tensor:
        """(C, h, w) -> (C, 2h, 2w), every value within the settings' range."""
        start = self.enlarge(inputs)
        whole, grown, lead = (inputs, start, (0, 0))
        if self.asks(inputs.level):
            whole, grown, lead = _anchored(inputs, start)
        rows, cols = (slice(2 * before, 2 * before + size) for before, size in zip(lead, start.shape[-2:], strict=True))
        out = torch.empty_like(start)
        for bands, fresh in self._groups:
            made = self._double(_pick(whole, bands), grown[bands], bands)[..., rows, cols]
            for k in fresh:
                out[bands[k]] = made[k]
        return self.classic.close(out, inputs)

    def _double(self, inputs: LevelInputs, start: Tensor, bands: list[int]) -> Tensor:
        """Three bands: (3, h, w) and their enlargement (3, 2h, 2w) -> (3, 2h, 2w), not closed yet."""
        x = inputs.x
        scales = [level_scale(self.settings.sensor.signal[band], inputs.level) for band in bands]
        scale = torch.tensor(scales, dtype=x.dtype, device=x.device)[:, None, None]
        norm = Normaliser.of(x, scale)
        seen = conditions(norm, x, start, inputs.ref, inputs.trust, inputs.level, progressive=self.progressive)
        given = _as_batch(seen)
        context = torch.tensor([self._numbers(inputs)], dtype=torch.float32, device=x.device)
        v, h, d = (band.to(x.dtype) * scale for band in self.restore(given, context)[0].chunk(3))
        tokens = None if self.low.given(inputs.level) else self.condition(given, context)

        def predict(a_t: Tensor, t: int) -> Tensor:
            time = torch.tensor([t], device=a_t.device)
            return self.net.noise(a_t.contiguous(memory_format=torch.channels_last), given.tau, time, tokens, context)

        def expected() -> Tensor:
            return self.mean(given, tokens, context)

        a = self.low.make(inputs, bands, norm, given.tau, expected, (v, h, d), predict)
        return idwt2(HaarBands(a, v, h, d))

    def _numbers(self, inputs: LevelInputs) -> tuple[float, float, float]:
        """The same in every block, also where the reference shows nothing."""
        reference, rho = self.settings.reference, None
        if reference is not None and inputs.level <= reference.level:
            rho = math.log2(2.0**inputs.level / reference.ratio)
        return context_numbers(inputs.level, inputs.gsd_m, rho)


class WaveDiffURStage(PaperStage):
    """Algorithm 1: tau = DWT_A(SR(I_LR)), VHD = DWT_VHD(SR(I_LR)) of a plug-in module (Eq. 6, 10 and 11); no CSP.

    r and sigma of Eq. 10, for which the paper gives no value, are 0: nothing is added to what the module says.

    Args:
        settings: of the run.
        net: whose U-Net diffuses A.
        module: SR of Eq. 6 and U_SR of Eq. 11.
        chain: how A is drawn.
    """

    name = "wavediffur"

    def __init__(
        self, settings: StageSettings, net: PaperNetwork, module: SRModule, chain: Chain | None = None
    ) -> None:
        super().__init__(settings, net, chain)
        self.module = module

    def enlarge(self, inputs: LevelInputs) -> Tensor:
        """SR(I_LR)."""
        return self.module.enlarge(inputs)

    def enlarge_halo(self, level: int) -> int:
        """The module's."""
        return self.module.halo(level)

    def condition(self, given: Conditions, context: Tensor) -> Tokens | None:  # noqa: ARG002
        """None: the condition of Algorithm 1 is tau alone."""
        return None

    def restore(self, given: Conditions, context: Tensor) -> Tensor:  # noqa: ARG002
        """The module's own bands."""
        return given.base

    def mean(self, given: Conditions, tokens: Tokens | None, context: Tensor) -> Tensor:  # noqa: ARG002
        """Tau itself: no U-Net was trained to tell the mean from the tau of a module that it has never seen."""
        return given.tau

    def asks(self, level: int) -> bool:
        """Where A is drawn."""
        return self.low.diffuses(level)


class CSPWaveDiffURStage(PaperStage):
    """Algorithm 2: the CSP encoder's tokens condition the U-Net (Eq. 12-13), the CSHR restores v, h, d (Eq. 14-17).

    tau and the bands that the CSHR corrects are those of the classical enlargement, which has the reference's detail
    where there is one.

    Args:
        settings: of the run.
        net: whose networks run.
        chain: how A is drawn.
        csp: "reuse" or "progressive", what the networks are shown beyond the reference's resolution: nothing, or the
            pseudo-reference of `ursat.models.paper.pyramid`; "none": the U-Net is not given tau^lf of Eq. 12, as in
            Algorithm 1 and in Table 5's rows without it. None: as the network was trained. A network that was
            trained for *Reuse* can be run with "progressive": it sees the pseudo-reference, and has no place for
            the level.
    """

    name = "csp-wavediffur"

    def __init__(
        self, settings: StageSettings, net: PaperNetwork, chain: Chain | None = None, csp: CSPKind | None = None
    ) -> None:
        super().__init__(settings, net, chain)
        self.csp = csp or net.config.csp_kind
        self.progressive = self.csp == "progressive"

    def enlarge(self, inputs: LevelInputs) -> Tensor:
        """The classical estimate, not closed."""
        return self.classic.start(inputs)

    def enlarge_halo(self, level: int) -> int:
        """The classical stage's."""
        return self.classic.start_halo(level)

    def asks(self, level: int) -> bool:
        """On every level, unless the configuration has no CSHR and A is given."""
        return self.net.config.cshr or not self.low.given(level)

    def condition(self, given: Conditions, context: Tensor) -> Tokens | None:
        """The CSP encoder's tokens, or none."""
        return None if self.csp == "none" else self.net.encode(given.x, given.ref, context)

    def restore(self, given: Conditions, context: Tensor) -> Tensor:
        """The CSHR's bands."""
        return self.net.restore(given.x, given.base, given.ref, context)

    def mean(self, given: Conditions, tokens: Tokens | None, context: Tensor) -> Tensor:
        """The clean estimate at time T - 1 from sqrt(alpha_bar) tau without noise, which the U-Net is trained for."""
        schedule = linear_schedule()
        last = schedule.steps - 1
        a_t = given.tau * schedule.signal(last)
        time = torch.tensor([last], device=a_t.device)
        return schedule.clean(a_t, self.net.noise(a_t, given.tau, time, tokens, context), last)


def _pick(inputs: LevelInputs, bands: list[int]) -> LevelInputs:
    def of(image: Tensor | None) -> Tensor | None:
        return None if image is None else image[bands]

    return replace(inputs, x=inputs.x[bands], observed=of(inputs.observed), ref=of(inputs.ref), trust=of(inputs.trust))


def _as_batch(given: Conditions) -> Conditions:
    """In the networks' dtype and layout, one image a batch."""

    def of(image: Tensor) -> Tensor:
        return image.float()[None].contiguous(memory_format=torch.channels_last)

    return Conditions(of(given.x), None if given.ref is None else of(given.ref), of(given.tau), of(given.base))


def _anchored(inputs: LevelInputs, start: Tensor) -> tuple[LevelInputs, Tensor, tuple[int, int]]:
    """The same window, continued above and to the left until it begins at a multiple of the attention's window.

    Returns:
        inputs, their enlargement, and how many (rows, columns) of the level's input grid were put before.
    """
    top, left = inputs.origin[0] % WINDOW, inputs.origin[1] % WINDOW
    if top == left == 0:
        return inputs, start, (0, 0)

    def grown(image: Tensor, factor: int = 1) -> Tensor:
        return pad(image[None], (factor * left, 0, factor * top, 0), mode="replicate")[0]

    observed = inputs.observed
    whole = replace(
        inputs,
        x=grown(inputs.x),
        observed=None if observed is None else pad(observed, (left, 0, top, 0)),
        ref=None if inputs.ref is None else grown(inputs.ref, 2),
        trust=None if inputs.trust is None else grown(inputs.trust),
        origin=(inputs.origin[0] - top, inputs.origin[1] - left),
    )
    return whole, grown(start, 2), (top, left)
