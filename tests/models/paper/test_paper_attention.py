"""Eq. 18 by hand, and the windows it runs in."""

from __future__ import annotations

import math

import torch

from ursat.models.paper.attention import WindowAttention, attend, unwindow, windows


def test_equation_18_by_hand():
    q, k, v = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 1.0], [0.0, 2.0]]), torch.tensor([[1.0, 0.0], [3.0, 2.0]])
    score = math.exp(1 / math.sqrt(2))
    share = score / (score + 1)
    assert torch.allclose(attend(q, k, v), torch.tensor([[share + 3 * (1 - share), 2 * (1 - share)]]))
    # As printed: Q K^T = (1, 0), times V = (1, 0), over sqrt(2), and a softmax over the two channels
    assert torch.allclose(attend(q, k, v, literal=True), torch.tensor([[share, 1 - share]]))


def test_windows_there_and_back():
    x = torch.randn(2, 5, 16, 24)
    cells = windows(x, 8)
    assert cells.shape == (2 * 2 * 3, 64, 5)
    assert torch.equal(cells[4, 10], x[0, :, 9, 10])
    assert torch.equal(unwindow(cells, 8, (2, 16, 24)), x)


def test_a_window_sees_its_own_tokens_and_no_others():
    torch.manual_seed(0)
    attention = WindowAttention(8, 12, 4, (8, 4), literal=False).eval()
    torch.nn.init.normal_(attention.out.weight)
    x, tokens = torch.randn(1, 8, 16, 16), torch.randn(1, 12, 8, 8)
    before = attention(x, tokens)
    tokens[..., :4, 4:] += 1
    moved = (attention(x, tokens) - before).abs().sum((0, 1)) > 1e-6
    assert bool(moved[:8, 8:].all())
    assert int(moved.sum()) == 64


def test_a_fresh_attention_adds_nothing():
    x = torch.randn(1, 8, 8, 8)
    assert torch.equal(WindowAttention(8, 8, 2, (8, 8), literal=False)(x, torch.randn(1, 8, 8, 8)), x)
