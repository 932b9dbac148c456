"""Small random checkpoints of published models, in their published format, for the real code to load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import transformers

from models.learning.studies.video_transformers import NAMES, write_small_transformer

transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
SIDE = 48
SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
VISION = {**SMALL, "image_size": SIDE, "patch_size": 8}
CLIP_SETTINGS: dict[str, Any] = {  # keys as openai/clip-vit-base-patch16 has them
    "crop_size": SIDE,
    "do_center_crop": True,
    "do_normalize": True,
    "do_resize": True,
    "resample": 3,
    "size": SIDE,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}
SIGLIP_SETTINGS: dict[str, Any] = {  # keys as google/siglip-base-patch16-224 has them
    "do_resize": True,
    "do_rescale": True,
    "resample": 3,
    "size": {"height": SIDE, "width": SIDE},
    "rescale_factor": 1 / 255,
    "image_mean": [0.5] * 3,
    "image_std": [0.5] * 3,
}
DINO_SETTINGS: dict[str, Any] = {  # keys as facebook/dinov2-base has them
    "crop_size": {"height": SIDE, "width": SIDE},
    "do_center_crop": True,
    "resample": 3,
    "rescale_factor": 1 / 255,
    "size": {"shortest_edge": SIDE + 6},
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}
NAFLEX_SETTINGS: dict[str, Any] = {  # keys as google/siglip2-base-patch16-naflex has them
    **{name: SIGLIP_SETTINGS[name] for name in ("do_resize", "do_rescale", "rescale_factor")},
    "resample": 2,
    "patch_size": 8,
    "max_num_patches": (SIDE // 8) ** 2,
    "image_mean": [0.5] * 3,
    "image_std": [0.5] * 3,
}


def write_checkpoint(kind: str, folder: Path) -> Path:
    """Write a random model of this kind, with its preprocessing, to `folder`."""
    if kind in NAMES:
        return write_small_transformer(kind, folder)
    torch.manual_seed(5)
    model, settings = _vision(kind)
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def _vision(kind: str) -> tuple[Any, dict[str, Any]]:
    if kind == "clip":  # published whole, with its text side
        text = {
            **VISION,
            "vocab_size": 20,
            "max_position_embeddings": 8,
            "bos_token_id": 0,
            "eos_token_id": 1,
        }
        config = transformers.CLIPConfig(
            text_config=text, vision_config={**VISION, "projection_dim": 16}, projection_dim=16
        )
        return transformers.CLIPModel(config), CLIP_SETTINGS
    if kind == "siglip":
        text = {**SMALL, "vocab_size": 20, "max_position_embeddings": 8}
        config = transformers.SiglipConfig(text_config=text, vision_config=VISION)
        return transformers.SiglipModel(config), SIGLIP_SETTINGS
    if kind == "siglip2":
        text = {**SMALL, "vocab_size": 20, "max_position_embeddings": 8}
        vision = {**SMALL, "patch_size": 8, "num_patches": 16}  # fewer than it is given: they are resized
        config = transformers.Siglip2Config(text_config=text, vision_config=vision)
        return transformers.Siglip2Model(config), NAFLEX_SETTINGS
    if kind == "dinov2":  # trained on larger pictures than it is given, so its positions are interpolated
        config = transformers.Dinov2Config(**{**VISION, "image_size": 64}, mlp_ratio=2)
        return transformers.Dinov2Model(config), DINO_SETTINGS
    if kind == "dinov3":
        config = transformers.DINOv3ViTConfig(**VISION, num_register_tokens=2)
        return transformers.DINOv3ViTModel(config), DINO_SETTINGS
    config = transformers.Dinov2WithRegistersConfig(**VISION, mlp_ratio=2, num_register_tokens=3)
    return transformers.Dinov2WithRegistersModel(config), DINO_SETTINGS
