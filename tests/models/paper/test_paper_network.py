"""The paper's three networks: their sizes, what they return untrained, how far they see."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from paper_nets import SMALL, images, small_net

from ursat.models.paper.config import PRESETS, WINDOW, PaperConfig, PaperLiteral
from ursat.models.paper.context import NONE, context_numbers
from ursat.models.paper.network import PaperNetwork, whole
from ursat.models.paper.schedule import linear_schedule
from ursat.models.registry import load_network
from ursat.models.wavelet import replicate


def millions(config: PaperConfig, part: str) -> float:
    with torch.device("meta"):
        net = getattr(PaperNetwork(config), part)
    return sum(p.numel() for p in net.parameters()) / 1e6


@pytest.mark.parametrize(("part", "table5"), [("unet", 9.84), ("csp", 14.98), ("cshr", 4.30)])
def test_the_parts_are_as_large_as_table_5_has_them(part, table5):
    assert millions(PRESETS["paper"], part) == pytest.approx(table5, rel=0.03)


def test_the_small_one_is_a_tenth():
    assert sum(millions(PRESETS["paper-mini"], part) for part in ("unet", "csp", "cshr")) == pytest.approx(
        2.3, rel=0.03
    )


@pytest.mark.parametrize("heads", [8, 12, 16])
@pytest.mark.parametrize("name", PRESETS)
def test_the_heads_of_table_6_change_no_size(name, heads):
    other = replace(PRESETS[name], heads=heads)
    assert [millions(other, part) for part in ("unet", "csp")] == [millions(PRESETS[name], p) for p in ("unet", "csp")]


@pytest.mark.parametrize(("height", "width"), [(32, 64), (64, 32), (20, 44)])
def test_shapes(height, width):
    net, given = small_net(), images(height, width, batch=2)
    tokens = net.encode(given["x"], given["ref"], given["context"])
    assert tokens is not None
    assert tokens.values.shape == (2, SMALL.tokens, -(-height // WINDOW) * 8, -(-width // WINDOW) * 8)
    t = torch.tensor([0, 999])
    assert net.noise(given["a_t"], given["tau"], t, tokens, given["context"]).shape == given["tau"].shape
    assert net.restore(given["x"], given["base"], None, given["context"]).shape == given["base"].shape


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("name", PRESETS)
def test_shapes_at_every_level_of_x128(name, progressive):
    """Tokens on a quarter of a level's cells a side; A, and v, h, d, on its cells: without a byte of memory."""
    config = replace(PRESETS[name], progressive=progressive)
    with torch.device("meta"):
        net = PaperNetwork(config)
        for level in range(1, 8):
            side, context = WINDOW << (level - 1), torch.tensor([[1.0, NONE, float(level)]])
            x, base, ref = (torch.empty(1, c, k * side, k * side) for c, k in ((3, 1), (9, 1), (3, 2)))
            tokens = net.encode(x, ref, context)
            assert tokens.values.shape == (1, config.tokens, side // 4, side // 4)
            assert net.noise(x, x, torch.tensor([300]), tokens, context).shape == (1, 3, side, side)
            assert net.restore(x, base, ref, context).shape == (1, 9, side, side)


def test_an_untrained_network_returns_the_classical_answer():
    torch.manual_seed(0)
    net, given = PaperNetwork(SMALL), images(32, 32, batch=3)
    assert torch.equal(net.restore(given["x"], given["base"], given["ref"], given["context"]), given["base"])
    schedule = linear_schedule()
    tokens = net.encode(given["x"], given["ref"], given["context"])
    a_t = given["tau"] * schedule.signal(999)
    epsilon = net.noise(a_t, given["tau"], torch.full((3,), 999), tokens, given["context"])
    assert torch.allclose(schedule.clean(a_t, epsilon, 999), given["tau"], atol=1e-4)


def test_the_noise_of_an_untrained_network_is_the_linear_estimate():
    """Of eps, from A_t = s A + sigma eps with A = tau + off e: the regression on draws agrees."""
    from ursat.models.paper.unet import OFF

    torch.manual_seed(0)
    net = PaperNetwork(replace(SMALL, csp=False))
    schedule = linear_schedule()
    noise, e, tau = (torch.randn(8, 3, 32, 32) for _ in range(3))
    for t in (5, 200, 600):
        a_t = schedule.signal(t) * (tau + OFF * e) + schedule.sigma(t) * noise
        found = net.noise(a_t, tau, torch.full((8,), t), None, torch.zeros(8, 3))
        known = a_t - schedule.signal(t) * tau
        slope = float((known * noise).mean() / known.square().mean())
        assert torch.allclose(found, known * slope, atol=0.05)


def test_without_a_reference_the_inputs_own_pixels_stand_in():
    net, given = small_net(), images(32, 32)
    own = replicate(given["x"])
    for ref in (None, own):
        given["ref"] = ref
        tokens = net.encode(given["x"], ref, given["context"])
        bands = net.restore(given["x"], given["base"], ref, given["context"])
        if ref is None:
            first = tokens, bands
    torch.testing.assert_close(first[0].values, tokens.values, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(first[1], bands, rtol=1e-4, atol=1e-5)


def test_parts_that_are_switched_off():
    net, given = small_net(csp=False, cshr=False), images(32, 32)
    assert net.encode(given["x"], given["ref"], given["context"]) is None
    assert net.restore(given["x"], given["base"], given["ref"], given["context"]) is given["base"]
    assert not [name for name, _ in net.named_parameters() if name.startswith(("csp", "cshr"))]
    assert not [name for name, _ in net.named_parameters() if "attentions" in name]


def test_every_condition_counts():
    net, given = small_net(progressive=True), images(32, 32)
    t = torch.tensor([300])

    def answers(**changes):
        now = given | changes
        tokens = net.encode(now["x"], now["ref"], now["context"])
        noise = net.noise(now["a_t"], now["tau"], t, tokens, now["context"])
        return torch.cat([noise, net.restore(now["x"], now["base"], now["ref"], now["context"])], 1)

    usual = answers()
    others = {name: answers(**{name: given[name] + 0.1}) for name in ("x", "ref", "base", "a_t", "tau")}
    for row, number in ((0, 4.0), (1, NONE), (2, 2.0)):
        context = given["context"].clone()
        context[:, row] = number
        others[f"context {row}"] = answers(context=context)
    assert [name for name, other in others.items() if torch.allclose(other, usual, atol=1e-5)] == []


@pytest.mark.parametrize("guided", [True, False])
def test_threads_change_no_bit(guided):
    """The weights that ship, a block with its halo, in the layout that the stage gives; small networks hide it."""
    net, given = load_network("csp-wavediffur")[0], images(160, 160)
    x, ref, base, a_t, tau = (
        given[name].contiguous(memory_format=torch.channels_last) for name in ("x", "ref", "base", "a_t", "tau")
    )
    context, before, found = given["context"], torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            tokens = net.encode(x, ref if guided else None, context)
            noise = net.noise(a_t, tau, torch.tensor([300]), tokens, context)
            found.append(torch.cat([noise, net.restore(x, base, ref if guided else None, context)], dim=1))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


def test_only_the_progressive_kind_is_told_the_level():
    given = images(32, 32)
    deeper = given["context"] + torch.tensor([0.0, 0.0, 1.0])
    for progressive in (False, True):
        net = small_net(progressive=progressive)
        same = torch.equal(
            net.restore(given["x"], given["base"], None, given["context"]),
            net.restore(given["x"], given["base"], None, deeper),
        )
        assert same is not progressive


def test_windows_are_absolute_in_blocks_that_begin_at_their_multiples():
    """A block with a halo beyond all convolutions gives what the whole gives, to rounding."""
    net, given = small_net(), images(32 * 9, 32)
    t = torch.tensor([300])

    def answers(now):
        tokens = net.encode(now["x"], now["ref"], now["context"])
        noise = net.noise(now["a_t"], now["tau"], t, tokens, now["context"])
        return torch.cat([noise, net.restore(now["x"], now["base"], now["ref"], now["context"])], 1)

    def cut(top, bottom):
        def part(name, image):
            factor = 2 if name == "ref" else 1
            return image if name == "context" else image[..., factor * top : factor * bottom, :]

        return {name: part(name, image) for name, image in given.items()}

    entire = answers(given)[..., 128:160, :]
    assert torch.allclose(answers(cut(0, 288))[..., 128:160, :], entire, atol=1e-5)
    assert torch.allclose(answers(cut(32, 256))[..., 96:128, :], entire, atol=1e-3)
    assert not torch.allclose(answers(cut(16, 272))[..., 112:144, :], entire, atol=1e-2)  # windows elsewhere


def test_sides_that_are_no_whole_windows_are_continued():
    x = torch.arange(6.0).reshape(1, 1, 2, 3)
    assert whole(x, 4).tolist() == [[[[0, 1, 2, 2], [3, 4, 5, 5], [3, 4, 5, 5], [3, 4, 5, 5]]]]
    assert whole(x[..., :2], 2) is not None
    assert whole(x, 1) is x


@pytest.mark.parametrize("name", ["softmax", "epsilon"])
def test_literal_formulas_change_the_answer(name):
    given, t = images(32, 32), torch.tensor([300])
    found = []
    for literal in (PaperLiteral(), PaperLiteral(**{name: True})):
        net = small_net(literal=literal)
        tokens = net.encode(given["x"], given["ref"], given["context"])
        found.append(net.noise(given["a_t"], given["tau"], t, tokens, given["context"]))
    assert bool(found[1].isfinite().all())
    assert not torch.allclose(*found, atol=1e-3)


def test_configurations_are_checked_and_come_back(tmp_path):
    for config in (*PRESETS.values(), replace(SMALL, literal=PaperLiteral(softmax=True), progressive=True)):
        assert PaperConfig.from_json(config.to_json()) == config
    with pytest.raises(ValueError, match="not a configuration"):
        PaperConfig.from_json({"name": "x"})
    for wrong in ({"heads": 3}, {"blocks": 0}, {"widths": (8,)}, {"restore": 6, "heads": 2}, {"widths": (8,) * 6}):
        with pytest.raises(ValueError, match=r"heads|positive|multiples|grids"):
            replace(SMALL, **wrong)


def test_context_numbers_stay_within_what_is_trained():
    assert context_numbers(2, 8.0, 1.5) == (3.0, 1.5, 2.0)
    assert context_numbers(1, 1e-9, None)[:2] == (context_numbers(1, 0.03, None)[0], NONE)
    assert context_numbers(1, 1e9, 50.0)[:2] == (6.0, 6.0)
