"""Gated cross-attention: EEG tokens read the video's latents, and say whether they belong together."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from models.network.attention import CrossAttention, TimedAttention, feed_forward, mean_map
from models.network.interfaces import Fused, Fusion, FusionConfig, Media, State
from models.network.masks import guard_rows, of_rows

Readout = Literal["linear", "cosine", "mlp"]


class GatedConfig(FusionConfig):
    """Flamingo's gated cross-attention; both gates start at 0.

    Attributes
    ----------
    time_bias_s : float or None
        Where τ of the own-time bias starts; without it the match stayed at chance.
    agreement : float or None
        Where κ, the weight of a place's agreement with the interval, starts; None leaves the choice of a
        place to q·k alone.
    """

    kind: Literal["gated"] = "gated"
    depth: int = Field(1, ge=1, le=4)
    heads: int = Field(2, ge=1)
    head_width: int = Field(16, ge=2, multiple_of=2)
    ff_mult: int = Field(4, ge=1)
    rotary: bool = True
    time_bias_s: float | None = Field(0.05, gt=0)
    agreement: float | None = Field(30.0, gt=0)
    modulate_values: bool = False
    readout: Readout = "cosine"

    def build(self, width: int) -> Fusion:
        """Build the part."""
        return GatedFusion(self, width)


class GatedBlock(nn.Module):
    """x += tanh(g)·attention(x), x += tanh(g_f)·FF(x): gates start at 0, so a fresh block is the identity.

    Names and arithmetic of lucidrains/flamingo-pytorch's GatedCrossAttentionBlock, but for the rule on rows
    that may read nothing: they pass through both branches bit-exactly.
    """

    def __init__(self, config: GatedConfig, width: int) -> None:
        super().__init__()
        scores = TimedAttention(
            config.heads, config.head_width, config.rotary, config.time_bias_s, config.agreement
        )
        inner = config.heads * config.head_width
        self.attn = CrossAttention(width, scores, config.heads, inner, config.modulate_values)
        with torch.no_grad():  # what is read begins as what was there: a gate knows where to go
            nn.init.orthogonal_(self.attn.to_out.weight)
            self.attn.to_kv.weight[inner:] = self.attn.to_out.weight.T
        self.attn_gate = nn.Parameter(torch.zeros(1))
        self.ff = feed_forward(width, config.ff_mult)
        self.ff_gate = nn.Parameter(torch.zeros(1))

    def forward(
        self,
        x: Tensor,
        x_times: Tensor,
        keys: tuple[Tensor, Tensor],
        media: Media,
        safe: Tensor,
        row_any: Tensor,
        explain: bool,
    ) -> tuple[Tensor, Tensor | None]:
        """Give the new x (B, Tq, D), and the weights (B, Tq, R); Tq = T·S, as in `safe` and `row_any`."""
        agreement = of_rows(media.agreement, x.shape[1])
        read, weights = self.attn(x, x_times, keys, media.times, safe, explain, agreement)
        x = torch.where(row_any, x + self.attn_gate.tanh() * read, x)
        x = torch.where(row_any, x + self.ff_gate.tanh() * self.ff(x), x)
        return x, weights


class GatedFusion(nn.Module):
    """One to four gated blocks, and a readout of what has passed their gates. See `interfaces.Fusion`."""

    def __init__(self, config: GatedConfig, width: int) -> None:
        super().__init__()
        self.blocks: Any = nn.ModuleList(GatedBlock(config, width) for _ in range(config.depth))
        self.readout = READOUTS[config.readout](width)

    def project(self, media: Tensor) -> State:
        """Project latents (B, R, D) to what is cached of them; see `interfaces.Fusion`."""
        return tuple(part for block in self.blocks for part in block.attn.keys(media))

    def forward(self, tokens: Tensor, token_times: Tensor, media: Media, explain: bool = False) -> Fused:
        """Let tokens (B, T, S, D) read the media; see `interfaces.Fusion`."""
        shape = tokens.shape[1:3]
        x, x_times = tokens.flatten(1, 2), token_times.flatten(1, 2)
        safe, row_any = guard_rows(media.allowed.flatten(1, 2))
        maps = []
        for i, block in enumerate(self.blocks):
            keys = media.parts[2 * i], media.parts[2 * i + 1]
            x, weights = block(x, x_times, keys, media, safe, row_any, explain)
            maps.append(weights)
        attention = None
        if explain:
            attention = torch.where(row_any, mean_map(maps), 0.0).unflatten(1, shape)
        x, counted = x.unflatten(1, shape), row_any.unflatten(1, shape)
        logit = self.readout(tokens, x, counted)
        gate = torch.stack([block.attn_gate.squeeze() for block in self.blocks]).tanh().mean()
        return Fused(x, mean_rows(x, counted), logit, attention, gate)


# ---------------------------------------------------------------- readouts
# Each is given queries before and tokens after the blocks (B, T, S, D), and which rows count (B, T, S, 1): it
# reads what has passed the gates and nothing else, so every gate and every weight before it is trained.
class LinearReadout(nn.Module):
    """w·LN(mean x) + b."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 1))

    def forward(self, queries: Tensor, x: Tensor, counted: Tensor) -> Tensor:
        """Read out the logit (B, T) from queries and tokens (B, T, S, D)."""
        return self.head(mean_rows(x, counted)).squeeze(-1)


class CosineReadout(nn.Module):
    """e^s·mean ⟨y, q⟩ / (|q|·√(|y|² + |q|²)) + b, y = x − q what the blocks have let through.

    The cosine of y and q where much is let through; where nothing is, 0 with a gradient, which a plain cosine
    would not have.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, queries: Tensor, x: Tensor, counted: Tensor) -> Tensor:
        """Read out the logit (B, T) from queries and tokens (B, T, S, D)."""
        passed = x - queries
        along = (passed * queries).sum(dim=-1, keepdim=True)
        square = queries.square().sum(dim=-1, keepdim=True) + 1e-6
        both = square * (passed.square().sum(dim=-1, keepdim=True) + square)
        return self.log_scale.exp() * mean_rows(along * both.rsqrt(), counted).squeeze(-1) + self.bias


class MlpReadout(nn.Module):
    """mean MLP([q, y, q∘y]), y = x − q what the blocks have let through."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(3 * width, width), nn.GELU(), nn.Linear(width, 1))

    def forward(self, queries: Tensor, x: Tensor, counted: Tensor) -> Tensor:
        """Read out the logit (B, T) from queries and tokens (B, T, S, D)."""
        passed = x - queries
        each = self.mlp(torch.cat((queries, passed, queries * passed), dim=-1))
        return mean_rows(each, counted).squeeze(-1)


READOUTS: dict[str, type[nn.Module]] = {"linear": LinearReadout, "cosine": CosineReadout, "mlp": MlpReadout}


def mean_rows(x: Tensor, counted: Tensor) -> Tensor:
    """Mean of x (B, T, S, D) over the rows counted (B, T, S, 1); 0 where none is."""
    total = torch.where(counted, x, 0.0).sum(dim=2)
    return total / counted.to(x.dtype).sum(dim=2).clamp(min=1.0)
