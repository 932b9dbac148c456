"""Runs a session to its end, in a window, as text or without either, and says what it came to."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from experiment.state import Actions, FeedbackStyle, Mode, View
from experiment.summary import Similarities, StageTimes, summarise
from realtime.feedback.loop import FeedbackLoop
from realtime.memory import rss_mb
from realtime.pipeline import Pipeline
from realtime.time.clock import LslClock

# How long a thread may keep the interpreter while another waits for it. With Python's 5 ms, a reading waited
# that long at every operation during which a drawing had got in between (docs/performance.md).
TURN_S = 0.001


class Surface(Enum):
    """Where a session is shown."""

    WINDOW = "window"
    TEXT = "text"
    LINE = "line"
    NONE = "none"


class Runner(Protocol):
    """What runs a pipeline: `realtime.live.LiveRunner` or `recordings.player.Player`."""

    def launch(self) -> Any: ...

    def stop(self) -> None: ...

    @property
    def failure(self) -> BaseException | None: ...

    @property
    def finished(self) -> bool: ...


@dataclass
class Running:
    """A session that is ready to run: its pipeline, what drives it and what a window sees of it.

    `watched` are asked for a failure while it runs, and one ends it; `before_end` run while the sources are
    still open; `extras` are called once after the end and add entries to the summary; `cleanups` always run.
    `hold_at_end` has a replay stand still at its end instead of being over.
    """

    title: str
    mode: Mode
    pipeline: Pipeline
    runner: Runner
    view: View
    actions: Actions = field(default_factory=Actions)
    watched: list[Callable[[], BaseException | None]] = field(default_factory=list)
    before_end: list[Callable[[], object]] = field(default_factory=list)
    extras: list[Callable[[], dict[str, Any]]] = field(default_factory=list)
    cleanups: list[Callable[[], object]] = field(default_factory=list)
    tour: bool = False
    feedback: FeedbackLoop | None = None
    feedback_style: FeedbackStyle = FeedbackStyle.BAR
    hold_at_end: Callable[[], None] | None = None

    @property
    def failure(self) -> BaseException | None:
        """What ended a worker, or anything else that is watched; None while all is well."""
        found = (self.runner.failure, *(failed() for failed in self.watched))
        return next((failure for failure in found if failure is not None), None)


def run(session: Running, surface: Surface, seconds: float | None = None) -> dict[str, Any]:
    """Run until the session ends, `seconds` have passed, the window is closed or Ctrl-C is pressed.

    Returns
    -------
    dict
        The summary of `experiment.summary.summarise`; `errors` is not empty where a worker failed.
    """
    sys.setswitchinterval(TURN_S)
    stages, similarities = StageTimes(), Similarities(len(session.pipeline.videos))
    session.pipeline.taps.attach(stages.take)
    if not session.view.blind:
        session.pipeline.taps.attach(similarities.take)
    rss_start, more = rss_mb(), {}
    clock = LslClock()
    try:
        with interruptible() as interrupted:
            session.runner.launch()
            deadline = None if seconds is None else clock.now() + seconds

            def over() -> bool:
                runner = session.runner
                late = deadline is not None and clock.now() >= deadline
                return late or interrupted.is_set() or runner.finished or session.failure is not None

            more = _show(session, surface, over, interrupted)
    finally:
        eeg, videos = session.pipeline.eeg.health(), [video.health() for video in session.pipeline.videos]
        failure = session.failure
        for action in session.before_end:
            action()
        session.runner.stop()
        for extra in session.extras:
            more |= extra()
        for cleanup in session.cleanups:
            cleanup()
    errors = [f"{type(failure).__name__}: {failure}"] if failure is not None else []
    return summarise(session.pipeline, eeg, videos, similarities, stages, rss_start, errors, **more)


def _show(
    session: Running, surface: Surface, over: Callable[[], bool], interrupted: threading.Event
) -> dict[str, Any]:
    if surface is Surface.WINDOW:
        from gui.app import show_window

        return {
            "window": show_window(
                session.view, session.mode, session.actions, over,
                tour=session.tour, feedback_style=session.feedback_style,
            )
        }  # fmt: skip
    if surface is Surface.TEXT:
        from experiment.text_view import show_text

        show_text(session.view, session.title, over, interrupted)
    elif surface is Surface.LINE:
        from experiment.text_view import show_line

        show_line(session.view, over, interrupted)
    else:
        while not over():
            interrupted.wait(0.05)
    return {}


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C (or SIGTERM) into an event, so that everything is closed in order."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    kept = {
        number: signal.signal(number, lambda *_: event.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield event
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
