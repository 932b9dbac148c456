"""The demo: a virtual subject in a process of its own watches a film made from the clock."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from experiment.demo.person import Person, trained_for
from experiment.model_choice import ModelChoice
from experiment.state import Mode
from realtime.chance import auc
from realtime.feedback.config import FeedbackConfig
from realtime.lsl.isolation import isolate
from realtime.types import Reading

if TYPE_CHECKING:
    from experiment.run import Running

SEED = 7
FEEDBACK = FeedbackConfig(baseline_s=8.0, longest_s=8.0)


def open_demo(
    model: ModelChoice,
    seed: int = SEED,
    closed_loop: bool = True,
    tour: bool = False,
    feedback: FeedbackConfig = FEEDBACK,
) -> Running:
    """Have a virtual subject watch a film made from the clock; its EEG comes by LSL.

    In a closed loop the film is dimmed while similarity is low, and the subject, whose mind wanders by
    itself, comes back to it; else its engagement follows the clock.
    """
    isolate()
    source_id = f"phosphene-demo-{uuid.uuid4().hex[:12]}"
    feedback_id = f"{source_id}-feedback"
    listens = ["--feedback", f"source_id={feedback_id}"] if closed_loop else []
    subject = Person.wake(source_id, ["--film-seed", str(seed), *listens])
    from experiment.closed_loop import close_loop  # these take a second, in which the subject wakes up
    from experiment.compose import go_faster, live_session, show_markers
    from realtime.lsl.eeg import StreamSelector
    from realtime.time.clock import LslClock
    from realtime.virtual.film.effects import Dimmer
    from realtime.virtual.film.film import Film
    from realtime.virtual.film.source import FilmSource

    clock = LslClock()
    dimmer = Dimmer()
    film = FilmSource(Film(seed), clock, dimmer)
    pipeline = subject.connect(film, trained_for("demo", model))
    running, view = live_session("Phosphene demo", Mode.DEMO, pipeline, clock)
    running.closing.callback(subject.end)
    go_faster(running, model)
    running.tour = tour
    if closed_loop:
        close_loop(running, feedback, clock, feedback_id, dimmer.set)
    truth = EngagementTruth(pipeline.grid.interval_s + pipeline.grid.lag_s)
    pipeline.taps.attach(truth.reading)
    show_markers(running, view, StreamSelector(source_id=f"{source_id}-markers"), truth.marker)
    running.entries["engagement_auc"] = truth.auc
    return running


class EngagementTruth:
    """Compares similarity with what the virtual subject says of itself: `engaged` or `drifting`.

    Only readings whose whole interval lies in one phase count. Markers and readings come in two threads.
    """

    def __init__(self, interval_s: float):
        self._interval_s = interval_s
        self._changes: list[tuple[float, str]] = []
        self._readings: list[tuple[float, float]] = []

    def marker(self, stamp: float, phase: str) -> None:
        """Take what the subject says of itself."""
        self._changes.append((stamp, phase))

    def reading(self, reading: Reading) -> None:
        """Take a reading."""
        self._readings.append((reading.end, reading.similarity))

    def auc(self) -> float | None:
        """Return the probability that an engaged reading is more similar than a drifting one, if known."""
        phases: dict[str, list[float]] = {"engaged": [], "drifting": []}
        changes = sorted(self._changes)
        for end, similarity in self._readings:
            before = [phase for stamp, phase in changes if stamp <= end - self._interval_s]
            within = any(end - self._interval_s < stamp <= end for stamp, _ in changes)
            if before and not within:
                phases[before[-1]].append(similarity)
        return auc(phases["engaged"], phases["drifting"])
