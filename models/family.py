"""What a network can be made of: presets, and for every part the words that choose it."""

from __future__ import annotations

from typing import Any

from models.config import PRESETS, preset
from models.network.interfaces import (
    CompressionConfig,
    EegConfig,
    FrameConfig,
    FusionConfig,
    MixerConfig,
    WholeClipConfig,
)
from models.network.part import PartConfig

PARTS: dict[str, tuple[type[PartConfig], str]] = {
    "eeg": (EegConfig, "EEG encoder"),
    "fast": (FrameConfig, "encoder of the frame at every slot"),
    "slow": (FrameConfig, "encoder of the frame at every k-th slot (slow_every)"),
    "clip": (WholeClipConfig, "encoder of a whole interval, in place of frames, mixer and compression"),
    "mixer": (MixerConfig, "temporal mixer"),
    "compression": (CompressionConfig, "compression to latents"),
    "fusion": (FusionConfig, "fusion of EEG and video"),
}
"""The parts of a configuration by the name they are set under, and what each is."""


def family() -> dict[str, Any]:
    """List presets and parts, a part of the user's own included where its file was imported.

    Returns
    -------
    dict
        `presets`: the whole configuration of each. `parts`: for each part its `role` and its `words`, and
        of a word what it `is` and its `settings` with their defaults.
    """
    presets = {name: preset(name).model_dump(mode="json") for name in PRESETS}
    parts = {
        name: {"role": role, "words": {word: _word(config) for word, config in base.words().items()}}
        for name, (base, role) in PARTS.items()
    }
    return {"presets": presets, "parts": parts}


def _word(config: type[PartConfig]) -> dict[str, Any]:
    fields = {name: field for name, field in config.model_fields.items() if name != "kind"}
    defaults = {name: None if f.is_required() else f.default for name, f in fields.items()}
    plain = {name: getattr(value, "kind", value) for name, value in defaults.items()}
    return {"is": (config.__doc__ or "").strip().split("\n")[0], "settings": plain}
