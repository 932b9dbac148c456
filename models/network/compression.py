"""The frames of an interval reduced to n latents, each at its own time in the interval."""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from models.network.attention import TimedAttention, feed_forward, join_heads, mean_map, split_heads
from models.network.interfaces import CompressionConfig, Compressor, Latents
from models.network.masks import guard_rows


class PerceiverAttention(nn.Module):
    """Latents attend to frames and themselves (Flamingo, arXiv 2204.14198; lucidrains/flamingo-pytorch)."""

    def __init__(self, width: int, heads: int, head_width: int, rotary: bool, bias_s: float | None) -> None:
        super().__init__()
        self.heads = heads
        self.norm_media, self.norm_latents = nn.LayerNorm(width), nn.LayerNorm(width)
        self.to_q = nn.Linear(width, heads * head_width, bias=False)
        self.to_kv = nn.Linear(width, 2 * heads * head_width, bias=False)
        self.to_out = nn.Linear(heads * head_width, width, bias=False)
        self.attend = TimedAttention(heads, head_width, rotary, bias_s)

    def forward(
        self,
        x: Tensor,
        latents: Tensor,
        x_times: Tensor,
        latent_times: Tensor,
        allowed: Tensor,
        explain: bool,
    ) -> tuple[Tensor, Tensor | None]:
        """Give x (N, S, width) after the block, in the same shape."""
        latents = self.norm_latents(latents)
        k, v = self.to_kv(torch.cat((self.norm_media(x), latents), dim=1)).chunk(2, dim=-1)
        q, k, v = (split_heads(part, self.heads) for part in (self.to_q(latents), k, v))
        key_times = torch.cat((x_times, latent_times), dim=1)
        out, weights = self.attend(q, k, v, latent_times, key_times, allowed, explain)
        return self.to_out(join_heads(out)), weights


class ResamplerConfig(CompressionConfig):
    """Latents that attend to frames and patches around their own time (Perceiver Resampler)."""

    kind: Literal["resampler"] = "resampler"
    depth: int = Field(1, ge=1)
    heads: int = Field(4, ge=1)
    head_width: int = Field(16, ge=2, multiple_of=2)  # 64 in Flamingo
    ff_mult: int = Field(4, ge=1)
    rotary: bool = True
    time_bias_s: float | None = Field(0.05, gt=0)  # where its τ starts; None for none, as in Flamingo

    def build(self, width: int, times: Tensor) -> Compressor:
        """Build the part for latents at `times` (n,)."""
        return Resampler(self, width, times)


class Resampler(nn.Module):
    """Perceiver Resampler with a frame mask. See `interfaces.Compressor`.

    As published without rotary and time bias; with them each latent reads around its own time.
    """

    def __init__(self, config: ResamplerConfig, width: int, times: Tensor) -> None:
        super().__init__()
        self.register_buffer("times", times, persistent=False)
        self.latents = nn.Parameter(torch.randn(len(times), width) * 0.02)
        self.layers: Any = nn.ModuleList(
            nn.ModuleList(
                [
                    PerceiverAttention(
                        width, config.heads, config.head_width, config.rotary, config.time_bias_s
                    ),
                    feed_forward(width, config.ff_mult),
                ]
            )
            for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(width)

    times: Tensor

    def forward(self, x: Tensor, mask: Tensor, times: Tensor, explain: bool = False) -> Latents:
        """Compress x (N, F, P, D) under mask (N, F) to n latents; see `interfaces.Compressor`."""
        keys = torch.where(mask[:, :, None], x, 0.0)
        latents = self.latents.expand(len(x), -1, -1)
        latent_times = self.times[None]
        own = mask.new_ones(len(x), len(self.times))
        allowed = torch.cat((mask, own), dim=1)[:, None]  # (N, 1, F + n)
        maps = []
        for attention, ff in self.layers:
            read, weights = attention(keys, latents, times[None], latent_times, allowed, explain)
            latents = latents + read
            latents = latents + ff(latents)
            maps.append(weights)
        attention_map = None
        if explain:
            attention_map = shares(mean_map(maps)[:, :, : x.shape[1]])
        return Latents(zero_unless_any(self.norm(latents), mask), attention_map)


class PmaConfig(CompressionConfig):
    """Pooling by multi-head attention, one seed a latent (Set Transformer)."""

    kind: Literal["pma"] = "pma"
    heads: int = Field(4, ge=1)
    rotary: bool = True
    time_bias_s: float | None = Field(0.05, gt=0)

    def build(self, width: int, times: Tensor) -> Compressor:
        """Build the part for latents at `times` (n,)."""
        return Pma(self, width, times)


class Pma(nn.Module):
    """Pooling by multihead attention (Set Transformer, arXiv 1810.00825, eq. 6, 7 and 11), one seed a latent.

    PMA(Z) = MAB(S, rFF(Z)), MAB(X, Y) = LN(H + rFF(H)), H = LN(X + Multihead(X, Y, Y)).
    """

    def __init__(self, config: PmaConfig, width: int, times: Tensor) -> None:
        super().__init__()
        self.heads = config.heads
        self.register_buffer("times", times, persistent=False)
        self.seeds = nn.Parameter(torch.randn(len(times), width) * 0.02)
        self.before = nn.Sequential(nn.Linear(width, width), nn.ReLU())
        self.to_q, self.to_k, self.to_v = (nn.Linear(width, width) for _ in range(3))
        self.to_out = nn.Linear(width, width)
        self.after = nn.Sequential(nn.Linear(width, width), nn.ReLU())
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend = TimedAttention(config.heads, width // config.heads, config.rotary, config.time_bias_s)

    times: Tensor

    def forward(self, x: Tensor, mask: Tensor, times: Tensor, explain: bool = False) -> Latents:
        """Compress x (N, F, P, D) under mask (N, F) to n latents; see `interfaces.Compressor`."""
        allowed, _ = guard_rows(mask[:, None])
        keys = self.before(torch.where(mask[:, :, None], x, 0.0))
        seeds = self.seeds.expand(len(x), -1, -1)
        latent_times = self.times[None]
        q, k, v = (
            split_heads(part, self.heads) for part in (self.to_q(seeds), self.to_k(keys), self.to_v(keys))
        )
        out, weights = self.attend(q, k, v, latent_times, times[None], allowed, explain)
        hidden = self.norm1(seeds + self.to_out(join_heads(out)))
        latents = self.norm2(hidden + self.after(hidden))
        if weights is not None:
            weights = zero_unless_any(shares(weights), mask)
        return Latents(zero_unless_any(latents, mask), weights)


class MeanConfig(CompressionConfig):
    """The mean over patches of the frames next to each latent's time."""

    kind: Literal["mean"] = "mean"

    def build(self, width: int, times: Tensor) -> Compressor:
        """Build the part for latents at `times` (n,)."""
        return Mean(self, width, times)


class Mean(nn.Module):
    """Each latent is the mean of the valid frames next to it: without attention."""

    def __init__(self, config: MeanConfig, width: int, times: Tensor) -> None:
        super().__init__()
        self.register_buffer("times", times, persistent=False)
        self.half_bin = 0.5 / config.latents_per_s
        self.norm = nn.LayerNorm(width)

    times: Tensor

    def forward(self, x: Tensor, mask: Tensor, times: Tensor, explain: bool = False) -> Latents:
        """Compress x (N, F, P, D) under mask (N, F) to n latents; see `interfaces.Compressor`."""
        x = torch.where(mask[:, :, None], x, 0.0)
        apart = (self.times[:, None] - times[None, :]).abs()  # (n, F)
        reach = apart.amin(dim=1, keepdim=True).clamp(min=self.half_bin) + 1e-4
        weights = shares((apart <= reach) & mask[:, None, :])  # (N, n, F)
        latents = self.norm(weights.to(x.dtype) @ x) * weights.amax(dim=2, keepdim=True).gt(0)
        return Latents(latents, weights if explain else None)


def zero_unless_any(latents: Tensor, mask: Tensor) -> Tensor:
    """`latents` (N, n, D), exactly 0 for items without a valid frame in `mask` (N, F)."""
    return torch.where(mask.any(dim=1)[:, None, None], latents, 0.0)


def shares(weights: Tensor) -> Tensor:
    """Rows of `weights` (..., n, R) brought to sum 1; rows of 0 stay 0."""
    weights = weights.float()
    return weights / weights.sum(dim=-1, keepdim=True).clamp(min=1e-12)


def latent_times(n_latents: int, interval_s: float, lag_s: float) -> Tensor:
    """Centres (n,) of n equal parts of an interval's video, in seconds relative to the interval's end."""
    return (torch.arange(n_latents) + 0.5) * (interval_s / n_latents) - (interval_s + lag_s)
