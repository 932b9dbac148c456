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
        steps = torch.linspace(0, 1, head_width // 2, dtype=torch.float64)
        periods = SHORTEST_S * (LONGEST_S / SHORTEST_S) ** steps
        self.register_buffer("turns", (2 * math.pi / periods).float(), persistent=False)

    turns: Tensor

    def forward(self, x: Tensor, times: Tensor) -> Tensor:
        """Turn x (B, heads, S, head_width) by `times` (B or 1, S), in seconds."""
        angle = (times[:, None, :, None] * self.turns).to(x.dtype)  # (B or 1, 1, S, head_width / 2)
        cos, sin = angle.cos(), angle.sin()
        first, second = x.chunk(2, dim=-1)
        return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1)
