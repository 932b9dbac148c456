"""Gated cross-attention: EEG tokens read the video's latents, and say whether they belong together."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from models.network.attention import feed_forward
from models.network.cross_attention import CrossAttention
from models.network.interfaces import Fused, State
from models.network.masks import guard_rows
from models.network.readout import READOUTS, mean_rows
from models.parts import GatedConfig


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
