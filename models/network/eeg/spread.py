"""A map from what an encoder makes of a second of EEG to the slots of the time grid."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from realtime.config import GridConfig

_RANK, GRID_WIDTH = 64, 32


class Spread(nn.Module):
    """A learned map from what was made of each part of the EEG to that part's slots, linear and of low rank.

    EEG of [s, e) answers to the pictures of [s - lag, e - lag), so the parts, which divide the last
    `n_seconds` of EEG, fill the last `n_seconds` of slots; slots before stay 0.
    """

    def __init__(self, n_features: int, n_parts: int, n_seconds: int, grid: GridConfig, width: int) -> None:
        super().__init__()
        self.per_part, self.width = n_seconds * grid.slots_hz // n_parts, width
        self.before = grid.n_slots - n_seconds * grid.slots_hz
        self.mix = nn.Linear(n_features, _RANK)
        self.out = nn.Linear(_RANK, self.per_part * width)

    def forward(self, parts: Tensor) -> Tensor:
        """Spread parts (N, n_parts, n_features) as (N, G, width)."""
        slots = self.out(self.mix(parts)).unflatten(2, (self.per_part, self.width))
        return F.pad(slots.flatten(1, 2), (0, 0, self.before, 0))

    def energy(self, parts: Tensor, n_channels: int) -> Tensor:
        """Energy (N, C) that each electrode's features, which lie one after the other, pass on."""
        weight = self.mix.weight.unflatten(1, (n_channels, -1))  # (rank, C, features)
        passed = torch.einsum("npcf,rcf->npcr", parts.unflatten(2, (n_channels, -1)), weight)
        return passed.square().mean(dim=(1, 3))
