"""Which network a session runs. Quick to import: what builds it is loaded when it is built."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from realtime.model import Model
    from realtime.types import EegInfo

    Pictures = Sequence[NDArray[np.uint8]]

BACKEND_VARIABLE = "PHOSPHENE_BACKEND"
VIRTUAL_SUBJECT = "Virtual subject"  # how its EEG stream is called


@dataclass(frozen=True)
class ModelChoice:
    """Which network: a preset, or trained weights (which say their own preset).

    Attributes
    ----------
    weights : str or None
        A folder, or the name of weights that come with the program (`demo`). What runs is what the training
        judged best: the network, a linear model, or the sum of both (`models.combination`).
    backend : str
        What runs the network: eager, inductor, openvino, openvino-int8, cuda, tensorrt; or auto: eager at
        first, and from some moment on the fastest there is (`experiment.compose.go_faster`). The environment
        variable PHOSPHENE_BACKEND sets another default.
    person : str
        Whose EEG it is, for weights that know several people.
    """

    preset: str = "demo"
    weights: str | None = None
    backend: str = field(default_factory=lambda: os.environ.get(BACKEND_VARIABLE, "auto"))
    person: str = ""

    def for_eeg(self, info: EegInfo) -> ModelChoice:
        """Take the shipped weights where none were chosen and they fit: they know virtual subjects alone."""
        if self != ModelChoice(backend=self.backend, person=self.person) or info.name != VIRTUAL_SUBJECT:
            return self
        folder = shipped_weights("demo")
        if folder is None:
            return self
        channels = json.loads((folder / "checkpoint.json").read_text(encoding="utf-8"))["channels"]
        return replace(self, weights="demo") if set(channels) <= set(info.labels) else self

    def build(
        self, labels: tuple[str, ...], n_videos: int = 1, pictures: Callable[[], Pictures] | None = None
    ) -> Model:
        """Return the engine for these electrodes, ready to run. Compiling takes a while; it is reported.

        Parameters
        ----------
        labels : tuple of str
            Electrodes of the stream.
        n_videos : int
            How many videos the session has.
        pictures : callable, optional
            Returns what int8 is calibrated on, arrays of shape (height, width, 3), uint8 RGB; called only
            where int8 is asked for.

        Raises
        ------
        WeightsError
            There are no weights of that name, or they cannot be read.
        ConfigError
            The backend cannot be used on this machine.
        """
        from models.combination import SECOND, Combination
        from models.inference.engine import Engine
        from models.inference.linear_engine import LinearEngine
        from models.inference.sums.combined_engine import CombinedEngine
        from models.inference.sums.pair_engine import PairEngine

        tell = partial(print, file=sys.stderr)
        folder = None if self.weights is None else shipped_weights(self.weights) or Path(self.weights)
        runs = None if folder is None else Combination.load(folder)
        if runs is None and folder is not None and LinearEngine.is_in(folder):
            runs = Combination("linear model", weight=0.0)  # written before there were sums
        if runs is not None and runs.has_linear:
            what = "is summed" if runs.has_network else "stands in for the network"
            tell(f"{folder}: {runs.name} {what}, as its training found")
        if folder is not None and runs is not None and not runs.has_network:
            return LinearEngine.from_folder(folder)
        engine = Engine.from_preset(self.preset, labels) if folder is None else Engine.from_checkpoint(folder)
        if strange := engine.network.choose(self.person):
            tell(strange)
        shown = pictures() if pictures is not None and self.backend.endswith("int8") else ()
        backend = "eager" if self.backend == "auto" else self.backend
        engine = engine.compile(backend, shown, tell, n_videos)
        if folder is None or runs is None:
            return engine
        both: Engine | PairEngine = engine
        if runs.has_two:
            second = Engine.from_checkpoint(folder / SECOND)
            second.by_place = engine.by_place
            second.network.choose(self.person)
            both = PairEngine(engine, second.compile(backend, shown, tell, n_videos))
        return CombinedEngine(both, LinearEngine.from_folder(folder), runs) if runs.has_linear else both


@contextmanager
def importing_beside() -> Iterator[None]:
    """Import what building needs, which takes seconds, beside what is done within: looking for streams."""
    with ThreadPoolExecutor(1) as beside:
        for slow in ("models.inference.engine", "scipy.signal"):  # torch is in the first
            beside.submit(import_module, slow)
        yield


def shipped_weights(name: str) -> Path | None:
    """Folder of weights that come with the program, or None where none has this name."""
    folder = Path(str(files("models"))) / "weights" / name
    return folder if (folder / "checkpoint.json").is_file() else None
