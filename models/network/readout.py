"""From fused tokens to one logit: does this EEG belong to this video?

Each readout is given, per interval: the queries before and after the blocks (B, T, S, D), what the last block
has read before its gate (B, T, S, D), the pooled vector (B, T, D), and which rows count (B, T, S, 1).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from models.network.similarity import unit


class LinearReadout(nn.Module):
    """w·LN(mean x) + b."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 1))

    def forward(self, queries: Tensor, x: Tensor, read: Tensor, pooled: Tensor, counted: Tensor) -> Tensor:
        return self.head(pooled).squeeze(-1)


class CosineReadout(nn.Module):
    """tanh(g)·e^s·mean cos(read, query) + b, g = 0.5 at the start: at 0 it would have no first gradient."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.tensor(0.5))
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, queries: Tensor, x: Tensor, read: Tensor, pooled: Tensor, counted: Tensor) -> Tensor:
        cosine = (unit(read) * unit(queries)).sum(dim=-1, keepdim=True)
        return self.gate.tanh() * self.log_scale.exp() * mean_rows(cosine, counted).squeeze(-1) + self.bias


class MlpReadout(nn.Module):
    """mean MLP([q, y, q∘y]), y = x − q what the blocks have added to the query."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(3 * width, width), nn.GELU(), nn.Linear(width, 1))

    def forward(self, queries: Tensor, x: Tensor, read: Tensor, pooled: Tensor, counted: Tensor) -> Tensor:
        added = x - queries
        return mean_rows(self.mlp(torch.cat((queries, added, queries * added), dim=-1)), counted).squeeze(-1)


READOUTS: dict[str, type[nn.Module]] = {"linear": LinearReadout, "cosine": CosineReadout, "mlp": MlpReadout}


def mean_rows(x: Tensor, counted: Tensor) -> Tensor:
    """Mean of x (B, T, S, D) over the rows counted (B, T, S, 1); 0 where none is."""
    total = torch.where(counted, x, 0.0).sum(dim=2)
    return total / counted.to(x.dtype).sum(dim=2).clamp(min=1.0)
