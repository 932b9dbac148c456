"""A gated recurrent unit over the frames of an interval (Cho et al. 2014, arXiv 1406.1078), residual."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from models.network.interfaces import MixerConfig, State, TemporalMixer
from models.network.mixers.packing import hold, pack, packed_places, unpack


class GruConfig(MixerConfig):
    """A gated recurrent unit over the frames of an interval."""

    kind: Literal["gru"] = "gru"
    layers: int = Field(1, ge=1)

    def build(self, width: int) -> TemporalMixer:
        """Build the part."""
        return Gru(self, width)


class Gru(nn.Module):
    """`x + GRU(norm(x))`; an invalid frame leaves the hidden state as it was."""

    def __init__(self, config: GruConfig, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.gru = nn.GRU(width, width, num_layers=config.layers, batch_first=True)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Mix x (N, F, D) under mask (N, F); gives (N, F, D)."""
        places = packed_places(mask)
        frames = pack(x, mask, places)
        mixed, _ = self.gru(self.norm(frames))
        return unpack(frames + mixed, mask, places)

    def init_state(self, x: Tensor) -> State:
        """Hidden state (N, layers, D) at an interval's start, for frames like x (N, D)."""
        return (x.new_zeros(x.shape[0], self.gru.num_layers, x.shape[1]),)

    def step(self, x: Tensor, mask: Tensor, state: State) -> tuple[Tensor, State]:
        """Mix one frame x (N, D) under mask (N,)."""
        (hidden,) = state
        frame = hold(mask, x, torch.zeros_like(x))
        mixed, new = self.gru(self.norm(frame).unsqueeze(1), hidden.transpose(0, 1).contiguous())
        out = hold(mask, frame + mixed.squeeze(1), torch.zeros_like(x))
        return out, (hold(mask, new.transpose(0, 1), hidden),)
