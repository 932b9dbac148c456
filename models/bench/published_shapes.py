"""Random weights in the shape of published models: what a network costs depends on its shape alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

_MEANS = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
_CROPPED = {
    "size": {"shortest_edge": 224},
    "do_center_crop": True,
    "crop_size": {"height": 224, "width": 224},
}
# Word of the table: kind in the configuration, class of transformers, its configuration, what differs there.
SHAPES: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "clip B/32": ("clip", "CLIPVisionModelWithProjection", "CLIPVisionConfig", {"patch_size": 32}),
    "clip B/16": ("clip", "CLIPVisionModelWithProjection", "CLIPVisionConfig", {"patch_size": 16}),
    "siglip B/16": ("siglip", "SiglipVisionModel", "SiglipVisionConfig", {}),
    "dinov2 B/14": ("dinov2", "Dinov2Model", "Dinov2Config", {"image_size": 518, "patch_size": 14}),
    "vivit": ("vivit", "VivitModel", "VivitConfig", {}),
    "videomae": ("videomae", "VideoMAEModel", "VideoMAEConfig", {}),
    "timesformer": ("timesformer", "TimesformerModel", "TimesformerConfig", {}),
}


def write_random(shape: str, folder: Path) -> Path:
    """Write a checkpoint of `shape` with random weights to `folder`, for the ordinary code to load."""
    import transformers

    _, model_class, config_class, differences = SHAPES[shape]
    config = getattr(transformers, config_class)(**differences)
    log: Any = transformers.utils.logging
    level, bar = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        getattr(transformers, model_class)(config).to(torch.float16).save_pretrained(folder)
    finally:
        log.set_verbosity(level)
        if bar:
            log.enable_progress_bar()
    (folder / "preprocessor_config.json").write_text(json.dumps({**_CROPPED, **_MEANS}))
    return folder
