"""A model for whoever sits there now: record, train beside the session, and run what came out.

waiting ─begin()─▶ recording ─▶ training ─▶ loading ─▶ ready ─take_over()─▶ running
└──────────┴── stop() or a failure ──▶ failed
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from experiment.model_choice import ModelChoice
from experiment.person.training import TrainingNow, TrainingProcess, TrainingRequest
from experiment.recording import SessionRecording
from experiment.run import Running
from realtime.errors import PhospheneError, RunError
from realtime.model import Model, Successor
from realtime.time.clock import LslClock

Stage = Literal["waiting", "recording", "training", "loading", "ready", "running", "failed"]


@dataclass(frozen=True)
class CalibrationNow:
    """How a calibration stands.

    Attributes
    ----------
    share : float
        Of this stage, 0 to 1.
    left_s : float or None
        Of this stage, s, as far as it can be told.
    training : TrainingNow or None
        From when it has begun; `training.done` has the figures of the validation
        (`experiment.person.training.worth_in_words` puts them in words).
    failure : str
    """

    stage: Stage
    share: float = 0.0
    left_s: float | None = None
    training: TrainingNow | None = None
    failure: str = ""


class CalibrationRun:
    """One calibration in a running session. All calls come from one thread, as a window's timer makes them.

    `begin()` starts a recording of the running session; call `poll()` a few times a second, it takes every
    step that is due and says how things stand. Once the stage is `ready`, `take_over()` has the session go on
    with the new model between two ticks (`Pipeline.swap`): no reading is lost. `stop()` at any time keeps
    what was recorded, and what was learned where that can be used.

    Parameters
    ----------
    running : Running
        A live session that is shown the film; what plays it is not this one's business.
    recording : SessionRecording
        What records it (`experiment.recording.offer_recording` returns it).
    request : TrainingRequest
        Its sessions are those to learn from beside the one recorded here; often none.
    seconds : float
        To record.
    backend : str
        What will run the new model.
    entities : mapping of str to str
        Of the recording's name, beside those that are set for recordings of this session.
    now : callable
        Gives the time, s.
    """

    def __init__(
        self,
        running: Running,
        recording: SessionRecording,
        request: TrainingRequest,
        seconds: float,
        backend: str = "auto",
        entities: Mapping[str, str] | None = None,
        now: Callable[[], float] | None = None,
    ) -> None:
        self._running, self._recording, self._request = running, recording, request
        self._seconds, self._backend, self._time = seconds, backend, now or LslClock().now
        self._entities = dict(entities or {})
        self._stage: Stage = "waiting"
        self._begun = 0.0
        self._failure = ""
        self._folder: Path | None = None
        self._training: TrainingProcess | None = None
        self._model: Model | None = None

    def begin(self) -> Path:
        """Start to record; returns the session's folder.

        Raises
        ------
        SessionError, ConfigError, StreamNotFound
        """
        self._folder = self._recording.start(self._entities)
        self._begun, self._stage, self._failure = self._time(), "recording", ""
        return self._folder

    def poll(self) -> CalibrationNow:
        """Take the step that is due, and say how things stand."""
        if self._stage == "recording" and (self._taken or self._time() - self._begun >= self._seconds):
            self._end_recording()
            self._train()
        elif self._stage == "training" and self._training is not None:
            state = self._training.state()
            if state.failure:
                self._fail(state.failure)
            elif state.done is not None:
                self._stage = "loading"
                threading.Thread(target=self._load, name="new model", daemon=True).start()
        return self.now()

    def now(self) -> CalibrationNow:
        """Say how things stand."""
        training = None if self._training is None else self._training.state()
        if self._stage == "recording":
            spent = self._time() - self._begun
            left = max(0.0, self._seconds - spent)
            return CalibrationNow("recording", min(1.0, spent / self._seconds), left)
        share, left_s = (training.share, training.left_s) if training is not None else (0.0, None)
        return CalibrationNow(self._stage, share, left_s, training, self._failure)

    def take_over(self) -> None:
        """Have the session go on with the new model.

        Raises
        ------
        RunError
            There is none yet.
        ConfigError
            It wants other electrodes or another grid than the session was opened for.
        """
        if self._model is None:
            raise RunError(f"there is no new model yet: the calibration is {self._stage}")
        self._running.pipeline.swap(Successor(self._model))
        self._stage = "running"

    def stop(self) -> None:
        """End it: the recording is closed, a training keeps what it has."""
        if self._stage == "recording":
            self._end_recording()
            self._fail("stopped while it was recorded; the recording is kept")
        elif self._stage == "training" and self._training is not None:
            self._training.stop()
            if self._training.state().done is None:
                self._fail("stopped before anything was learned; the recording is kept")

    @property
    def _taken(self) -> bool:
        """Whether its recording was ended by somebody else, by the record button or by remote control."""
        return self._recording.current != self._folder

    def _end_recording(self) -> None:
        """End its own recording, and none that was begun after it."""
        if not self._taken:
            self._recording.stop()

    def _train(self) -> None:
        slots = {"grid.slots_hz": self._running.pipeline.grid.slots_hz}  # else it could not take over
        request = replace(
            self._request,
            sessions=(str(self._folder), *self._request.sessions),
            changes={**slots, **self._request.changes},
        )
        self._training = TrainingProcess(request, self._time).launch()
        self._stage = "training"

    def _load(self) -> None:
        """Make the model ready to run; in a thread of its own, since that takes seconds."""
        pipeline = self._running.pipeline
        try:
            choice = ModelChoice(weights=self._request.out, backend=self._backend)
            self._model = choice.build(pipeline.labels, n_videos=len(pipeline.videos))
        except PhospheneError as error:
            self._fail(str(error))
        else:
            self._stage = "ready"

    def _fail(self, why: str) -> None:
        self._failure, self._stage = why, "failed"
