"""A fusion of your own, in one file

A fusion lets EEG tokens read the video's latents, and says whether the two belong together. This one has a
single head that looks at its own time: −|Δt|/τ on the scores, τ learned.

    python examples/own_fusion.py models/mine SESSION
"""

import sys
from typing import Literal

import torch
from torch import Tensor, nn

import phosphene
from phosphene import Fused


class PlainConfig(phosphene.FusionConfig):
    kind: Literal["plain"] = "plain"
    tau_s: float = 0.05

    def build(self, width: int) -> "PlainFusion":
        return PlainFusion(self, width)


class PlainFusion(nn.Module):
    def __init__(self, config: PlainConfig, width: int) -> None:
        super().__init__()
        self.query, self.both = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.log_tau = nn.Parameter(torch.tensor(config.tau_s).log())
        self.gate, self.head = nn.Parameter(torch.tensor(0.5)), nn.Linear(width, 1)

    def project(self, media: Tensor) -> tuple[Tensor, ...]:
        keys, values = self.both(media).chunk(2, dim=-1)  # once for each item of video
        return keys, values

    def forward(  # B samples of T intervals with S tokens each, R latents, D wide; times in seconds
        self, tokens: Tensor, token_times: Tensor, media: tuple[Tensor, ...], media_times: Tensor,
        allowed: Tensor, explain: bool = False,
    ) -> Fused:  # fmt: skip
        scores = torch.einsum("btsd,brd->btsr", self.query(tokens), media[0]) / tokens.shape[-1] ** 0.5
        scores = scores - (token_times[..., None] - media_times[:, None, None]).abs() / self.log_tau.exp()
        some = allowed.any(dim=-1, keepdim=True)  # a token that may read nothing passes through
        weights = torch.where(some, scores.masked_fill(~allowed & some, -torch.inf).softmax(dim=-1), 0.0)
        read = torch.einsum("btsr,brd->btsd", weights, media[1])
        fused = torch.where(some, tokens + self.gate.tanh() * read, tokens)
        pooled = torch.where(some, fused, 0.0).sum(dim=2) / some.sum(dim=2).clamp(min=1)
        return Fused(fused, pooled, self.head(pooled)[..., 0], weights if explain else None, self.gate.tanh())


def main(out: str, session: str) -> phosphene.Engine:
    recipe = phosphene.Recipe(steps=10, batch=8, validation=0)
    phosphene.train_sessions(phosphene.Material([session]), out, "demo", recipe, {"fusion": "plain"})
    return phosphene.Engine.from_checkpoint(out)  # what a live session runs


if __name__ == "__main__":
    print(main(*sys.argv[1:]).network.fusion)
