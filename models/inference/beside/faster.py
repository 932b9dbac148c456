"""Has a running session's network go over to the fastest stages that this machine can run.

after the first reading: an earlier start's files? ─yes─▶ load ─▶ Pipeline.swap, between two ticks
                                          └─no─▶ another process builds, compares, races ──┘
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from models.inference.cache import compiled_folder
from models.inference.engine import Engine
from models.inference.stages import EAGER, CompiledStages, load_stages
from models.inference.sums.combined_engine import CombinedEngine
from realtime.model import Model
from realtime.pipeline import Pipeline

_LOOK_S = 0.2  # how often it looks for a first reading, for another network, and whether it has to end
_ROOT = Path(__file__).resolve().parents[3]


class Faster:
    """Looks for faster stages in a thread of its own, for every network that a session runs.

    Nothing waits for it, and nothing that fails in it ends the session.

    Parameters
    ----------
    pipeline : Pipeline
    note : callable
        Given a sentence where a build failed or differed; from the thread.
    """

    def __init__(self, pipeline: Pipeline, note: Callable[[str], None]):
        self._pipeline, self._note = pipeline, note
        self._folder = compiled_folder()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="faster", daemon=True)

    def launch(self) -> Faster:
        """Begin to look."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the thread, and a build with it; what is built so far is found by the next start."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def take_found(self) -> None:
        """Swap in what an earlier start has built, if anything; in the caller's thread, nothing is built."""
        model = self._pipeline.model
        if engine := network_of(model):
            self._swap(model, self._found(engine))

    def _work(self) -> None:
        seen = None
        while not self._stopping.is_set():
            model = self._pipeline.model
            engine = network_of(model)
            if engine is not None and engine.network is not seen:
                seen = engine.network
                try:
                    self._improve(model, engine)
                except Exception as error:  # the session goes on as it is
                    self._note(f"no faster backend: {type(error).__name__}: {error}")
            self._stopping.wait(_LOOK_S)

    def _improve(self, model: Model, engine: Engine) -> None:
        while not self._pipeline.published:  # a first reading goes before all else
            if self._stopping.wait(_LOOK_S):
                return
        found = self._found(engine)
        if found is None and self._build(engine):
            found = self._found(engine)
        self._swap(model, found)

    def _found(self, engine: Engine) -> CompiledStages | None:
        return load_stages(engine.network, "auto", self._folder, len(self._pipeline.videos))

    def _swap(self, model: Model, found: CompiledStages | None) -> None:
        if found is not None and found.label != EAGER and isinstance(model, Engine | CombinedEngine):
            faster = model.on(found, len(self._pipeline.videos), found.gain)
            self._pipeline.swap(faster.successor_to(model))

    def _build(self, engine: Engine) -> bool:
        """Have another process fill the folder; False where it was ended or failed."""
        with TemporaryDirectory(prefix="phosphene-build-") as given:
            network, result, said = (Path(given) / name for name in ("network.pt", "result", "said"))
            torch.save(engine.network, network)
            code = self._run([str(network), str(self._folder), str(len(self._pipeline.videos))], result, said)
            if self._stopping.is_set():
                return False
            if code:
                words = said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
                self._note(f"no faster backend was built: {(words or [f'code {code}'])[-1]}")
                return False
            notes = json.loads(result.read_text(encoding="utf-8"))["notes"]
        for sentence in notes:
            self._note(f"{sentence}; it is not tried again with these versions")
        return True

    def _run(self, arguments: Sequence[str], result: Path, said: Path) -> int:
        """Run the other process until it ends, or is no longer wanted; gives its code.

        Its standard input stays open for as long as we live: it ends with that.
        """
        command = [sys.executable, "-P", "-m", "models.inference.beside.build", *arguments]
        environment = {**os.environ, "PYTHONPATH": _python_path()}
        with (
            result.open("wb") as out,
            said.open("wb") as err,
            subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=out, stderr=err
            ) as process,
        ):
            while process.poll() is None and not self._stopping.wait(_LOOK_S):
                pass
            process.kill()
            return process.wait()


def network_of(model: Model) -> Engine | None:
    """Return what runs a model's network, alone or beside a linear model; None for none, and for two."""
    runs = model.network if isinstance(model, CombinedEngine) else model
    return runs if isinstance(runs, Engine) else None


def _python_path() -> str:
    return os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
