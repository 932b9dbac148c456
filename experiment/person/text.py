"""A calibration for a terminal: what is done, how long it still takes, and what came of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from experiment.console import work_progress
from experiment.person.calibration import CalibrationNow, CalibrationRun
from experiment.person.training import TrainingNow, TrainingProcess
from experiment.run import Running

POLL_S = 0.1
_OVER = ("ready", "running", "failed")


def follow_calibration(
    calibration: CalibrationRun, tell: Callable[[str], None]
) -> Callable[[Running, Callable[[], bool], threading.Event], dict[str, Any]]:
    """Return the surface of a session that is calibrated: it records, trains, swaps the model in, and ends.

    Ctrl-C while it is recorded ends it; while it trains, it keeps what was learned.
    """

    def show(
        running: Running, over: Callable[[], bool], interrupted: threading.Event
    ) -> dict[str, CalibrationNow]:
        calibration.begin()
        with work_progress() as bar:
            now = calibration.poll()
            while now.stage not in _OVER:
                interrupted.wait(POLL_S)
                if over() and now.stage in ("recording", "training"):
                    calibration.stop()
                bar(_words(now), now.share)
                now = calibration.poll()
        if now.stage == "ready" and not over():
            calibration.take_over()
            tell("the session goes on with the new model")
        return {"calibration": calibration.now()}

    return show


def follow_training(training: TrainingProcess, interrupted: threading.Event) -> TrainingNow:
    """Show a training until it is over; Ctrl-C keeps what was learned."""
    with work_progress() as bar:
        while not training.state().over:
            interrupted.wait(POLL_S)
            if interrupted.is_set():
                training.stop()
            state = training.state()
            bar(state.phase, state.share)
    return training.state()


def _words(now: CalibrationNow) -> str:
    """Say what is going on."""
    if now.stage == "training" and now.training is not None:
        return f"training {now.training.phase}"
    return now.stage
