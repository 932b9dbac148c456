"""Causal mixing over the frames of an interval, and the differences that every mixer is fed with."""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from models.network.interfaces import MixerConfig, State, TemporalMixer


class WithDifferences(nn.Module):
    """One linear map of [z, Δz, |Δz|] over frames: what changes drives a brain more than what is there.

    The three are mapped apart and added, which is the same and spares joining them.
    """

    def __init__(self, width_in: int, width: int) -> None:
        super().__init__()
        self.still = nn.Linear(width_in, width)
        self.change = nn.Linear(width_in, width, bias=False)
        self.size = nn.Linear(width_in, width, bias=False)

    def forward(self, z: Tensor, mask: Tensor) -> Tensor:
        """Map z (N, F, P, Dv) under mask (N, F) to (N, F, P, D).

        A difference with an invalid frame, or across the interval's start, is 0; so is z at invalid frames,
        whatever it held there.
        """
        z = torch.where(mask[:, :, None, None], z, 0.0)
        both = (mask[:, 1:] & mask[:, :-1])[:, :, None, None]
        change = (z[:, 1:] - z[:, :-1]) * both.to(z.dtype)
        moved = self.change(change) + self.size(change.abs())
        return self.still(z) + F.pad(moved, (0, 0, 0, 0, 1, 0))


class CausalConv(nn.Module):
    """Residual block: norm, dilated causal convolution over this and past frames, ELU.

    The convolution is written as one matrix over the frames it reaches, joined along the features: the same
    arithmetic, for a whole interval and for one step, and several times faster than a dilated one on a CPU.
    """

    def __init__(self, width: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.back = [tap * dilation for tap in range(kernel)]
        self.norm = nn.LayerNorm(width)
        self.conv = nn.Linear(kernel * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, there: Tensor) -> Tensor:  # (N, F, D), (N, F, 1)
        """Mix x (N, F, D), there (N, F, 1)."""
        past = F.pad(self.norm(x) * there, (0, 0, self.back[-1], 0))
        return self.mix(x, past, there)

    def step(self, x: Tensor, there: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """Mix one frame x (N, D); over all frames equal to the whole call."""
        window = torch.cat((past, self.norm(x) * there), dim=1)
        return self.mix(x, window, there), window[:, 1:]

    def mix(self, x: Tensor, past: Tensor, there: Tensor) -> Tensor:
        """Map x (N, F, D) with what stands before it in past (N, back + F, D)."""
        n_frames, reach = x.shape[1], self.back[-1]
        taps = torch.cat([past[:, reach - back : reach - back + n_frames] for back in self.back], dim=-1)
        return (x + self.dropout(F.elu(self.conv(taps)))) * there


class TcnConfig(MixerConfig):
    """Dilated causal convolutions over the frames of an interval."""

    kind: Literal["tcn"] = "tcn"
    kernel: int = Field(3, ge=2)
    dilations: tuple[int, ...] = (1, 2)
    dropout: float = Field(0.1, ge=0, lt=1)

    def build(self, width: int) -> TemporalMixer:
        """Build the part."""
        return Tcn(self, width)


class Tcn(nn.Module):
    """Temporal convolutional network (arXiv 1803.01271). See `interfaces.TemporalMixer`."""

    def __init__(self, config: TcnConfig, width: int) -> None:
        super().__init__()
        self.blocks: Any = nn.ModuleList(
            CausalConv(width, config.kernel, dilation, config.dropout) for dilation in config.dilations
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Mix x (N, F, D) under mask (N, F); see `interfaces.TemporalMixer`."""
        there = mask[:, :, None].to(x.dtype)
        x = torch.where(mask[:, :, None], x, 0.0)
        for block in self.blocks:
            x = block(x, there)
        return x

    def init_state(self, x: Tensor) -> State:
        """Give the state at an interval's start for frames like x (N, D)."""
        return tuple(x.new_zeros((x.shape[0], block.back[-1], x.shape[1])) for block in self.blocks)

    def step(self, x: Tensor, mask: Tensor, state: State) -> tuple[Tensor, State]:
        """Mix one frame x (N, D); over all frames equal to the whole call."""
        there = mask[:, None, None].to(x.dtype)
        x = torch.where(mask[:, None], x, 0.0)[:, None]
        after = []
        for block, past in zip(self.blocks, state, strict=True):
            x, past = block.step(x, there, past)
            after.append(past)
        return x[:, 0], tuple(after)


class NoMixerConfig(MixerConfig):
    """No mixing over time: each frame by itself."""

    kind: Literal["none"] = "none"

    def build(self, width: int) -> TemporalMixer:
        """Build the part."""
        return NoMixer(self, width)


class NoMixer(nn.Module):
    """Each frame for itself: the reference every mixer is compared with."""

    def __init__(self, config: NoMixerConfig, width: int) -> None:
        super().__init__()

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Mix x (N, F, D) under mask (N, F); see `interfaces.TemporalMixer`."""
        return torch.where(mask[:, :, None], x, 0.0)

    def init_state(self, x: Tensor) -> State:
        """Give the state at an interval's start for frames like x (N, D)."""
        return ()

    def step(self, x: Tensor, mask: Tensor, state: State) -> tuple[Tensor, State]:
        """Mix one frame x (N, D); over all frames equal to the whole call."""
        return torch.where(mask[:, None], x, 0.0), state
