"""A fusion of your own, in one file

A fusion lets EEG tokens read the video's latents, and says whether the two belong together. This one has a
single head: −|Δt|/τ on the scores keeps it to its own time, κ·agreement leads it to a place, both learned.

    python examples/own_fusion.py models/mine SESSION
"""

import sys
from typing import Literal

import torch
from torch import Tensor, nn

import phosphene
from phosphene import Fused, Media


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
        self.trust = nn.Parameter(torch.tensor(30.0))
        self.gate, self.head = nn.Parameter(torch.tensor(0.5)), nn.Linear(width, 1)

    def project(self, media: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.both(media).chunk(2, dim=-1))  # keys and values, once for each item of video

    def forward(self, tokens: Tensor, token_times: Tensor, media: Media, explain: bool = False) -> Fused:
        # B samples of T intervals with S tokens each; R latents of media; all D wide; times in seconds
        scores = torch.einsum("btsd,brd->btsr", self.query(tokens), media.parts[0]) / tokens.shape[-1] ** 0.5
        scores = scores - (token_times[..., None] - media.times[:, None, None]).abs() / self.log_tau.exp()
        scores += self.trust * media.agreement[:, :, None]  # which place of the picture
        some = media.allowed.any(dim=-1, keepdim=True)  # a token that may read nothing passes through
        barred = scores.masked_fill(~media.allowed & some, -torch.inf)
        weights = torch.where(some, barred.softmax(dim=-1), 0.0)
        read = self.gate.tanh() * torch.einsum("btsr,brd->btsd", weights, media.parts[1])
        fused = torch.where(some, tokens + read, tokens)
        pooled = torch.where(some, fused, 0.0).sum(dim=2) / some.sum(dim=2).clamp(min=1)
        return Fused(fused, pooled, self.head(pooled)[..., 0], weights if explain else None, self.gate.tanh())


def main(out: str, session: str) -> phosphene.Engine:
    recipe = phosphene.Recipe(steps=10, batch=8, validation=0)
    phosphene.train_sessions(phosphene.Material([session]), out, "demo", recipe, {"fusion": "plain"})
    return phosphene.Engine.from_checkpoint(out)  # what a live session runs


if __name__ == "__main__":
    print(main(*sys.argv[1:]).network.junction)
