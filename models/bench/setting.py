"""What every part of the bench is told, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from models.bench.published_shapes import write_random
from models.bench.timing import Goal
from models.inference.backends import get_backend
from models.inference.engine import Engine
from models.network.eeg.cbramod import PRETRAINED_ORDER
from models.network.hub import local_weights
from realtime.types import Interval

LABELS = tuple(PRETRAINED_ORDER)  # 19 electrodes of the 10-20 system
CLIP = {"laptop": "openai/clip-vit-base-patch32", "lab": "openai/clip-vit-base-patch16"}
_SHAPES = {"laptop": "clip B/32", "lab": "clip B/16"}


@dataclass(frozen=True)
class Setting:
    """How it is measured.

    Attributes
    ----------
    quick : bool
        Small networks and short times: proves that it runs, and nothing more.
    seconds : float
        For each comparison.
    backends : tuple of str
        Beside eager; those that cannot be used here are left out.
    compiled : Path or None
        Where compiled files are kept.
    """

    quick: bool = False
    seconds: float = 8.0
    backends: tuple[str, ...] = ("inductor", "openvino")
    compiled: Path | None = None
    progress: Callable[[str], None] = field(default=lambda line: None)

    @property
    def replayed_with(self) -> str:
        """The backend of whole sessions: the last that can be used here."""
        return next((name for name in self.backends[::-1] if not get_backend(name).missing()), "eager")


@dataclass(frozen=True)
class Section:
    """What a part measured, and which goals it speaks to."""

    numbers: Mapping[str, Any]
    goals: tuple[Goal, ...] = ()


@contextmanager
def engine_of(
    name: str, changes: Mapping[str, Any] | None = None, labels: tuple[str, ...] = LABELS
) -> Iterator[Engine]:
    """Build a preset's engine, ready; of random weights of that shape where the published are not here."""
    from models.config import preset

    with TemporaryDirectory(prefix="phosphene-bench-") as folder:
        sources = {} if name not in CLIP else {"slow.source": vision_weights(name, Path(folder))}
        engine = Engine.from_preset(preset(name, {**sources, **(changes or {})}), labels).compile("eager")
        engine.network.requires_grad_(requires_grad=False)
        yield engine


def vision_weights(name: str, folder: Path) -> str:
    """Find the published weights of a preset where they are on this machine, else random ones in `folder`."""
    return CLIP[name] if local_weights(CLIP[name]) else str(write_random(_SHAPES[name], folder))


def interval(engine: Engine, index: int) -> Interval:
    """Make an interval of noise, everything valid."""
    grid, n_channels = engine.card.grid, len(engine.network.labels)
    eeg = np.random.default_rng(index).normal(0, 20, (n_channels, grid.n_times)).astype(np.float32)
    return Interval(
        index=index,
        end=index * grid.hop_s,
        eeg=eeg,
        eeg_valid=np.ones(eeg.shape, dtype=bool),
        eeg_scale=np.full(n_channels, 20, dtype=np.float32),
        frame_seq=np.arange(grid.n_slots),
        frame_valid=np.ones(grid.n_slots, dtype=bool),
    )


def embeddings(engine: Engine) -> dict[str, np.ndarray]:
    """As frame encoders give them: of the order of 1."""
    random, grid = torch.Generator().manual_seed(0), engine.card.grid
    return {
        path: torch.randn(grid.n_slots // every, *engine.network.frame_shape(path), generator=random).numpy()
        for path, every in engine.card.paths.items()
    }
