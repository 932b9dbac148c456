"""Causal mixing over the frames of an interval, and what such a mixer is fed with."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.network.interfaces import State
from models.parts import NoMixerConfig, TcnConfig


def with_differences(z: Tensor, mask: Tensor) -> Tensor:
    """Join [z, Δz, |Δz|] over frames: what changed drives a brain's response more than what is there.

    Parameters
    ----------
    z : (N, F, P, Dv)
    mask : (N, F) bool
        A difference with an invalid frame, or across the interval's start, is 0.

    Returns
    -------
    (N, F, P, 3·Dv)
        0 at invalid frames, whatever z held there.
    """
    z = torch.where(mask[:, :, None, None], z, 0.0)
    both = (mask[:, 1:] & mask[:, :-1])[:, :, None, None]
    change = torch.where(both, z[:, 1:] - z[:, :-1], 0.0)
    change = torch.cat((torch.zeros_like(z[:, :1]), change), dim=1)
    return torch.cat((z, change, change.abs()), dim=-1)


class CausalConv(nn.Module):
    """Residual block: norm, dilated causal convolution over the past frames, ELU."""

    def __init__(self, width: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.past = (kernel - 1) * dilation
        self.norm = nn.LayerNorm(width)
        self.conv = nn.Conv1d(width, width, kernel, dilation=dilation)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:  # (N, F, D), (N, F, 1)
        past = F.pad((self.norm(x) * mask).transpose(1, 2), (self.past, 0))
        return (x + self.dropout(F.elu(self.conv(past))).transpose(1, 2)) * mask

    def step(self, x: Tensor, mask: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        window = torch.cat((past, (self.norm(x) * mask)[:, :, None]), dim=2)  # (N, D, past + 1)
        return (x + self.dropout(F.elu(self.conv(window)))[:, :, 0]) * mask, window[:, :, 1:]


class Tcn(nn.Module):
    """Temporal convolutional network (arXiv 1803.01271). See `interfaces.TemporalMixer`."""

    def __init__(self, config: TcnConfig, width: int) -> None:
        super().__init__()
        self.blocks: Any = nn.ModuleList(
            CausalConv(width, config.kernel, dilation, config.dropout) for dilation in config.dilations
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        there = mask[:, :, None]
        x = torch.where(there, x, 0.0)
        for block in self.blocks:
            x = block(x, there.to(x.dtype))
        return x

    def init_state(self, x: Tensor) -> State:
        return tuple(x.new_zeros((*x.shape, block.past)) for block in self.blocks)

    def step(self, x: Tensor, mask: Tensor, state: State) -> tuple[Tensor, State]:
        there = mask[:, None]
        x = torch.where(there, x, 0.0)
        after = []
        for block, past in zip(self.blocks, state, strict=True):
            x, past = block.step(x, there.to(x.dtype), past)
            after.append(past)
        return x, tuple(after)


class NoMixer(nn.Module):
    """Each frame for itself: the reference every mixer is compared with."""

    def __init__(self, config: NoMixerConfig, width: int) -> None:
        super().__init__()

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask[:, :, None], x, 0.0)

    def init_state(self, x: Tensor) -> State:
        return ()

    def step(self, x: Tensor, mask: Tensor, state: State) -> tuple[Tensor, State]:
        return torch.where(mask[:, None], x, 0.0), state
