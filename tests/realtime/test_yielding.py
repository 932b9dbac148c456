"""A machine that is too slow: fewer frames first, counted and said, and never a camera that waits."""

from __future__ import annotations

import threading
import time
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.live import LiveRunner
from realtime.pipeline import Pipeline
from realtime.time.clock import LslClock, ManualClock
from realtime.video.due import within_budget
from realtime.video.intake import VideoIntake
from realtime.virtual.film.film import Film
from realtime.virtual.film.source import FilmSource
from tests.support.fakes import ArithmeticModel, ArrayEeg, ArrayVideo

FPS = 40.0  # a frame for each slot


class SlowModel(ArithmeticModel):
    """Takes a while for each frame, by a stopwatch of its own."""

    cost_s: ClassVar = {"fast": 0.004}

    def __init__(self, labels=(), **more):
        super().__init__(labels, **more)
        self.spent_s = 0.0

    def encode(self, images, path, video=0):
        self.spent_s += self.cost_s[path] * len(images)
        return super().encode(images, path, video)


def intake(model: SlowModel, n_frames: int = 60) -> tuple[VideoIntake, ManualClock]:
    clock = ManualClock(0.0)
    source = ArrayVideo(clock, 10 + np.arange(n_frames) / FPS, ends=False)
    source.open()
    return VideoIntake(source, model, stopwatch=lambda: model.spent_s), clock


def advance(video: VideoIntake, clock: ManualClock, now: float, budget_s: float) -> None:
    clock.set(now)
    while video.pump():
        pass
    video.encode(now, budget_s)


@given(
    n=st.integers(1, 60),
    budget_s=st.floats(0, 2),
    cost_s=st.floats(0, 1),
)
def test_what_is_left_is_in_order_evenly_spread_within_the_budget_and_holds_the_newest(n, budget_s, cost_s):
    due = list(range(100, 100 + n))
    left = within_budget(due, budget_s, cost_s)
    assert left == sorted(set(left))
    assert set(left) <= set(due)
    assert left[-1] == due[-1]
    assert len(left) == 1 or cost_s * len(left) <= budget_s + 1e-9
    steps = np.diff([99, *left])
    assert steps.max() - steps.min() <= 1
    if cost_s * n <= budget_s:
        assert left == due


def test_frames_that_there_is_no_time_for_show_the_one_before_and_are_counted():
    model = SlowModel()
    video, clock = intake(model)
    advance(video, clock, 10.0, 0.01)  # one frame: now its cost is known
    assert model.encoded["fast"] == [0]
    assert video.thinned == 0
    advance(video, clock, 10.2, 2.5 * SlowModel.cost_s["fast"])
    encoded = model.encoded["fast"][1:]
    assert len(encoded) == 2
    assert encoded[-1] == 8  # the newest
    assert video.thinned == 8 - len(encoded)
    found, ready = video.embeddings(np.arange(9))
    assert ready.all()
    shown = found["fast"][:, 0, 0]
    for number in range(9):
        assert shown[number] == max(each for each in [0, *encoded] if each <= number)
    assert f"{video.thinned} show the one before" in video.health().note
    assert video.health().thinned == video.thinned


def test_of_a_slot_that_shows_a_frame_which_is_not_embedded_yet_no_mean_is_made():
    video, clock = intake(SlowModel())
    advance(video, clock, 10.2, 10.0)
    newest = video.frames.times.count
    clock.set(10.23)
    assert video.pump()  # one more has come, and is not embedded yet
    slots = np.array([newest - 2, newest - 1])
    points = np.array([[newest - 2, newest - 1], [newest - 1, newest]])
    assert video.embeddings(slots)[1].tolist() == [True, True]
    assert video.embeddings(slots, points.ravel())[1].tolist() == [True, False]
    before = np.array([[-1, newest - 2], [newest - 2, newest - 1]])  # there was none yet: that is known
    assert video.embeddings(slots, before.ravel())[1].tolist() == [True, True]


def test_with_time_enough_every_frame_is_encoded():
    model = SlowModel()
    video, clock = intake(model)
    for now in (10.0, 10.2, 10.4):
        advance(video, clock, now, 1.0)
    assert model.encoded["fast"] == list(range(17))
    assert video.thinned == 0
    assert not video.health().note


@pytest.mark.parametrize("cost_s", [0.001, 0.02, 0.5])
def test_a_session_begins_with_what_has_waited_however_slow_its_encoder_is(cost_s):
    """Three seconds of frames wait; what they cost passes while more come."""
    model = SlowModel()
    model.cost_s = {"fast": cost_s}
    video, clock = intake(model, n_frames=400)
    now = since = 13.0
    video.begin_at(since)
    while not video.begun:
        assert now < since + 1.2 + 2 * cost_s  # the last batch may begin within the second
        spent = model.spent_s
        advance(video, clock, now, 0.125)
        now += max(0.02, model.spent_s - spent)
    newest = int((now - 0.2 - 10) * FPS) if cost_s < 0.1 else int((since - 10) * FPS)
    _, ready = video.embeddings(np.arange(newest - 80, newest))
    assert ready.all()
    assert video.thinned == video.lost == 0
    if cost_s == 0.001:
        assert now < since + 0.3
        assert model.encoded["fast"] == list(range(len(model.encoded["fast"])))  # none left out


def test_a_replay_never_leaves_a_frame_out():
    model = SlowModel()
    clock = ManualClock(0.0)
    stamps = np.arange(100, 104, 1 / 250)
    eeg = ArrayEeg(clock, np.zeros((len(stamps), 2)), stamps, 250.0)
    pipeline = Pipeline(eeg, ArrayVideo(clock, np.arange(100, 104, 1 / FPS)), lambda labels: model)
    for now in (101.0, 104.0):
        clock.set(now)
        pipeline.advance(now)
    assert len(model.encoded["fast"]) == 4 * FPS
    assert pipeline.video.thinned == 0


class StuckModel(ArithmeticModel):
    """Begins to encode, and goes on when it is told to."""

    def __init__(self, labels=()):
        super().__init__(labels)
        self.stuck, self.go_on = threading.Event(), threading.Event()

    def encode(self, images, path, video=0):
        self.stuck.set()
        assert self.go_on.wait(20)
        return super().encode(images, path, video)


def test_the_camera_is_read_while_a_frame_is_being_encoded():
    model, clock = StuckModel(), LslClock()
    eeg = ArrayEeg(ManualClock(0.0), np.zeros((1, 2)), np.zeros(1), 250.0, ends=False)
    pipeline = Pipeline(eeg, FilmSource(Film(3), clock), lambda labels: model)
    runner = LiveRunner(pipeline, clock).launch()
    try:
        assert model.stuck.wait(10)
        seen = pipeline.video.n_frames
        stop = time.monotonic() + 10
        while pipeline.video.n_frames < seen + 5:
            assert time.monotonic() < stop
            time.sleep(0.005)
    finally:
        model.go_on.set()
        runner.stop()
    assert runner.failure is None
    assert pipeline.video.preview.get().seq >= seen + 5


class DearSlowPath(SlowModel):
    """One path costs nothing, the other much."""

    cost_s: ClassVar = {"fast": 0.0, "slow": 0.02}


def test_a_dear_path_gives_way_and_a_cheap_one_beside_it_does_not():
    model = DearSlowPath(paths={"fast": 1, "slow": 5})
    video, clock = intake(model)
    for now in (10.0, 10.5, 11.0):
        advance(video, clock, now, 0.03)
    assert model.encoded["fast"] == list(range(41))
    assert len(model.encoded["slow"]) == 3  # of nine: one for each look
    assert video.thinned == 6
