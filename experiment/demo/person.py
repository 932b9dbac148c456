"""A virtual person in a process of its own, for as long as a demo lasts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from experiment.model_choice import ModelChoice, importing_beside, shipped_weights
from realtime.errors import RunError, StreamNotFound

if TYPE_CHECKING:
    from realtime.pipeline import Pipeline
    from realtime.sources import VideoSource


@dataclass(frozen=True)
class Person:
    """`phosphene subject` in another process, that sees the same LSL as we do.

    Attributes
    ----------
    source_id : str
        Identity of its EEG; that of its markers is the same and `-markers`.
    """

    source_id: str
    process: subprocess.Popen[str]

    @classmethod
    def wake(cls, source_id: str, options: Sequence[str]) -> Person:
        """Start it with further options of `phosphene subject`. It ends with us."""
        command = [sys.executable, "-P", "-m", "phosphene", "subject"]  # -P: not from the folder we are in
        command += ["--source-id", source_id, "--with-parent"]
        ours = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, (ours, os.environ.get("PYTHONPATH"))))
        process = subprocess.Popen(
            [*command, *options],
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        return cls(source_id, process)

    def connect(self, film: VideoSource, model: ModelChoice) -> Pipeline:
        """Return the pipeline on its EEG and the film.

        Raises
        ------
        RunError
            It does not come; with its last words.
        WeightsError, ConfigError
            The model cannot be built.
        """
        from realtime.lsl.eeg import LslEeg, StreamSelector
        from realtime.pipeline import Pipeline
        from realtime.video.early import EarlyVideo

        only = StreamSelector(source_id=self.source_id)
        eeg = LslEeg(only, resolve_s=20.0, others_s=0.0)  # nobody else has its id
        video = EarlyVideo(film)
        with importing_beside():
            try:
                return Pipeline(eeg, video, model.build)
            except StreamNotFound as error:
                died = self.process.poll() is not None
                said = self.end()
                raise RunError(f"the demo did not begin: {said if died and said else error}") from error
            except BaseException:
                video.close()
                self.end()
                raise

    def end(self) -> str:
        """End it, by force if need be; returns the last line it had to say."""
        self.process.terminate()
        try:
            _, said = self.process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, said = self.process.communicate()
        return said.strip().splitlines()[-1] if said.strip() else ""


def trained_for(demo: str, model: ModelChoice) -> ModelChoice:
    """Return the choice with the weights that ship for this demo, where nobody chose a network.

    They were trained on virtual people, so they are taken in demos, and only there, without being asked for.
    """
    if model == ModelChoice(backend=model.backend) and shipped_weights(demo):
        return replace(model, weights=demo)
    return model
