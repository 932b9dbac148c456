"""The network in the pieces a live session calls, and these pieces compiled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.inference.backends import Run, Tensors
from models.inference.compile import Compiled, Progress, compile_module, load_module
from models.inference.examples import N_CHECKS, N_PICTURES, StageExamples, film_pictures, picture_examples
from models.inference.gpu.device import Device
from models.inference.modules import EegModule, FramesModule, FuseModule, ProjectModule, VideoModule
from models.network.interfaces import FrameEncoder, Fused, State
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
    "cuda": ("cuda", "fp16"),
    "tensorrt": ("tensorrt", "fp16"),
    "auto": ("auto", "fp32"),
}


@dataclass
class Stages:
    """What the engine calls. Each may be replaced by a compiled callable of the same arguments.

    They take and give tensors of `device`, where the engine keeps all that it remembers.

    Attributes
    ----------
    device : Device
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
    device: Device = field(default_factory=Device)

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
    work = _Work(backend, precision, make, {})
    examples = StageExamples(network)
    pictures = [*pictures] or film_pictures(N_PICTURES if precision == "int8" else N_CHECKS)
    for path in network.frame_encoders:
        work.compile_frames(path, network.frame_encoders[path], pictures)
    work.compile("video", VideoModule(network), examples.video())
    work.compile("project", ProjectModule(network), examples.project())
    work.compile("eeg", EegModule(network), examples.eeg())
    for number in sorted({1, n_videos}):
        work.compile(_fuse_name(number), FuseModule(network), examples.fuse(number))
    stages = _assembled(work.parts, examples.gate(), n_videos)
    return CompiledStages(stages, _label(work.parts, choice), work.parts)


@dataclass(frozen=True)
class _Work:
    """What all stages of a choice are compiled with, and those that are."""

    backend: str
    precision: str
    make: Callable[..., Compiled]
    parts: dict[str, Compiled]

    def compile(self, name: str, module: nn.Module, examples: list[Tensors], **more: Any) -> Compiled:
        """Compile a stage; int8 is for frame encoders."""
        kind = more.pop("precision", "fp32" if self.precision == "int8" else self.precision)
        backend = more.pop("backend", self.backend)
        self.parts[name] = self.make(module.eval(), examples, backend, kind, name=name, **more)
        return self.parts[name]

    def compile_frames(self, path: str, encoder: FrameEncoder, pictures: Sequence[NDArray[np.uint8]]) -> None:
        """Compile a frame encoder for one picture, and for several at once where that is faster."""
        assert isinstance(encoder, nn.Module)
        module = FramesModule(encoder)
        checks, calibration = picture_examples(encoder, pictures)
        calibration = calibration if self.precision == "int8" else []
        name = f"{_FRAMES}{path}"
        one = self.compile(name, module, checks, precision=self.precision, calibration=calibration)
        if one.batch > 1:
            several: list[Tensors] = [(torch.cat([checks[i % len(checks)][0] for i in range(one.batch)]),)]
            how = {"precision": one.precision, "backend": one.backend}
            self.compile(f"{name} ×{one.batch}", module, several, **how)


def _fuse_name(n_videos: int) -> str:
    return "fuse" if n_videos == 1 else f"fuse {n_videos} videos"


def _assembled(parts: dict[str, Compiled], gate: Tensor, n_videos: int) -> Stages:
    """Put compiled parts together: on a GPU as soon as one of them is there."""
    device = Device("cuda" if any(part.device == "cuda" for part in parts.values()) else "cpu")
    runs = {name: device.bound(part.run, part.device) for name, part in parts.items()}
    frames: dict[str, Run] = {}
    several: dict[str, Run] = {}
    for name in (name for name in parts if name.startswith(_FRAMES)):
        path, _, number = name.removeprefix(_FRAMES).partition(" ×")
        (several if number else frames)[path] = runs[name]

    def embedding(path: str) -> Callable[[Tensor], Tensor]:
        return partial(_embed, frames[path], several.get(path), parts[f"{_FRAMES}{path}"].batch)

    def fusing(name: str) -> Fuse:
        on_device = gate.to(device.torch)

        def fused(tokens: Tensor, media: State, *rest: Tensor) -> Fused:
            tokens, pooled, logit, attention, shares = runs[name](tokens, *media, *rest)
            return Fused(tokens, pooled, logit, attention, on_device, shares)

        return fused

    return Stages(
        {path: embedding(path) for path in frames},
        lambda given, valid: VideoView(*runs["video"](*given.values(), valid)),
        runs["project"],
        lambda *given: EegView(*runs["eeg"](*given)),
        fusing("fuse"),
        fusing(_fuse_name(n_videos)),
        device,
    )


def _embed(one: Run, several: Run | None, batch: int, images: Tensor) -> Tensor:
    """Embed pictures (n, 3, H, W) as they wait: one alone, or a batch, filled up with the last of them."""
    parts = []
    for waiting in images.split(batch):
        if len(waiting) == 1 or several is None:
            parts += [one(image[None])[0] for image in waiting]
        else:
            filled = torch.cat((waiting, waiting[-1:].expand(batch - len(waiting), -1, -1, -1)))
            parts.append(several(filled)[0][: len(waiting)])
    return torch.cat(parts)


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
