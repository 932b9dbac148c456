"""Perceiver IO as a fusion: learned latents read EEG and media together, EEG tokens read the latents."""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from models.network.attention import CrossAttention, feed_forward
from models.network.compression import shares
from models.network.fusion.gated import mean_rows
from models.network.interfaces import Fused, Fusion, FusionConfig, State


class PerceiverConfig(FusionConfig):
    """Learned latents, spread over the interval, that read EEG and media together (arXiv 2107.14795)."""

    kind: Literal["perceiver"] = "perceiver"
    latents: int = Field(32, ge=1)
    depth: int = Field(2, ge=1, le=4)
    heads: int = Field(4, ge=1)
    head_width: int = Field(16, ge=2, multiple_of=2)
    rotary: bool = True
    time_bias_s: float | None = Field(0.05, gt=0)

    def build(self, width: int) -> Fusion:
        return PerceiverFusion(self, width)


class PerceiverFusion(nn.Module):
    """See `interfaces.Fusion`; after Perceiver IO (arXiv 2107.14795). It has no gate.

    Latents stand at equal steps over the EEG tokens' time. Where rows of one interval differ in what they may
    read, its latents read what any of them may.
    """

    def __init__(self, config: PerceiverConfig, width: int) -> None:
        super().__init__()
        time = (config.heads, config.head_width, config.rotary, config.time_bias_s)
        self.latents = nn.Parameter(torch.randn(config.latents, width) * 0.02)
        self.kinds = nn.Parameter(torch.randn(2, width) * 0.02)  # EEG, media
        self.readers: Any = nn.ModuleList(CrossAttention(width, *time) for _ in range(config.depth))
        self.mixers: Any = nn.ModuleList(feed_forward(width, 4) for _ in range(config.depth))
        self.decoder = CrossAttention(width, *time)
        self.readout = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, 1)
        )
        self.register_buffer("steps", (torch.arange(config.latents) + 0.5) / config.latents, persistent=False)

    steps: Tensor

    def project(self, media: Tensor) -> State:
        return tuple(
            part for reader in self.readers for part in reader.to_kv(media + self.kinds[1]).chunk(2, dim=-1)
        )

    def forward(
        self,
        tokens: Tensor,
        token_times: Tensor,
        media: State,
        media_times: Tensor,
        allowed: Tensor,
        explain: bool = False,
    ) -> Fused:
        n_batch, n_intervals, n_tokens, _ = tokens.shape
        by_interval = self._by_interval(n_batch, n_intervals)
        row_any = allowed.any(dim=-1, keepdim=True)  # (B, T, S, 1)
        x = tokens.flatten(0, 1)  # (B·T, S, D)
        x_times = token_times.expand(n_batch, -1, -1).flatten(0, 1)
        times = torch.cat((x_times, by_interval(media_times.expand(n_batch, -1))), dim=1)
        seen = torch.cat((torch.ones_like(row_any[..., 0]), allowed.any(dim=2)), dim=-1).flatten(0, 1)[
            :, None
        ]
        start, stop = x_times.amin(dim=1, keepdim=True), x_times.amax(dim=1, keepdim=True)
        latent_times = start + (stop - start) * self.steps  # (B·T, L)
        latents = self.latents.expand(x.shape[0], -1, -1)
        read_maps = []
        for i, (reader, mixer) in enumerate(zip(self.readers, self.mixers, strict=True)):
            own = reader.to_kv(x + self.kinds[0]).chunk(2, dim=-1)
            k, v = (torch.cat((own[j], by_interval(media[2 * i + j])), dim=1) for j in (0, 1))
            read, weights = reader(latents, latent_times, k, v, times, seen, explain)
            latents = latents + read
            latents = latents + mixer(latents)
            read_maps.append(weights)
        k, v = self.decoder.to_kv(latents).chunk(2, dim=-1)
        decoded, told = self.decoder(x, x_times, k, v, latent_times, seen[:, :, :1], explain)
        fused = torch.where(row_any, tokens + decoded.unflatten(0, (n_batch, n_intervals)), tokens)
        attention = None
        if explain:
            to_media = torch.stack(read_maps).mean(dim=0)[:, :, n_tokens:]  # (B·T, L, R)
            attention = (told @ to_media).unflatten(0, (n_batch, n_intervals))
            attention = shares(torch.where(allowed, attention, 0.0))
        some = row_any.any(dim=2).to(tokens.dtype)
        logit = self.readout(latents).mean(dim=1).unflatten(0, (n_batch, n_intervals)) * some
        return Fused(fused, mean_rows(fused, row_any), logit.squeeze(-1), attention, tokens.new_ones(()))

    @staticmethod
    def _by_interval(n_batch: int, n_intervals: int) -> Any:
        """A function that gives every interval its batch's media: (B, R, …) as (B·T, R, …)."""

        def repeat(part: Tensor) -> Tensor:
            return part.unsqueeze(1).expand(-1, n_intervals, *(-1,) * (part.dim() - 1)).flatten(0, 1)

        return repeat
