"""Rotary position by float seconds (RoPE, arXiv 2104.09864), for queries and keys at uneven times."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

SHORTEST_S, LONGEST_S = 0.1, 10.0  # periods: from a flicker cycle to a few intervals


class Rotary(nn.Module):
    """Turns pairs of features by 2π·t/period, so that q·k depends on the difference of their times alone.

    Give times relative to the interval's end: they stay small, and so exact in half precision.

    Parameters
    ----------
    head_width : int
        Width of one head, even; half as many periods are spread geometrically from 0.1 s to 10 s.
    """

    def __init__(self, head_width: int) -> None:
        super().__init__()
        self.register_buffer("turns", turns(head_width // 2), persistent=False)

    turns: Tensor

    def forward(self, x: Tensor, times: Tensor) -> Tensor:
        """Turn x (B, heads, S, head_width) by `times` (B or 1, S), in seconds."""
        angle = (times[:, None, :, None] * self.turns).to(x.dtype)  # (B or 1, 1, S, head_width / 2)
        cos, sin = angle.cos(), angle.sin()
        first, second = x.chunk(2, dim=-1)
        return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1)


class TimeEmbedding(nn.Module):
    """Sinusoids of float seconds, for parts that take positions only as an addition to what goes in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("turns", turns(width // 2), persistent=False)
        self.spare = width % 2

    turns: Tensor

    def forward(self, times: Tensor) -> Tensor:
        """(B, S) seconds as (B, S, width)."""
        angle = times[:, :, None] * self.turns
        return nn.functional.pad(torch.cat((angle.sin(), angle.cos()), dim=-1), (0, self.spare))


def turns(n: int) -> Tensor:
    """Angular frequencies of n periods spread geometrically from the shortest to the longest."""
    periods = SHORTEST_S * (LONGEST_S / SHORTEST_S) ** torch.linspace(0, 1, n, dtype=torch.float64)
    return (2 * math.pi / periods).float()
