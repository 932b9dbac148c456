"""Offers a live session with its recording what makes a model of whoever sits there now."""

from __future__ import annotations

from dataclasses import replace

from experiment.model_choice import ModelChoice
from experiment.person.calibration import CalibrationRun
from experiment.person.form import PersonForm
from experiment.person.training import TrainingRequest
from experiment.recording import SessionRecording
from experiment.run import Running
from realtime.config import ConditioningConfig

TASK = "calibration"


def offer_calibration(
    running: Running, recording: SessionRecording, model: ModelChoice, conditioning: ConditioningConfig | None
) -> None:
    """Give a session its calibration: `Actions.calibrate` records, trains beside it, and ends with it.

    A new network is of the session's own preset, so that it can take over in it.
    """

    def calibrate(form: PersonForm) -> CalibrationRun:
        named = {"task": TASK, **({"sub": form.sub} if form.sub else {})}
        request = TrainingRequest(
            (),
            str(form.out),
            None if form.parent is None else str(form.parent),
            preset=model.preset,
            conditioning={} if conditioning is None else conditioning.model_dump(mode="json"),
        )
        calibration = CalibrationRun(running, recording, request, form.seconds, model.backend, named)
        calibration.begin()
        running.closing.callback(calibration.stop)  # before the recording is closed
        return calibration

    running.actions = replace(running.actions, calibrate=calibrate)
