"""The demo: a virtual subject in a process of its own watches a film made from the clock."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from experiment.model_choice import ModelChoice, shipped_weights
from experiment.state import Mode
from realtime.chance import auc
from realtime.errors import PhospheneError, RunError
from realtime.feedback.config import FeedbackConfig
from realtime.lsl.isolation import isolate
from realtime.types import Reading

if TYPE_CHECKING:
    from experiment.run import Running
    from realtime.pipeline import Pipeline
    from realtime.sources import VideoSource

SEED = 7
FEEDBACK = FeedbackConfig(baseline_s=8.0, longest_s=8.0)


def open_demo(
    model: ModelChoice,
    seed: int = SEED,
    closed_loop: bool = True,
    tour: bool = False,
    feedback: FeedbackConfig = FEEDBACK,
) -> Running:
    """A virtual subject in a process of its own watches a film made from the clock; its EEG comes by LSL.

    In a closed loop the film is dimmed while similarity is low, and the subject, whose mind wanders by
    itself, comes back to it; else its engagement follows the clock. The shipped weights were trained on
    virtual subjects, so they are taken here, and only here, without being asked for.
    """
    if model == ModelChoice(backend=model.backend) and shipped_weights("demo"):
        model = replace(model, weights="demo")
    isolate()
    source_id = f"phosphene-demo-{uuid.uuid4().hex[:12]}"
    feedback_id = f"{source_id}-feedback"
    subject = _wake_subject(source_id, seed, feedback_id if closed_loop else None)
    from experiment.closed_loop import close_loop  # these take a second, in which the subject wakes up
    from experiment.compose import live_session, show_markers
    from realtime.lsl.eeg import StreamSelector
    from realtime.time.clock import LslClock
    from realtime.virtual.film.effects import Dimmer
    from realtime.virtual.film.film import Film
    from realtime.virtual.film.source import FilmSource

    clock = LslClock()
    dimmer = Dimmer()
    film = FilmSource(Film(seed), clock, dimmer)
    pipeline = _connect(subject, source_id, film, model)
    running, view = live_session("Phosphene demo", Mode.DEMO, pipeline, clock)
    running.closing.callback(_end, subject)
    running.tour = tour
    if closed_loop:
        close_loop(running, feedback, clock, feedback_id, dimmer.set)
    truth = EngagementTruth(pipeline.grid.interval_s + pipeline.grid.lag_s)
    pipeline.taps.attach(truth.reading)
    show_markers(running, view, StreamSelector(source_id=f"{source_id}-markers"), truth.marker)
    running.entries["engagement_auc"] = truth.auc
    return running


def _wake_subject(source_id: str, film_seed: int, feedback_id: str | None) -> subprocess.Popen[str]:
    """Start the subject as a process that sees the same LSL as we do; it listens to the feedback, if any."""
    command = [sys.executable, "-m", "phosphene", "subject", "--source-id", source_id]
    command += ["--film-seed", str(film_seed), "--with-parent"]
    if feedback_id is not None:
        command += ["--feedback", f"source_id={feedback_id}"]
    return subprocess.Popen(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _connect(
    subject: subprocess.Popen[str], source_id: str, film: VideoSource, model: ModelChoice
) -> Pipeline:
    """The pipeline on the subject's EEG. RunError where the subject does not come, with its last words."""
    from realtime.lsl.eeg import LslEeg, StreamSelector
    from realtime.pipeline import Pipeline

    eeg = LslEeg(StreamSelector(source_id=source_id), resolve_s=20.0, others_s=0.0)  # nobody else has its id
    with ThreadPoolExecutor(1) as beside:
        beside.submit(import_module, "models.inference.engine")  # seconds, while the stream is looked for
        try:
            return Pipeline(eeg, film, model.build)
        except PhospheneError as error:
            died = subject.poll() is not None
            said = _end(subject)
            raise RunError(f"the demo did not begin: {said if died and said else error}") from error


class EngagementTruth:
    """Compares similarity with what the virtual subject says of itself: `engaged` or `drifting`.

    Only readings whose whole interval lies in one phase count. Markers and readings come in two threads.
    """

    def __init__(self, interval_s: float):
        self._interval_s = interval_s
        self._changes: list[tuple[float, str]] = []
        self._readings: list[tuple[float, float]] = []

    def marker(self, stamp: float, phase: str) -> None:
        self._changes.append((stamp, phase))

    def reading(self, reading: Reading) -> None:
        self._readings.append((reading.end, reading.similarity))

    def auc(self) -> float | None:
        """Probability that an engaged reading is more similar than a drifting one; None where no pair is."""
        phases: dict[str, list[float]] = {"engaged": [], "drifting": []}
        changes = sorted(self._changes)
        for end, similarity in self._readings:
            before = [phase for stamp, phase in changes if stamp <= end - self._interval_s]
            within = any(end - self._interval_s < stamp <= end for stamp, _ in changes)
            if before and not within:
                phases[before[-1]].append(similarity)
        return auc(phases["engaged"], phases["drifting"])


def _end(process: subprocess.Popen[str]) -> str:
    """End it, by force if need be; returns the last line it had to say."""
    process.terminate()
    try:
        _, said = process.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        _, said = process.communicate()
    return said.strip().splitlines()[-1] if said.strip() else ""
