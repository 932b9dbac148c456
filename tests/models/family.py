"""Every stage of the whole family, small: what backends are tried on.

A stage depends on some of the parts alone (the EEG tower on the EEG encoder, the fusion on the fusion and
what it is given …): combinations are made of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import torch
from torch import nn

from models.config import preset
from models.inference.backends import Tensors
from models.inference.examples import StageExamples, film_pictures, picture_examples
from models.inference.modules import EegModule, FramesModule, FuseModule, ProjectModule, VideoModule
from models.network.network import Network
from tests.support.networks import small_network

EEG: dict[str, Any] = {
    "compact": "compact",
    "cbramod": {"kind": "cbramod", "layers": 2},
    "cbramod+compact": {"kind": "cbramod+compact", "cbramod": {"layers": 2}},
    "braindecode": "braindecode:ByPatch",
}
MIXERS, COMPRESSIONS = ("tcn", "gru", "s4d", "mamba", "none"), ("resampler", "pma", "mean")
FUSIONS = ("gated", "perceiver", "qformer")
FRAMES = ("clip", "siglip", "siglip2", "dinov2", "dinov2_with_registers", "dinov3")
CLIPS = ("vivit", "videomae", "timesformer", "vjepa2")
ENCODERS = tuple(name for name in EEG if name != "braindecode")  # whose networks are another project's
SHORT = {"grid__interval_s": 0.5}  # recurrent mixers are unrolled, step by step
PRESETS = ("demo", "laptop", "lab")
STAGES = ("frames", "video", "project", "eeg", "fuse", "fuse 2 videos")
Case = tuple[str, str, tuple[tuple[str, Any], ...]]  # a stage, what it sees by, other parts that differ


def cases() -> Iterator[Case]:
    for sight in ("tiny", *FRAMES, *CLIPS):
        yield "frames", sight, ()
    for mixer, compression in product(MIXERS, COMPRESSIONS):
        yield "video", "tiny", (("mixer", mixer), ("compression", compression))
    for sight in ("clip", "tiny and clip", *CLIPS):
        yield "video", sight, ()
    for eeg in ENCODERS:
        yield "eeg", "tiny", (("eeg", eeg),)
    for fusion in FUSIONS:
        yield "project", "tiny", (("fusion", fusion),)
        for eeg, n_videos in product(ENCODERS, ("fuse", "fuse 2 videos")):
            yield n_videos, "tiny", (("eeg", eeg), ("fusion", fusion))
    for name, stage in product(PRESETS, STAGES):
        yield stage, f"preset {name}", ()


def spoken(case: Case) -> str:
    stage, sight, parts = case
    return " ".join((stage, sight, *(value for _, value in parts)))


def network_of(sight: str, parts: dict[str, Any], sources: Callable[[str], str]) -> Network:
    """The network of a case; its size is small, its operations are those of the large one."""
    if sight.startswith("preset"):
        name = sight.removeprefix("preset ")
        changes = {} if name == "demo" else {"slow.source": sources("clip"), "eeg.cbramod.layers": 2}
        changes = {field: value for field, value in changes.items() if name == "lab" or "eeg" not in field}
        torch.manual_seed(0)
        return Network(preset(name, changes), ("Fp1", "Fz", "Cz", "Pz", "Oz")).eval()
    changes = {name: EEG.get(value, value) if name == "eeg" else value for name, value in parts.items()}
    if sight in CLIPS:
        changes |= {"fast": None, "clip": {"kind": sight, "source": sources(sight)}}
    elif sight != "tiny":
        kind = sight.removeprefix("tiny and ")
        word = {"siglip2": "siglip", "dinov2_with_registers": "dinov2"}.get(kind, kind)
        changes["slow"] = {"kind": word, "source": sources(kind), "pooled": False}
        changes |= {} if sight.startswith("tiny") else {"fast": None}
    return small_network(**({} if "eeg" in changes else SHORT), **changes)


def stage_of(stage: str, network: Network) -> tuple[nn.Module, list[Tensors]]:
    """A stage's module, and what it is traced with, the first, and compared on."""
    if stage == "frames":
        encoder = network.frame_encoders[list(network.frame_encoders)[-1]]
        return FramesModule(encoder).eval(), picture_examples(encoder, film_pictures(2, (64, 48)))[0]
    examples = StageExamples(network)
    if stage.startswith("fuse"):
        return FuseModule(network).eval(), examples.fuse(2 if "2" in stage else 1)
    kinds: dict[str, Any] = {"video": VideoModule, "project": ProjectModule, "eeg": EegModule}
    return kinds[stage](network).eval(), getattr(examples, stage)()
