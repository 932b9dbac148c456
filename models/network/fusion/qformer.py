"""BLIP-2's Q-Former as a fusion: learned queries read the media and meet the EEG, its text side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from models.network.attention import AgreementBias, TimeEmbedding
from models.network.compression import shares
from models.network.fusion.gated import mean_rows
from models.network.fusion.perceiver import by_interval
from models.network.interfaces import Fused, Fusion, FusionConfig, Media, State
from models.network.masks import refuse_uneven


class QFormerConfig(FusionConfig):
    """BLIP-2's Q-Former with learned queries and the EEG as its text side.

    `window_s` is how far apart in time two tokens may be to see each other: without a sense of time the match
    stayed at chance, and the Q-Former has no place for a bias.
    """

    kind: Literal["qformer"] = "qformer"
    queries: int = Field(32, ge=1)
    depth: int = Field(2, ge=2, le=4)
    heads: int = Field(4, ge=1)
    window_s: float = Field(0.25, gt=0)
    agreement: float | None = Field(30.0, gt=0)

    def build(self, width: int) -> Fusion:
        """Build the part."""
        return QFormerFusion(self, width)


class QFormerFusion(nn.Module):
    """See `interfaces.Fusion`; transformers' Blip2QFormerModel (arXiv 2301.12597). It has no gate.

    Queries stand at equal steps over the EEG tokens' time, and all rows of an interval share them: masks that
    differ between rows are refused. Time enters by sinusoids on what goes in, and by
    masks: two tokens further apart than `window_s` do not see each other. A learned "nothing" stands among
    the media, so that a query without media in reach has something to read. Agreement enters as in the gated
    fusion, added to the scores, one weight a head.
    """

    def __init__(self, config: QFormerConfig, width: int) -> None:
        super().__init__()
        self.n_queries, self.window_s = config.queries, config.window_s
        self.queries = nn.Parameter(torch.randn(config.queries, width) * 0.02)
        self.nothing = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.time = TimeEmbedding(width)
        self.agreement = AgreementBias(config.heads, config.agreement) if config.agreement else None
        from transformers import Blip2QFormerConfig, Blip2QFormerModel  # takes seconds

        shape = Blip2QFormerConfig(
            hidden_size=width,
            num_hidden_layers=config.depth,
            num_attention_heads=config.heads,
            intermediate_size=4 * width,
            encoder_hidden_size=width,
            use_qformer_text_input=True,
        )
        # Of transformers' ways to attend, the eager one can tell its weights.
        shape._attn_implementation = "eager"  # noqa: SLF001 the setting has no other name
        self.model: Any = Blip2QFormerModel(shape)
        self.readout = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, 1))
        self.register_buffer("steps", (torch.arange(config.queries) + 0.5) / config.queries, persistent=False)

    steps: Tensor

    def project(self, media: Tensor) -> State:
        """Project latents (B, R, D) to what is cached of them; see `interfaces.Fusion`."""
        return (media,)

    def forward(self, tokens: Tensor, token_times: Tensor, media: Media, explain: bool = False) -> Fused:
        """Let tokens (B, T, S, D) read the media; see `interfaces.Fusion`."""
        refuse_uneven(media.allowed, "qformer")
        shape, allowed = tokens.shape[:2], media.allowed
        row_any = allowed.any(dim=-1, keepdim=True)  # (B, T, S, 1)
        x_times = token_times.expand(shape[0], -1, -1).flatten(0, 1)  # (B·T, S)
        start, stop = x_times.amin(dim=1, keepdim=True), x_times.amax(dim=1, keepdim=True)
        times = torch.cat((start + (stop - start) * self.steps, x_times), dim=1)
        inputs = torch.cat((self.queries.expand(len(x_times), -1, -1), tokens.flatten(0, 1)), dim=1)
        media_times = media.times.expand(shape[0], -1)
        outside = by_interval(media.parts[0] + self.time(media_times), shape[1])
        outside = torch.cat((self.nothing.expand(len(outside), -1, -1), outside), dim=1)
        maps: dict[str, list[Tensor]] = {"self": [], "cross": []}
        with self._listening(maps, explain):
            out = self.model.encoder(
                self.model.dropout(self.model.layernorm(inputs + self.time(times))),
                attention_mask=_score_mask(self._near(times, times)),
                encoder_hidden_states=outside,
                encoder_attention_mask=self._outside(media, times, by_interval(media_times, shape[1])),
                query_length=self.n_queries,
            ).last_hidden_state
        queries, fused = out[:, : self.n_queries], out[:, self.n_queries :].unflatten(0, shape)
        fused = torch.where(row_any, fused, tokens)
        some = row_any.any(dim=2)[..., 0].to(tokens.dtype)
        of_queries = self.readout(queries).mean(dim=(1, 2)).unflatten(0, shape) * some
        logit = of_queries + mean_rows(self.readout(fused), row_any).squeeze(-1)
        attention = self._told(maps, allowed) if explain else None
        return Fused(fused, mean_rows(fused, row_any), logit, attention, tokens.new_ones(()))

    def _outside(self, media: Media, times: Tensor, media_times: Tensor) -> Tensor:
        """Give what is added to the scores of "nothing" and the media, (N, heads or 1, Q, 1 + R)."""
        near = self._near(times[:, : self.n_queries], media_times)
        mask = _score_mask(media.allowed.any(dim=2).flatten(0, 1)[:, None] & near)
        if self.agreement is not None:
            mask = mask + self.agreement(media.agreement.flatten(0, 1)[:, None])
        return nn.functional.pad(mask, (1, 0))

    def _near(self, one: Tensor, other: Tensor) -> Tensor:
        """Which of two sets of tokens (N, a), (N, b) may see each other: (N, a, b)."""
        return (one[:, :, None] - other[:, None, :]).abs() <= self.window_s

    def _told(self, maps: dict[str, list[Tensor]], allowed: Tensor) -> Tensor:
        """EEG tokens over media, by way of the queries they have seen after these had read: (B, T, S, R)."""
        to_media = torch.stack(maps["cross"]).mean(dim=(0, 2))[:, :, 1:]  # (B·T, Q, R)
        to_queries = torch.stack(maps["self"][1:]).mean(dim=(0, 2))[:, self.n_queries :, : self.n_queries]
        return shares(torch.where(allowed, (to_queries @ to_media).unflatten(0, allowed.shape[:2]), 0.0))

    @contextmanager
    def _listening(self, maps: dict[str, list[Tensor]], explain: bool) -> Iterator[None]:
        """Collect the attention weights that pass by while the encoder runs."""
        hooks = []
        for layer in self.model.encoder.layer if explain else ():
            for kind, part in (("self", layer.attention), ("cross", getattr(layer, "crossattention", None))):
                if part is not None:
                    keep = maps[kind].append
                    hooks.append(
                        part.attention.register_forward_hook(lambda _, __, out, keep=keep: keep(out[1]))
                    )
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


def _score_mask(allowed: Tensor) -> Tensor:
    """(N, a, b) bool as what is added to the scores of every head."""
    return torch.where(allowed[:, None], 0.0, float("-inf"))
