"""Published vision models as frame encoders: CLIP, SigLIP 1 and 2, DINOv2 and 3, from a folder or hub id."""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from models.network.interfaces import FrameConfig, FrameEncoder
from models.network.vision.published import load_published
from realtime.errors import ConfigError

CLASSES = {
    "clip": {"clip": "CLIPVisionModelWithProjection", "clip_vision_model": "CLIPVisionModelWithProjection"},
    "siglip": {
        "siglip": "SiglipVisionModel",  # SigLIP 2 of a fixed size is published under this name as well
        "siglip_vision_model": "SiglipVisionModel",
        "siglip2": "Siglip2VisionModel",
        "siglip2_vision_model": "Siglip2VisionModel",
    },
    "dinov2": {"dinov2": "Dinov2Model", "dinov2_with_registers": "Dinov2WithRegistersModel"},
    "dinov3": {"dinov3_vit": "DINOv3ViTModel"},
}
HUB_IDS: dict[str, tuple[str, ...]] = {
    "clip": ("openai/clip-vit-base-patch16", "openai/clip-vit-base-patch32"),
    "siglip": ("google/siglip-base-patch16-224", "google/siglip2-base-patch16-naflex"),
    "dinov2": ("facebook/dinov2-base",),
    "dinov3": ("facebook/dinov3-vitb16-pretrain-lvd1689m",),
}


class PretrainedVisionConfig(FrameConfig):
    """A vision model in the transformers format; `source` is a hub id or a local folder.

    Its patch tokens are averaged onto the network's places. `pooled` takes its pooled embedding instead, for
    the frame as a whole, which every place then shares.
    """

    kind: Literal["clip", "siglip", "dinov2", "dinov3"]
    source: str = ""
    pooled: bool = False
    frozen: bool = True

    @model_validator(mode="before")
    @classmethod
    def _default_source(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.get("source"):
            return {**data, "source": HUB_IDS.get(data.get("kind", ""), ("",))[0]}
        return data

    def build(self, places: tuple[int, int]) -> FrameEncoder:
        """Build the part."""
        return PretrainedVision(self, (1, 1) if self.pooled else places)


class PretrainedVision(nn.Module):
    """See `interfaces.FrameEncoder`. One place is the pooled vector, more are averages of patch tokens.

    Patch tokens are taken after the model's last norm and averaged over the places, which
    overlap where the model's own grid cannot be divided so (7 × 7 of a ViT-B/32 into 4 × 4); the frame is
    squeezed to the model's square then, so that places cover all of it. Either way what comes out is normed
    without weights, so that it is of the order of 1.
    """

    def __init__(self, config: PretrainedVisionConfig, places: tuple[int, int]) -> None:
        super().__init__()
        kinds = CLASSES[config.kind]
        self.network, self.preprocess = load_published(
            config.kind, config.source, kinds, HUB_IDS[config.kind]
        )
        self.kind, self.frozen = config.kind, config.frozen
        self.stored_elsewhere = config.frozen
        self.network.requires_grad_(not config.frozen)
        settings = self.network.config
        self.width = int(settings.hidden_size)
        self.patch_grid = places
        if places != (1, 1):  # a crop would lose the borders of a wide frame, and with them places
            self.preprocess.shortest = None
        self.image_px = self.preprocess.image_px
        rows, columns = (side // settings.patch_size for side in self.preprocess.size)
        if places[0] > rows or places[1] > columns:
            raise ConfigError(
                f"places={places[0]}x{places[1]}: {config.source} has {rows} x {columns} patches, so at most "
                f"as many places"
            )
        self.side = (rows, columns)

    def train(self, mode: bool = True) -> PretrainedVision:
        """Set the mode; what is frozen stays as in evaluation."""
        super().train(mode)
        if self.frozen:
            self.network.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Embed (n, 3, H, W) as (n, P, width)."""
        tokens, pooled = self._tokens(images)
        if self.patch_grid == (1, 1):
            return F.layer_norm(pooled, (self.width,)).unsqueeze(1)
        image = tokens[:, -self.side[0] * self.side[1] :].transpose(1, 2).unflatten(2, self.side)
        averages = F.adaptive_avg_pool2d(image, self.patch_grid).flatten(2).transpose(1, 2)
        return F.layer_norm(averages, (self.width,))

    def image_embeds(self, images: Tensor) -> Tensor:
        """CLIP's vector in the space it shares with text (n, 512), for a teacher; others' pooled vector."""
        return self.network(images).image_embeds if self.kind == "clip" else self._run(images).pooler_output

    def _tokens(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """All tokens after the model's last norm, and its pooled vector (before CLIP's projection)."""
        if self.kind == "clip":
            out = self.network.vision_model(images)
            return self.network.vision_model.post_layernorm(out.last_hidden_state), out.pooler_output
        out = self._run(images)
        return out.last_hidden_state, out.pooler_output

    def _run(self, images: Tensor) -> Any:
        """Run the network as it wants its pictures: whole, or (SigLIP 2 for all shapes) cut into patches."""
        if not str(self.network.config.model_type).startswith("siglip2"):
            return self.network(images)
        patches = cut(images, self.network.config.patch_size)
        mask = patches.new_ones(patches.shape[:2], dtype=torch.int64)
        shapes = mask.new_tensor(self.side).expand(len(images), 2)
        return self.network(patches, mask, shapes)


def cut(images: Tensor, patch_px: int) -> Tensor:
    """Cut pictures (n, 3, H, W) into patches (n, P, patch_px² · 3), row by row, colours last."""
    rows = images.unflatten(3, (-1, patch_px)).unflatten(2, (-1, patch_px))
    return rows.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)
