"""Small video transformers with random weights, in the published format, to be trained from scratch.

Published weights are of hundreds of megabytes and know nothing of EEG; a comparison of the *kinds* needs
networks of one size, trained on the same data as everything else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

SMALL: Mapping[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
IMAGE_PX = 32
_PREPARED: Mapping[str, Any] = {  # keys as the published ones have them
    "do_center_crop": True,
    "crop_size": {"height": IMAGE_PX, "width": IMAGE_PX},
    "size": {"shortest_edge": IMAGE_PX},
    "resample": 2,
    "image_mean": [0.5] * 3,
    "image_std": [0.5] * 3,
}
NAMES: Mapping[str, str] = {
    "vivit": "ViViT",
    "videomae": "VideoMAE",
    "timesformer": "TimeSformer",
    "vjepa2": "V-JEPA 2",
}


def write_small_transformer(kind: str, folder: Path, seed: int = 5) -> Path:
    """Write a random network of one of these kinds, with its preprocessing, to `folder`."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        model, settings = _made(kind)
    model.save_pretrained(folder)
    name = "video_preprocessor_config.json" if kind == "vjepa2" else "preprocessor_config.json"
    (folder / name).write_text(json.dumps(settings))
    return folder


def _made(kind: str) -> tuple[Any, Mapping[str, Any]]:
    import transformers  # only here: the import takes seconds

    sizes = {**SMALL, "image_size": IMAGE_PX}
    if kind == "vivit":  # published with a head and without a pooler
        config: Any = transformers.VivitConfig(**sizes, num_frames=32, tubelet_size=[2, 16, 16])
        settings = {**_PREPARED, "offset": True, "rescale_factor": 1 / 127.5}
        return transformers.VivitForVideoClassification(config), settings
    if kind == "videomae":
        config = transformers.VideoMAEConfig(**sizes, num_frames=16, tubelet_size=2, patch_size=16)
        return transformers.VideoMAEModel(config), _PREPARED
    if kind == "vjepa2":
        part: dict[str, Any] = {
            name: SMALL[name] for name in ("hidden_size", "num_hidden_layers", "num_attention_heads")
        }
        predictor: dict[str, Any] = {
            "pred_hidden_size": 24,
            "pred_num_hidden_layers": 1,
            "pred_num_attention_heads": 2,
        }
        config = transformers.VJEPA2Config(**part, **predictor, crop_size=IMAGE_PX, frames_per_clip=16)
        return transformers.VJEPA2Model(config), _PREPARED
    config = transformers.TimesformerConfig(**sizes, num_frames=8, patch_size=16)
    return transformers.TimesformerModel(config), _PREPARED
