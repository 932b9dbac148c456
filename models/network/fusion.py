"""Gated cross-attention: EEG tokens read the video's latents, and say whether they belong together."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from models.network.attention import TimeAware, attend, feed_forward, join_heads, split_heads
from models.network.interfaces import Fused, State
from models.network.masks import guard_rows
from models.network.similarity import unit
from models.parts import GatedConfig


class CrossAttention(nn.Module):
    """Queries attend to projected media (Flamingo), with time on the scores.

    With `modulate_values`, what a query has read is multiplied by a map of the query.
    """

    def __init__(self, config: GatedConfig, width: int) -> None:
        super().__init__()
        inner = config.heads * config.head_width
        self.heads = config.heads
        self.norm = nn.LayerNorm(width)
        self.to_q = nn.Linear(width, inner, bias=False)
        self.to_kv = nn.Linear(width, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, width, bias=False)
        self.modulate = nn.Linear(width, inner, bias=False) if config.modulate_values else None
        self.time = TimeAware(config.heads, config.head_width, config.rotary, config.time_bias_s)

    def forward(
        self,
        x: Tensor,
        x_times: Tensor,
        k: Tensor,
        v: Tensor,
        media_times: Tensor,
        allowed: Tensor,
        explain: bool,
    ) -> tuple[Tensor, Tensor | None]:
        x = self.norm(x)
        q, k, v = (split_heads(part, self.heads) for part in (self.to_q(x), k, v))
        mask = self.time.mask(x_times, media_times, allowed)
        out, weights = attend(self.time.turn(q, x_times), self.time.turn(k, media_times), v, mask, explain)
        read = join_heads(out)
        if self.modulate is not None:
            read = read * self.modulate(x)
        return self.to_out(read), weights


class GatedBlock(nn.Module):
    """x += tanh(g)·attention(x), x += tanh(g_f)·FF(x): gates start at 0, so a fresh block is the identity.

    Names and arithmetic of lucidrains/flamingo-pytorch's GatedCrossAttentionBlock, but for the rule on rows
    that may read nothing: they pass through both branches bit-exactly.
    """

    def __init__(self, config: GatedConfig, width: int) -> None:
        super().__init__()
        self.attn = CrossAttention(config, width)
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
        gate = torch.cat([block.attn_gate for block in self.blocks]).tanh().mean()
        return Fused(x, pooled, self.readout(queries, x, read, pooled, counted), attention, gate)


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
