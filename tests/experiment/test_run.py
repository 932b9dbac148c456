"""A session is closed in order, whatever fails on the way, and says what became of it."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from commands.options import RunGroup
from commands.sessions import in_window
from experiment.run import Running, opening, run, show_nothing
from experiment.state import Mode
from realtime.errors import RunError
from realtime.pipeline import Pipeline
from realtime.time.clock import ManualClock
from realtime.view import PipelineView
from tests.support.fakes import ArithmeticModel, ArrayEeg, ArrayVideo

RATE = 250.0


class HandRunner:
    """Brings the pipeline up to a time when it is launched; whatever happens to it is written down."""

    finished = True

    def __init__(self, pipeline, clock, happened):
        self.pipeline, self.clock, self.happened = pipeline, clock, happened
        self.failure = None

    def launch(self):
        self.happened.append("launched")
        for now in np.arange(99.0, 105.0, 0.05):
            self.clock.set(now)
            self.pipeline.advance(now)

    def stop(self):
        self.happened.append("stopped")


class Accessory:
    """A worker beside the session."""

    failure = None


@pytest.fixture
def happened():
    return []


@pytest.fixture
def session(happened):
    clock = ManualClock(99.0)
    n = int(8 * RATE)
    random = np.random.default_rng(3)
    uv = random.normal(0, 20, (n, 2)).astype(np.float32)
    eeg = ArrayEeg(clock, uv, 100 + np.arange(n) / RATE, RATE, chunk=25)
    video = ArrayVideo(clock, 100 + np.arange(240) / 30, size=(16, 16))
    pipeline = Pipeline(eeg, video, lambda labels: ArithmeticModel())
    view = PipelineView(pipeline, clock, lambda: None)
    return Running("test", Mode.LIVE, pipeline, HandRunner(pipeline, clock, happened), view)


def test_the_runner_stops_first_and_then_the_last_that_was_added(session, happened):
    for name in ("first", "second", "third"):
        session.closing.callback(happened.append, name)
    session.entries["told"] = lambda: list(happened)
    summary = run(session)
    assert happened == ["launched", "stopped", "third", "second", "first"]
    assert summary["told"] == happened
    assert summary["readings"] > 5
    assert summary["errors"] == []


def test_one_that_began_before_its_window_was_there_counts_from_then_on(session, happened):
    session.begin()
    assert happened == ["launched"]
    published = session.pipeline.published
    summary = run(session)
    assert happened == ["launched", "stopped"]
    assert summary["readings"] == published > 5


def test_a_live_session_begins_before_its_window_is_made_and_is_closed_where_none_can_be(
    session, happened, monkeypatch
):
    def no_window(*_: object) -> None:
        assert happened == ["launched"]
        raise RuntimeError("no window")

    monkeypatch.setattr("gui.program.Program", no_window)
    with pytest.raises(RuntimeError, match="no window"):
        in_window(session, RunGroup())
    assert happened == ["launched", "stopped"]


def test_what_fails_while_it_is_closed_keeps_nothing_else_open(session, happened):
    def fail() -> None:
        raise RunError("the disk is full")

    session.closing.callback(happened.append, "first")
    session.closing.callback(fail)
    session.closing.callback(happened.append, "third")
    with pytest.raises(RunError, match="the disk is full"):
        run(session)
    assert happened == ["launched", "stopped", "third", "first"]


def test_what_fails_in_the_window_closes_the_session(session, happened):
    def show(running, over, interrupted):
        raise ZeroDivisionError

    session.closing.callback(happened.append, "closed")
    with pytest.raises(ZeroDivisionError):
        run(session, show)
    assert happened == ["launched", "stopped", "closed"]


def test_a_worker_beside_the_session_that_fails_ends_it_with_an_error(session):
    session.runner.finished = False
    accessory = Accessory()
    session.workers.append(accessory)

    def show(running, over, interrupted):
        assert not over()
        accessory.failure = RunError("the markers are gone")
        assert over()
        return {"window": {"fps": 30.0}}

    summary = run(session, show)
    assert summary["errors"] == ["RunError: the markers are gone"]
    assert summary["window"] == {"fps": 30.0}


def test_a_recording_that_fails_while_it_is_closed_is_an_error_of_the_session(session):
    accessory = Accessory()
    session.workers.append(accessory)
    session.closing.callback(lambda: setattr(accessory, "failure", RunError("could not be closed")))
    assert run(session)["errors"] == ["RunError: could not be closed"]


def test_warnings_of_parts_stand_in_the_summary_beside_those_of_the_streams(session):
    session.closing.callback(session.warnings.append, "12 frames of camera were dropped")
    session.view.blind = True
    warnings = run(session)["warnings"]
    assert warnings[0] == "12 frames of camera were dropped"
    assert "similarity_mean is null: the session is blind" in warnings


def test_what_does_not_open_closes_what_is_open_already(session, happened, monkeypatch):
    monkeypatch.setattr(session.pipeline.eeg.source, "close", lambda: happened.append("source closed"))
    session.closing.callback(happened.append, "closed")
    with pytest.raises(RunError), opening(session):
        raise RunError("no such stream")
    assert happened == ["closed", "source closed"]


def test_without_a_view_a_session_ends_when_it_is_over_or_ctrl_c_is_pressed(session):
    answers = iter([False, False, True])
    assert show_nothing(session, lambda: next(answers), threading.Event()) == {}
