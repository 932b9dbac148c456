"""The network in the pieces a live session calls, and these pieces compiled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.inference.backends import Tensors
from models.inference.compile import Compiled, Progress, compile_module, load_module
from models.inference.examples import N_CHECKS, N_PICTURES, StageExamples, film_pictures, picture_examples
from models.network.interfaces import Fused, State
from models.network.network import Fuse, Network
from models.network.towers import EegView, VideoView
from realtime.errors import ConfigError

EAGER = "eager fp32"
_FRAMES = "frames "  # what the names of frame encoders begin with: they run beside the ticks
CHOICES = {  # the word a user gives: backend and precision, and those of the frame encoders
    "eager": ("eager", "fp32"),
    "inductor": ("inductor", "fp32"),
    "openvino": ("openvino", "fp32"),
    "openvino-int8": ("openvino", "int8"),
    "tensorrt": ("tensorrt", "fp16"),
    "auto": ("auto", "fp32"),
}


@dataclass
class Stages:
    """What the engine calls. Each may be replaced by a compiled callable of the same arguments.

    Attributes
    ----------
    frames : dict of path to callable
        (n, 3, H, W) → (n, P, Dv).
    video : callable
        (frames {path: (1, F, P, Dv)}, valid (1, G)) → VideoView with attention.
    project : callable
        latents (1, P+1, n, D) → tuple of (1, (P+1)·n, ·).
    eeg : callable
        (eeg (1, C, n_times), valid, scale (1, C)) → EegView with channels.
    fuse : callable
        (tokens (1, 1, S, D), media, agreement (1, 1, M, P+1), allowed (1, S, M), eeg_ends (1, 1), item_ends
        (1, M)) → Fused with attention and shares; M items of one video.
    fuse_all : callable
        The same with the items of all videos, packed video by video.
    """

    frames: dict[str, Callable[[Tensor], Tensor]]
    video: Callable[[dict[str, Tensor], Tensor], VideoView]
    project: Callable[[Tensor], State]
    eeg: Callable[[Tensor, Tensor, Tensor], EegView]
    fuse: Fuse
    fuse_all: Fuse

    @classmethod
    def of(cls, network: Network) -> Stages:
        """Give the network's own, eager."""
        fuse = partial(network.fuse, explain=True)
        return cls(
            frames={path: partial(network.encode_frames, path=path) for path in network.frame_encoders},
            video=partial(network.encode_video, explain=True),
            project=network.project,
            eeg=partial(network.encode_eeg, explain=True),
            fuse=fuse,
            fuse_all=fuse,
        )


class FramesModule(nn.Module):
    """One frame (1, 3, H, W) as an encoder embeds it: (1, P, Dv)."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, image: Tensor) -> Tensors:
        """Run the stage on pictures (n, 3, H, W)."""
        return (self.encoder(image),)


class VideoModule(nn.Module):
    """Embeddings of each path, then valid: the fields of `VideoView`."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.tower, self.paths = network.video_tower, tuple(network.config.paths)

    def forward(self, *inputs: Tensor) -> Tensors:
        """Run the stage on its example inputs, in their order."""
        *frames, valid = inputs
        return tuple(self.tower(dict(zip(self.paths, frames, strict=True)), valid, explain=True))


class EegModule(nn.Module):
    """EEG, valid, scale: the fields of `EegView`."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.tower = network.eeg_tower

    def forward(self, eeg: Tensor, valid: Tensor, scale: Tensor) -> Tensors:
        """Encode eeg (N, C, n_times) µV; see `interfaces.EegEncoder`."""
        return tuple(self.tower(eeg, valid, scale, explain=True))


class FuseModule(nn.Module):
    """Tokens, media, agreement, allowed, ends of the EEG's and the items' intervals: the fields of `Fused`.

    But for the gate: it is a constant of the weights.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.junction = network.junction

    def forward(self, tokens: Tensor, *rest: Tensor) -> Tensors:
        """Run the stage; shapes as in `Network`."""
        *media, agreed, allowed, eeg_ends, item_ends = rest
        fused = self.junction(tokens, tuple(media), agreed, allowed, eeg_ends, item_ends, explain=True)
        assert fused.attention is not None
        assert fused.shares is not None
        return fused.tokens, fused.pooled, fused.logit, fused.attention, fused.shares


@dataclass(frozen=True)
class CompiledStages:
    """Stages with what is told of them.

    Attributes
    ----------
    label : str
        For the card: `openvino fp32`, or by stage where they differ.
    parts : dict of stage to Compiled
    """

    stages: Stages
    label: str
    parts: dict[str, Compiled]

    @property
    def notes(self) -> tuple[str, ...]:
        """Every fall-back, in words."""
        return tuple(part.note for part in self.parts.values() if part.note)

    @property
    def gain(self) -> float | None:
        """How many times faster than eager the stages of a tick were when `auto` chose them, if it did."""
        raced = [part.raced_ms for name, part in self.parts.items() if not name.startswith(_FRAMES)]
        known = [times for times in raced if times is not None]
        if not known or len(known) < len(raced):
            return None
        return sum(eager for eager, _ in known) / sum(ms for _, ms in known)


def compile_stages(
    network: Network,
    choice: str,
    pictures: Sequence[NDArray[np.uint8]] = (),
    folder: Path | None = None,
    progress: Progress | None = None,
    n_videos: int = 1,
) -> CompiledStages:
    """Compile what a live session calls; int8 is for frame encoders, the rest stays fp32 then.

    Parameters
    ----------
    choice : str
        One of `CHOICES`.
    pictures : sequence of arrays of shape (height, width, 3), uint8 RGB
        What int8 is calibrated on; frames of the virtual film where there are none.
    n_videos : int
        How many videos the session has: shapes are fixed, so the fusion of all of them is compiled for it.

    Raises
    ------
    ConfigError
        The choice is unknown, or its backend cannot be used on this machine.
    """
    make = partial(compile_module, folder=folder, progress=progress)
    return _put_together(network, choice, pictures, n_videos, make)


def load_stages(
    network: Network, choice: str, folder: Path | None = None, n_videos: int = 1
) -> CompiledStages | None:
    """Load what an earlier start compiled for this network; None where any of it is missing or stale.

    Raises
    ------
    ConfigError
        As `compile_stages`. int8 depends on the pictures of a session and is not looked for.
    """

    def make(*what: Any, **more: Any) -> Compiled:
        found = load_module(*what, **more, folder=folder)
        if found is None:
            raise LookupError
        return found

    try:
        return _put_together(network, choice, (), n_videos, make)
    except LookupError:
        return None


def _put_together(
    network: Network,
    choice: str,
    pictures: Sequence[NDArray[np.uint8]],
    n_videos: int,
    make: Callable[..., Compiled],
) -> CompiledStages:
    """Have `make` compile every stage; it takes what `compile_module` takes."""
    if choice not in CHOICES:
        raise ConfigError(f"backend {choice!r} is unknown: legal are {', '.join(CHOICES)}")
    backend, precision = CHOICES[choice]
    if backend == "eager":
        return CompiledStages(Stages.of(network), EAGER, {})
    samples = StageExamples(network)
    pictures = [*pictures] or film_pictures(N_PICTURES if precision == "int8" else N_CHECKS)
    parts: dict[str, Compiled] = {}

    def compiled(name: str, module: nn.Module, examples: list[Tensors], **more: Any) -> Compiled:
        kind = more.pop("precision", "fp32" if precision == "int8" else precision)
        parts[name] = make(module.eval(), examples, backend, kind, name=name, **more)
        return parts[name]

    frames = {}
    for path in network.frame_encoders:
        encoder = network.frame_encoders[path]
        module, (checks, calibration) = FramesModule(encoder), picture_examples(encoder, pictures)
        calibration = calibration if precision == "int8" else []
        part = compiled(f"{_FRAMES}{path}", module, checks, precision=precision, calibration=calibration)
        frames[path] = _one_by_one(part)
    video = compiled("video", VideoModule(network), samples.video())
    eeg = compiled("eeg", EegModule(network), samples.eeg())
    gate = samples.gate()

    def fusing(name: str, n_videos: int) -> Fuse:
        part = compiled(name, FuseModule(network), samples.fuse(n_videos))

        def fused(tokens: Tensor, media: State, *rest: Tensor) -> Fused:
            tokens, pooled, logit, attention, shares = part.run(tokens, *media, *rest)
            return Fused(tokens, pooled, logit, attention, gate, shares)

        return fused

    fuse = fusing("fuse", 1)
    stages = Stages(
        frames,
        lambda given, valid: VideoView(*video.run(*given.values(), valid)),
        network.project,
        lambda *given: EegView(*eeg.run(*given)),
        fuse,
        fusing(f"fuse {n_videos} videos", n_videos) if n_videos > 1 else fuse,
    )
    return CompiledStages(stages, _label(parts, choice), parts)


def _one_by_one(part: Compiled) -> Callable[[Tensor], Tensor]:
    """Frames arrive one at a time; where several wait, they are embedded one after the other."""
    return lambda images: torch.cat([part.run(image[None])[0] for image in images])


def _label(parts: dict[str, Compiled], choice: str) -> str:
    """`openvino fp32` where all agree, else each kind with its stages; if all fell back, the choice too."""
    kinds: dict[str, list[str]] = {}
    for name, part in parts.items():
        kinds.setdefault(f"{part.backend} {part.precision}", []).append(name)
    if all(part.note for part in parts.values()):
        return f"{EAGER} in place of {choice}"
    if len(kinds) == 1:
        return next(iter(kinds))
    return " · ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items())
