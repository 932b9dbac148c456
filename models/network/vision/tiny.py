"""A small ViT over single frames: cheap enough for every slot of the grid on a laptop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from models.network.attention import attend, join_heads, split_heads
from models.network.interfaces import FrameConfig, FrameEncoder


class Block(nn.Module):
    """Pre-norm self-attention and MLP (ViT, arXiv 2010.11929)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:  # (n, S, width)
        """Give x (N, S, width) after the block, in the same shape."""
        q, k, v = (split_heads(part, self.heads) for part in self.qkv(self.norm1(x)).chunk(3, dim=-1))
        x = x + self.out(join_heads(attend(q, k, v)[0]))
        return x + self.mlp(self.norm2(x))


class TinyVitConfig(FrameConfig):
    """A small ViT over `(image_px / patch_px)²` patches, averaged onto the network's places."""

    kind: Literal["tiny"] = "tiny"
    image_px: int = Field(64, ge=16, le=224)
    patch_px: int = Field(8, ge=2)
    width: int = Field(64, ge=8)
    layers: int = Field(2, ge=1)
    heads: int = Field(4, ge=1)
    frozen: bool = True

    @model_validator(mode="after")
    def _divides(self) -> TinyVitConfig:
        if self.width % self.heads:
            raise ValueError(f"width={self.width} must be a multiple of heads={self.heads}")
        return self

    def check(self, places: tuple[int, int]) -> None:
        """Refuse places that the patches cannot be divided into."""
        side, rest = divmod(self.image_px, self.patch_px)
        most = max(places)
        if rest or side % places[0] or side % places[1]:
            raise ValueError(
                f"image_px={self.image_px} must be patch_px={self.patch_px} times a multiple of each side of "
                f"places={places[0]}x{places[1]}, e.g. image_px={self.patch_px * most * 2}"
            )

    def build(self, places: tuple[int, int]) -> FrameEncoder:
        """Build the part."""
        return TinyVit(self, places)


class TinyVit(nn.Module):
    """See `interfaces.FrameEncoder`.

    A frame of any shape is squeezed to a square, so places cover all of it: a place is a
    rectangle of the frame in the frame's own geometry.
    """

    stored_elsewhere = False

    def __init__(self, config: TinyVitConfig, places: tuple[int, int]) -> None:
        super().__init__()
        self.width, self.image_px = config.width, config.image_px
        self.patch_grid = places
        side = config.image_px // config.patch_px
        self.patch = nn.Conv2d(3, config.width, config.patch_px, stride=config.patch_px)
        self.place = nn.Parameter(torch.randn(1, side * side, config.width) * 0.2)
        self.blocks = nn.Sequential(*(Block(config.width, config.heads) for _ in range(config.layers)))
        self.pool = nn.AvgPool2d((side // places[0], side // places[1]))
        self.side = side
        self.requires_grad_(not config.frozen)

    def preprocess(self, images: Sequence[Tensor]) -> Tensor:
        """Squeeze frames (height, width, 3) uint8 to squares (n, 3, px, px): 0 is mid-grey, ±2 the ends."""
        size = (self.image_px, self.image_px)
        small = [
            F.interpolate(image.permute(2, 0, 1)[None].float(), size, mode="bilinear", antialias=True)
            for image in images
        ]
        return (torch.cat(small) - 127.5) / 63.75

    def forward(self, images: Tensor) -> Tensor:
        """Embed (n, 3, image_px, image_px) as (n, P, width), each place of mean 0 and variance 1."""
        x = self.patch(images).flatten(2).transpose(1, 2) + self.place  # (n, side², width)
        x = self.blocks(x).transpose(1, 2).unflatten(2, (self.side, self.side))
        x = self.pool(x).flatten(2).transpose(1, 2)  # (n, P, width)
        return F.layer_norm(x, (self.width,))
