"""The learned stage: the classical start, corrected by the denoiser, then closed like the classical stage itself.

The posterior mean takes one evaluation, which also tells how far the state scatters around it; a sample adds what the
flow makes of noise, as strong as that; the fidelity between the two is a straight line in the state, which is where
estimators of every perceptual quality lie that are optimal (Freirich et al. 2021, arXiv 2107.02555).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from ursat.models.core.apply import apply_inside
from ursat.models.core.config import BANDS, BLOCK, STATE
from ursat.models.core.context import Context, detail_scale, noise_floor, noise_ratio
from ursat.models.core.denoiser import MEAN, POSTERIOR, VELOCITY, posterior, shared_strength
from ursat.models.core.flow import as_level, centre, middle, sample, shared_noise
from ursat.models.core.state import (
    ACTIVITY_HALO,
    FEATURE_HALO,
    activity,
    bounded,
    features,
    from_state,
    local_range,
    unknown_scale,
    within,
)
from ursat.models.fusion import FusionStage
from ursat.models.gains import Calibration
from ursat.models.noise import coordinate_noise
from ursat.models.wavelet import dwt2

if TYPE_CHECKING:
    from torch import Tensor

    from ursat.models.core.denoiser import Denoiser
    from ursat.models.stage import LevelInputs, StageSettings


# Channels of the state whose residual no sample moves: da, which costs PSNR and adds no texture (docs/decisions.md, 16)
SETTLED = BANDS
_TINY = 1e-12  # of a band without any signal
_OUTLIER = 2.5  # standard deviations
# Local strength of v, h and d over the activity. The first level's input is blurred and shows less than there is; later
# an octave holds no more than the one above it, three bands of detail each a third of that energy.
_MOST_FIRST, _MOST_LATER = 1.0, 3**-0.5
_RANGE_FIRST, _RANGE_LATER = 0.7, 0.4  # what a sample may add to a pixel of the mean, over the range around its cell


class CoreStage:
    """One doubling by a network of the core family.

    Args:
        settings: of the run; `StageSettings.fidelity` and ``steps`` choose between mean and sample.
        net: in evaluation mode.
        calibration: by what the departure of a sample from the mean is multiplied, so that the samples' detail is as
            strong as the truth's.
    """

    block: int | None = BLOCK

    def __init__(self, settings: StageSettings, net: Denoiser, calibration: Calibration | None = None) -> None:
        self.name = net.config.name
        self.settings = settings
        self.net = net
        self.calibration = calibration or Calibration()
        self.classic = FusionStage(settings)
        self._noise_ratio = noise_ratio(settings.sensor.noise, settings.sensor.signal)

    @property
    def evaluations(self) -> int:
        """Network evaluations a level."""
        return 1 if self.settings.fidelity >= 1 else 1 + self.settings.steps

    def halo(self, level: int) -> int:
        """Input pixels of the level around a pixel that may influence its children; a multiple of the net's `align`."""
        return self._border(level) + self.net.config.halo * self.evaluations + self._after(level)

    def _border(self, level: int) -> int:
        """Cells at a window's border whose features would need pixels beyond it."""
        seen = FEATURE_HALO if self.settings.fidelity >= 1 else ACTIVITY_HALO
        return self._aligned(max(seen, self.classic.start_halo(level)))

    def _after(self, level: int) -> int:
        """Cells around a cell whose state closing it may need."""
        return self._aligned(self.classic.close_halo(level))

    def _aligned(self, cells: int) -> int:
        return -(-cells // self.net.config.align) * self.net.config.align

    def run(self, inputs: LevelInputs) -> Tensor:
        """(C, h, w) -> (C, 2h, 2w), every value within the settings' range."""
        start = self.classic.start(inputs)
        context = self.context(inputs)
        scale = torch.tensor(
            [detail_scale(s, inputs.level) for s in self.settings.sensor.signal], dtype=start.dtype, device=start.device
        )[:, None, None]
        trust = None if inputs.ref is None else inputs.trust
        unknown = unknown_scale(scale, trust, context.confidence)
        out = start.clone()
        for bands, fresh in band_groups(len(inputs.x)):
            pick = slice(bands[0], bands[0] + BANDS) if bands[0] + BANDS - 1 == bands[-1] else bands
            ref = None if inputs.ref is None else inputs.ref[pick]
            known = features(inputs.x[pick], start[pick], ref, None if trust is None else trust[pick], scale[pick])
            if ref is None and self.settings.fidelity >= 1:
                known = known[: BANDS + STATE]  # what follows is 0
            room = local_range(inputs.x[pick]) / unknown[pick] if self.settings.fidelity < 1 else None
            state = self._state(known, context, bands, (unknown / scale)[pick], room, inputs.origin)
            rows, cols = state.shape[-2:]
            base = middle(start, 2 * rows, 2 * cols)[pick]
            size = middle(unknown.expand_as(inputs.x), rows, cols)[pick]
            fine = from_state(state, base, size, mean_known=inputs.level > 1)
            changed = middle(out, 2 * rows, 2 * cols)
            for k in fresh:
                changed[bands[k]] = fine[k]
        return self.classic.close(out, inputs)

    def context(self, inputs: LevelInputs) -> Context:
        """What the network is told of this level: the same in every block, also where the reference shows nothing."""
        reference = self.settings.reference
        rho = None
        if reference is not None and inputs.level <= reference.level:
            rho = math.log2(2.0**inputs.level / reference.ratio)
        mean_input = self.settings.fidelity if inputs.level > 1 else 0.0
        return Context(
            inputs.level, inputs.gsd_m, self.settings.sensor.taps, self._noise_ratio, rho, min(mean_input, 1.0)
        )

    def _noise_floor(self, level: int, bands: list[int]) -> Tensor:
        """What the input's noise adds to the activity of bands, (BANDS, 1, 1): each its own."""
        sensor = self.settings.sensor
        pairs = [(sensor.noise[band], sensor.signal[band]) for band in bands]
        return torch.tensor([noise_floor(n / max(s, _TINY)) if level == 1 else 0.0 for n, s in pairs])[:, None, None]

    def _state(
        self,
        known: Tensor,
        context: Context,
        bands: list[int],
        share: Tensor,
        room: Tensor | None,
        origin: tuple[int, int],
    ) -> Tensor:
        """(9 C + 1, h, w) features of three bands, or the first of them -> (4 C, m, n), the middle of the state.

        share: (C, 1, 1) or (C, h, w), how much of the expected detail is unknown. room: (C, h, w), `local_range` in
        state units, for samples.

        Around it the state is 0: every evaluation loses the network's halo, so each runs on what the next ones need and
        no more.
        """
        level = context.level
        kind, size = known.dtype, (known.shape[-2], known.shape[-1])
        border = self._border(level)
        known = known.float()[None]
        inner = known[..., border:-border, border:-border]
        vector = torch.tensor([context.vector()], dtype=torch.float32, device=known.device)

        def ask(z: Tensor | None, t: float, outputs: slice) -> Tensor:
            """(1, 4 C, m, n) centred on the window, or nothing -> (1, outputs, m - 2 reach, n - 2 reach)."""
            both = inner if z is None else torch.cat([centre(known, z), z], dim=1)
            answer = self._evaluate(both.contiguous(memory_format=torch.channels_last), vector, t, outputs)
            if level > 1:
                answer[:, :BANDS] = 0  # the mean of a block is given: its state is no question
            return answer

        fidelity = self.settings.fidelity
        if room is not None:
            noise = state_noise(self.settings.seed, level, origin, size, known.device)
            if level > 1:
                noise[:, :BANDS] = 0
            answer = ask(None, 1.0, POSTERIOR)
            floor = self._noise_floor(level, bands).to(known.device)
            around = centre(activity(known, floor), answer)
            state, spread = posterior(answer, around)
            here = centre(share, answer) if share.shape[-1] > 1 else share
            spread = bounded(shared_strength(spread), around, here, _MOST_FIRST if level == 1 else _MOST_LATER)
            drawn = sample(centre(noise, inner), self.settings.steps, lambda u, t: ask(u, t, VELOCITY))
            drawn = drawn.clamp(-_OUTLIER, _OUTLIER)  # what lies further out was never learned, and shows as specks
            drawn[:, :SETTLED] = 0
            reference = self.settings.reference
            reaches = None if reference is None else reference.level
            gain = self.calibration.at(self.settings.sensor.mtf, level, reaches)
            departure = centre(spread, drawn) * drawn * gain
            most = centre(room.float()[None], drawn) * (_RANGE_FIRST if level == 1 else _RANGE_LATER)
            state = centre(state, drawn) + within(departure, most) * (1 - fidelity)
        else:
            state = ask(None, 1.0, MEAN)
        return state[0].to(kind)

    def _evaluate(self, both: Tensor, vector: Tensor, t: float, outputs: slice) -> Tensor:
        return apply_inside(self.net, both, vector, as_level(t, both), outputs)


def state_noise(seed: int, level: int, origin: tuple[int, int], shape: tuple[int, int], device: torch.device) -> Tensor:
    """Noise of the state, (1, 4 BANDS, h, w), variance 1, white over space: the Haar bands of noise on fine pixels.

    A function of the absolute position; groups of bands share it, so that detail is coherent across all bands.
    """
    fine = coordinate_noise(
        seed, level, BANDS + 1, (2 * origin[0], 2 * origin[1]), (2 * shape[0], 2 * shape[1]), device=device
    )
    return torch.cat([2 * band for band in dwt2(shared_noise(fine))])[None]


def band_groups(count: int) -> list[tuple[list[int], list[int]]]:
    """Groups of three bands that go through the network together.

    Returns:
        (bands, places): three band numbers, and which of the three places give a band that no earlier group gave.
    """
    groups = []
    for first in range(0, count, BANDS):
        begin = min(first, max(count - BANDS, 0))
        bands = [min(begin + k, count - 1) for k in range(BANDS)]
        fresh = [k for k in range(BANDS) if begin + k >= first and begin + k < count]
        groups.append((bands, fresh))
    return groups
