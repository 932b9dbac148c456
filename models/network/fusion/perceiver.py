"""Perceiver IO as a fusion: learned latents read EEG and media together, EEG tokens read the latents."""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from models.network.attention import CrossAttention, TimedAttention, feed_forward, mean_map
from models.network.compression import shares
from models.network.fusion.gated import MlpReadout, mean_rows
from models.network.interfaces import Fused, Fusion, FusionConfig, Media, State
from models.network.masks import refuse_uneven


class PerceiverConfig(FusionConfig):
    """Learned latents, spread over the interval, that read EEG and media together (arXiv 2107.14795)."""

    kind: Literal["perceiver"] = "perceiver"
    latents: int = Field(32, ge=1)
    depth: int = Field(2, ge=1, le=4)
    heads: int = Field(4, ge=1)
    head_width: int = Field(8, ge=2, multiple_of=2)
    rotary: bool = True
    time_bias_s: float | None = Field(0.05, gt=0)
    agreement: float | None = Field(30.0, gt=0)

    def build(self, width: int) -> Fusion:
        """Build the part."""
        return PerceiverFusion(self, width)

    def attention(self, width: int, agreement: float | None = None) -> CrossAttention:
        """One attention of the family, with or without agreement on its scores."""
        scores = TimedAttention(self.heads, self.head_width, self.rotary, self.time_bias_s, agreement)
        return CrossAttention(width, scores, self.heads, self.heads * self.head_width)


class PerceiverLayer(nn.Module):
    """Latents read what is outside, then each other, then think it over; keys are normed."""

    def __init__(self, config: PerceiverConfig, width: int) -> None:
        super().__init__()
        self.norm_outside, self.norm_latents = nn.LayerNorm(width), nn.LayerNorm(width)
        self.read = config.attention(width, config.agreement)
        self.own = config.attention(width)
        self.ff = feed_forward(width, 4)

    def keys(self, outside: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of `outside` (N, R, D)."""
        return self.read.keys(self.norm_outside(outside))

    def forward(
        self,
        latents: Tensor,
        latent_times: Tensor,
        keys: tuple[Tensor, Tensor],
        times: Tensor,
        seen: Tensor,
        agreement: Tensor,
        explain: bool,
    ) -> tuple[Tensor, Tensor | None]:
        """Latents (N, L, D) beside keys of R things outside, `seen` and `agreement` (N, 1, R)."""
        read, weights = self.read(latents, latent_times, keys, times, seen, explain, agreement)
        latents = latents + read
        own = self.own.keys(self.norm_latents(latents))
        everyone = torch.ones_like(seen[:, :, :1]).expand(-1, -1, latents.shape[1])
        latents = latents + self.own(latents, latent_times, own, latent_times, everyone, explain=False)[0]
        return latents + self.ff(latents), weights


class PerceiverFusion(nn.Module):
    """See `interfaces.Fusion`; after Perceiver IO (arXiv 2107.14795). It has no gate.

    Latents stand at equal steps over the EEG tokens' time, and all rows of an interval share them: masks that
    differ between rows are refused.
    """

    steps: Tensor

    def __init__(self, config: PerceiverConfig, width: int) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.randn(config.latents, width) * 0.02)
        self.kinds = nn.Parameter(torch.randn(2, width) * 0.02)  # EEG, media
        self.layers: Any = nn.ModuleList(PerceiverLayer(config, width) for _ in range(config.depth))
        self.norm = nn.LayerNorm(width)
        self.decoder = config.attention(width)
        self.readout = MlpReadout(width)
        self.register_buffer("steps", (torch.arange(config.latents) + 0.5) / config.latents, persistent=False)

    def project(self, media: Tensor) -> State:
        """Project latents (B, R, D) to what is cached of them; see `interfaces.Fusion`."""
        return tuple(part for layer in self.layers for part in layer.keys(media + self.kinds[1]))

    def forward(self, tokens: Tensor, token_times: Tensor, media: Media, explain: bool = False) -> Fused:
        """Let tokens (B, T, S, D) read the media; see `interfaces.Fusion`."""
        refuse_uneven(media.allowed, "perceiver")
        n_batch, n_intervals, n_tokens, _ = tokens.shape
        shape = (n_batch, n_intervals)
        row_any = media.allowed.any(dim=-1, keepdim=True)  # (B, T, S, 1)
        x = tokens.flatten(0, 1)  # (B·T, S, D)
        x_times = token_times.expand(n_batch, -1, -1).flatten(0, 1)
        times = torch.cat((x_times, by_interval(media.times.expand(n_batch, -1), n_intervals)), dim=1)
        own = torch.ones_like(row_any[..., 0])
        seen = torch.cat((own, media.allowed.any(dim=2)), dim=-1).flatten(0, 1)[:, None]
        agreement = torch.cat((torch.zeros_like(x_times), media.agreement.flatten(0, 1)), dim=1)[:, None]
        start, stop = x_times.amin(dim=1, keepdim=True), x_times.amax(dim=1, keepdim=True)
        latent_times = start + (stop - start) * self.steps  # (B·T, L)
        latents, maps = self.latents.expand(x.shape[0], -1, -1), []
        for i, layer in enumerate(self.layers):
            outside = (by_interval(part, n_intervals) for part in media.parts[2 * i : 2 * i + 2])
            k, v = (
                torch.cat(both, dim=1) for both in zip(layer.keys(x + self.kinds[0]), outside, strict=True)
            )
            latents, weights = layer(latents, latent_times, (k, v), times, seen, agreement, explain)
            maps.append(weights)
        keys = self.decoder.keys(self.norm(latents))
        decoded, told = self.decoder(x, x_times, keys, latent_times, seen[:, :, :1], explain)
        fused = torch.where(row_any, tokens + decoded.unflatten(0, shape), tokens)
        attention = None
        if explain:
            to_media = mean_map(maps)[:, :, n_tokens:]  # (B·T, L, R)
            attention = shares(torch.where(media.allowed, (told @ to_media).unflatten(0, shape), 0.0))
        logit = self.readout(tokens, fused, row_any)
        return Fused(fused, mean_rows(fused, row_any), logit, attention, tokens.new_ones(()))


def by_interval(part: Tensor, n_intervals: int) -> Tensor:
    """Give every interval its batch's media: (B, R, …) as (B·T, R, …)."""
    return part.unsqueeze(1).expand(-1, n_intervals, *(-1,) * (part.dim() - 1)).flatten(0, 1)
