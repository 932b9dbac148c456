"""Gated cross-attention: EEG tokens read the video's latents, and say whether they belong together."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from models.network.attention import CrossAttention, feed_forward
from models.network.interfaces import Fused, Fusion, FusionConfig, State
from models.network.masks import guard_rows
from models.network.towers import unit

Readout = Literal["linear", "cosine", "mlp"]


class GatedBlock(nn.Module):
    """x += tanh(g)·attention(x), x += tanh(g_f)·FF(x): gates start at 0, so a fresh block is the identity.

    Names and arithmetic of lucidrains/flamingo-pytorch's GatedCrossAttentionBlock, but for the rule on rows
    that may read nothing: they pass through both branches bit-exactly.
    """

    def __init__(self, config: GatedConfig, width: int) -> None:
        super().__init__()
        self.attn = CrossAttention(
            width, config.heads, config.head_width, config.rotary, config.time_bias_s, config.modulate_values
        )
        self.attn_gate = nn.Parameter(torch.zeros(1))
        self.ff = feed_forward(width, config.ff_mult)
        self.ff_gate = nn.Parameter(torch.zeros(1))

    def forward(
        self,
        x: Tensor,
        x_times: Tensor,
        k: Tensor,
        v: Tensor,
        media_times: Tensor,
        allowed: Tensor,
        row_any: Tensor,
        explain: bool,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Give the new x (B, Tq, D), what was read before the gate (B, Tq, D), and the weights (B, Tq, R)."""
        read, weights = self.attn(x, x_times, k, v, media_times, allowed, explain)
        x = torch.where(row_any, x + self.attn_gate.tanh() * read, x)
        x = torch.where(row_any, x + self.ff_gate.tanh() * self.ff(x), x)
        return x, read, weights


class GatedConfig(FusionConfig):
    """Flamingo's gated cross-attention with a bias to a query's own time; both gates start at 0."""

    kind: Literal["gated"] = "gated"
    depth: int = Field(1, ge=1, le=4)
    heads: int = Field(4, ge=1)
    head_width: int = Field(16, ge=2, multiple_of=2)
    ff_mult: int = Field(4, ge=1)
    rotary: bool = True
    time_bias_s: float | None = Field(0.05, gt=0)  # where τ starts; without it the match stayed at chance
    modulate_values: bool = False
    readout: Readout = "cosine"  # within its interval as good as the others (docs/ablation.md)

    def build(self, width: int) -> Fusion:
        return GatedFusion(self, width)


class GatedFusion(nn.Module):
    """One to four gated blocks and a readout. See `interfaces.Fusion`."""

    def __init__(self, config: GatedConfig, width: int) -> None:
        super().__init__()
        self.blocks: Any = nn.ModuleList(GatedBlock(config, width) for _ in range(config.depth))
        self.readout = READOUTS[config.readout](width)

    def project(self, media: Tensor) -> State:
        return tuple(part for block in self.blocks for part in block.attn.to_kv(media).chunk(2, dim=-1))

    def forward(
        self,
        tokens: Tensor,
        token_times: Tensor,
        media: State,
        media_times: Tensor,
        allowed: Tensor,
        explain: bool = False,
    ) -> Fused:
        shape = tokens.shape[1:3]
        queries = x = tokens.flatten(1, 2)
        x_times = token_times.flatten(1, 2)
        safe, row_any = guard_rows(allowed.flatten(1, 2))
        read, maps = x, []
        for i, block in enumerate(self.blocks):
            x, read, weights = block(
                x, x_times, media[2 * i], media[2 * i + 1], media_times, safe, row_any, explain
            )
            maps.append(weights)
        attention = None
        if explain:
            attention = torch.where(row_any, torch.stack(maps).mean(dim=0), 0.0).unflatten(1, shape)
        queries, x, read, counted = (part.unflatten(1, shape) for part in (queries, x, read, row_any))
        pooled = mean_rows(x, counted)
        gate = torch.stack(self._gates()).tanh().mean()
        return Fused(x, pooled, self.readout(queries, x, read, pooled, counted), attention, gate)

    def _gates(self) -> list[Tensor]:
        """What is read goes through these: each block's, but for the last where the readout has its own."""
        gates: list[Tensor] = [block.attn_gate.squeeze() for block in self.blocks]
        own = getattr(self.readout, "gate", None)
        return gates if own is None else [*gates[:-1], own]


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
