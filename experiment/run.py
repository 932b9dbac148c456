"""Runs a session to its end on whatever shows it, and says what it came to."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from experiment.interrupt import interruptible
from experiment.state import Actions, FeedbackStyle, Mode, View
from experiment.summary import Health, Tally, summarise
from realtime.feedback.loop import FeedbackLoop
from realtime.pipeline import Pipeline
from realtime.time.clock import LslClock

# How long a thread may keep the interpreter while another waits for it. With Python's 5 ms, a reading waited
# that long at every operation during which a drawing had got in between (docs/performance.md).
TURN_S = 0.001


class CanFail(Protocol):
    """Something with threads of its own, such as a recording or a listener to markers."""

    @property
    def failure(self) -> BaseException | None:
        """What ended one of its threads; None while all is well."""
        ...


class Runner(CanFail, Protocol):
    """What runs a pipeline: `realtime.live.LiveRunner` or `recordings.player.Player`."""

    def launch(self) -> Any:
        """Begin to run, in threads of its own."""
        ...

    def stop(self) -> None:
        """End the threads and close the sources."""
        ...

    @property
    def finished(self) -> bool:
        """Whether nothing more will come."""
        ...


@dataclass
class Running:
    """A session that is ready to run: its pipeline, what drives it and what a window sees of it.

    Attributes
    ----------
    workers : list of CanFail
        What runs beside the pipeline; the failure of one ends the session.
    entries : dict of str to callable
        Further entries of the summary by name, asked for once after everything is closed.
    warnings : list of str
        What went wrong without ending it, for the summary. Any thread may append a sentence.
    closing : ExitStack
        What has to be closed after the runner has stopped, the last that was added first.
    hold_at_end : callable or None
        Has a replay stand still at its end instead of being over.
    ask_of_newcomers : callable or None
        Has a live session offer what may be its headset (`Actions.newcomer`) instead of taking it.
    """

    title: str
    mode: Mode
    pipeline: Pipeline
    runner: Runner
    view: View
    actions: Actions = field(default_factory=Actions)
    workers: list[CanFail] = field(default_factory=list)
    entries: dict[str, Callable[[], Any]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    closing: ExitStack = field(default_factory=ExitStack)
    tour: bool = False
    feedback: FeedbackLoop | None = None
    feedback_style: FeedbackStyle = FeedbackStyle.BAR
    hold_at_end: Callable[[], None] | None = None
    ask_of_newcomers: Callable[[], None] | None = None
    _tally: Tally | None = None

    def begin(self) -> Tally:
        """Have the runner run, and count from now on; once.

        `run` does so where nobody did. Sooner, a first interval fills while the window is made.
        """
        if self._tally is None:
            sys.setswitchinterval(TURN_S)
            gc.freeze()  # to go through all that was imported holds every thread up for a fifth of a second
            self.closing.callback(gc.unfreeze)
            self._tally = Tally(self.pipeline, hidden=self.view.blind)
            self.closing.callback(self.runner.stop)
            self.runner.launch()
        return self._tally

    @property
    def failure(self) -> BaseException | None:
        """What ended a worker, the runner's first; None while all is well."""
        found = (each.failure for each in (self.runner, *self.workers))
        return next((failure for failure in found if failure is not None), None)


Surface = Callable[[Running, Callable[[], bool], threading.Event], Mapping[str, Any]]
"""Shows a session: given it, a callable that says whether it is over, and an event that is set by Ctrl-C.
Returns when it is over, or when the user has left, with further entries of the summary."""


def show_nothing(session: Running, over: Callable[[], bool], interrupted: threading.Event) -> dict[str, Any]:
    """Show nothing: the `Surface` of a program that wants the summary alone."""
    while not over():
        interrupted.wait(0.05)
    return {}


def run(session: Running, show: Surface = show_nothing, seconds: float | None = None) -> dict[str, Any]:
    """Run until the session ends, `seconds` have passed, the user leaves `show` or Ctrl-C is pressed.

    Everything that was opened for the session is closed, whatever fails on the way.

    Returns
    -------
    dict
        The summary of `experiment.summary.summarise`; `errors` is not empty where a worker failed.
    """
    clock = LslClock()
    with session.closing, interruptible() as interrupted:
        tally = session.begin()
        deadline = None if seconds is None else clock.now() + seconds

        def over() -> bool:
            late = deadline is not None and clock.now() >= deadline
            return late or interrupted.is_set() or session.runner.finished or session.failure is not None

        more = dict(show(session, over, interrupted))
        health = Health.of(session.pipeline)  # before the sources are closed
        failure = session.failure
    failure = failure or session.failure  # a recording may fail while it is closed
    errors = [f"{type(failure).__name__}: {failure}"] if failure is not None else []
    more |= {name: entry() for name, entry in session.entries.items()}
    return summarise(session.pipeline, health, tally, errors, session.warnings) | more


@contextmanager
def opening(session: Running) -> Iterator[None]:
    """Close what is open of a session where the rest of it does not open."""
    try:
        yield
    except BaseException:
        session.closing.close()
        session.pipeline.close()
        raise
