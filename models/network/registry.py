"""Which word of the configuration is which class. Modules are imported when their part is first built."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from realtime.errors import ConfigError

_HERE = "models.network"
PARTS: dict[str, dict[str, str]] = {
    "eeg": {
        "compact": "eeg_encoder:CompactEncoder",
        "cbramod": "cbramod:CBraModEncoder",
        "cbramod+compact": "cbramod:CBraModCompactEncoder",
        "braindecode": "braindecode_adapter:BraindecodeEncoder",
    },
    "frames": {
        "tiny": "frame_encoder:TinyVit",
        "clip": "pretrained_vision:PretrainedVision",
        "siglip": "pretrained_vision:PretrainedVision",
        "dinov2": "pretrained_vision:PretrainedVision",
    },
    "clip": {
        "vivit": "whole_clip:WholeClipTower",
        "videomae": "whole_clip:WholeClipTower",
        "timesformer": "whole_clip:WholeClipTower",
    },
    "mixer": {
        "tcn": "temporal_mixer:Tcn",
        "none": "temporal_mixer:NoMixer",
        "gru": "mixer_gru:Gru",
        "s4d": "mixer_s4d:S4d",
        "mamba": "mixer_mamba:Mamba",
    },
    "compression": {
        "resampler": "compression:Resampler",
        "pma": "compression:Pma",
        "mean": "compression:Mean",
    },
    "fusion": {
        "gated": "fusion:GatedFusion",
        "perceiver": "perceiver:PerceiverFusion",
        "qformer": "qformer:QFormerFusion",
    },
}


def build(part: str, config: Any, *context: Any) -> Any:
    """Build a part from its configuration: `factory(config, *context)` of the class its word names.

    Raises
    ------
    ConfigError
        The word is unknown, or what it needs is not installed.
    """
    words = PARTS[part]
    if config.kind not in words:
        raise ConfigError(f"{part} = {config.kind!r} is unknown: legal are {', '.join(words)}")
    module, _, name = words[config.kind].partition(":")
    try:
        factory = getattr(import_module(f"{_HERE}.{module}"), name)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{part} = {config.kind!r} needs the package {error.name!r}: run `pip install {error.name}`"
        ) from error
    return factory(config, *context)
