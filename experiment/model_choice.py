"""Which network a session runs. Quick to import: what builds it is loaded when it is built."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from realtime.model import Model


@dataclass(frozen=True)
class ModelChoice:
    """Which network: a preset, or trained weights (which say their own preset).

    `weights` is a folder, or the name of weights that come with the program (`demo`). `backend` is what
    runs the network: eager, inductor, openvino, openvino-int8, tensorrt or auto.
    """

    preset: str = "demo"
    weights: str | None = None
    backend: str = "eager"

    def build(self, labels: tuple[str, ...], n_videos: int = 1) -> Model:
        """The engine for these electrodes, ready to run; compiling it takes a while and is told."""
        from models.inference.engine import Engine

        if self.weights is not None:
            engine = Engine.from_checkpoint(shipped_weights(self.weights) or self.weights)
        else:
            engine = Engine.from_preset(self.preset, labels)
        tell = partial(print, file=sys.stderr)
        return engine.compile(self.backend, progress=tell, n_videos=n_videos)


def shipped_weights(name: str) -> Path | None:
    """Folder of weights that come with the program, or None where none has this name."""
    folder = Path(str(files("models"))) / "weights" / name
    return folder if (folder / "checkpoint.json").is_file() else None
