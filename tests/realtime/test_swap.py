"""One model takes over from another between two ticks: nothing is missed or made twice."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.config import GridConfig
from realtime.errors import ConfigError
from realtime.model import Successor, means_of
from realtime.pipeline import Pipeline
from realtime.time.clock import ManualClock
from realtime.video.intake import VideoIntake
from tests.support.fakes import ArithmeticModel, ArrayEeg, ArrayVideo

RATE, FPS, SECONDS = 256.0, 30, 14
STEP_S = 0.05  # five looks for a tick, as a live session has


class Louder(ArithmeticModel):
    """Embeds a picture as ten times what the other says: who has embedded a slot can be read in it."""

    def encode(self, images, path, video=0):
        return 10 * super().encode(images, path, video)


def session(model: ArithmeticModel, fps: float = FPS) -> tuple[Pipeline, ManualClock]:
    clock, stamps = ManualClock(100.0), 100 + np.arange(int(SECONDS * RATE)) / RATE
    samples = np.random.default_rng(0).normal(0, 20, (len(stamps), 2))
    video = ArrayVideo(clock, 100 + np.arange(SECONDS * fps) / fps)
    return Pipeline(ArrayEeg(clock, samples, stamps, RATE), video, lambda labels: model), clock


def play(pipeline, clock, until, live=True, budget_s=0.125):
    """Go on to a time as `LiveRunner` does in its threads, or as a replay does."""
    readings = []
    while clock.now() < until - 1e-9:
        clock.set(clock.now() + STEP_S)
        if not live:
            readings += pipeline.advance(clock.now())
            continue
        while pipeline.eeg.pump():
            pass
        while pipeline.video.pump():
            pass
        pipeline.video.encode(clock.now(), budget_s)
        while (reading := pipeline.step(clock.now())) is not None:
            readings.append(reading)
    return readings


def indices(model):
    return [interval.index for interval in model.intervals]


@pytest.mark.parametrize("live", [True, False])
def test_a_network_of_its_own_takes_over_once_it_has_seen_an_interval_and_no_tick_is_missed(live):
    first, second = ArithmeticModel(), Louder()
    pipeline, clock = session(first)
    before = play(pipeline, clock, 106.0, live)
    pipeline.swap(Successor(second))
    after = play(pipeline, clock, 112.0, live)
    assert pipeline.model is second
    assert pipeline.swapped is not None
    numbers = indices(first) + indices(second)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert [r.index for r in (*before, *after)] == numbers
    assert (pipeline.skipped_ticks, pipeline.frames_not_ready, pipeline.empty_intervals) == (0, 0, 0)
    for interval, seen in zip(second.intervals, second.seen, strict=True):
        assert np.array_equal(seen["fast"][:, 0, 0], 10 * (interval.frame_seq % 251))


def test_until_the_successor_is_ready_the_model_before_goes_on():
    first, second = ArithmeticModel(), Louder()
    pipeline, clock = session(first)
    play(pipeline, clock, 106.0)
    pipeline.swap(Successor(second))
    n = len(first.intervals)
    pipeline.step(clock.now())
    assert not second.encoded["fast"]  # that is the encoding thread's work
    play(pipeline, clock, 106.3)
    assert len(first.intervals) > n
    assert pipeline.model is first or second.intervals


def test_what_embeds_alike_takes_over_at_the_next_tick_and_nothing_is_embedded_twice():
    first = ArithmeticModel()
    pipeline, clock = session(first)
    before = play(pipeline, clock, 106.0)
    second = ArithmeticModel()
    pipeline.swap(Successor(second, of=first, alike=frozenset({"fast"})))
    after = play(pipeline, clock, 112.0)
    assert indices(second)[0] == before[-1].index + 1
    assert [r.index for r in after] == indices(second)
    alone = ArithmeticModel()
    reference, clock = session(alone)
    expected = play(reference, clock, 112.0)
    told = [(r.index, r.similarity, r.match) for r in (*before, *after)]
    assert told == [(r.index, r.similarity, r.match) for r in expected]
    assert pipeline.digest == reference.digest
    assert first.encoded["fast"] + second.encoded["fast"] == alone.encoded["fast"]


@pytest.mark.parametrize("fps", [30, 60])  # of 60 some come and go between two slots
@pytest.mark.parametrize("alike", [frozenset(), frozenset({"fast"})])
def test_a_model_that_wants_means_over_slots_has_them_from_its_first_interval_on(alike, fps):
    first = ArithmeticModel()
    pipeline, clock = session(first, fps)
    play(pipeline, clock, 106.0)
    second = ArithmeticModel(slot_means=True)
    pipeline.swap(Successor(second, alike=alike))
    play(pipeline, clock, 110.0)
    assert pipeline.model is second
    assert not any(means_of("fast") in seen for seen in first.seen)
    for interval, seen in zip(second.intervals, second.seen, strict=True):
        points = pipeline.aligner.slot_times(interval.index)[:, None] + np.arange(5) / 200
        shown = np.searchsorted(100 + np.arange(SECONDS * fps) / fps, points, side="right") - 1
        assert seen[means_of("fast")][:, 0, 0] == pytest.approx((shown % 251).mean(axis=1), abs=1e-3)
    assert (pipeline.frames_not_ready, pipeline.empty_intervals) == (0, 0)


def test_a_faster_way_to_run_a_network_that_has_gone_is_not_taken():
    first, second = ArithmeticModel(), Louder()
    pipeline, clock = session(first)
    play(pipeline, clock, 104.0)
    pipeline.swap(Successor(second))
    pipeline.swap(Successor(ArithmeticModel(), of=first, alike=frozenset({"fast"})))  # built for what goes
    play(pipeline, clock, 110.0)
    assert pipeline.model is second
    pipeline.swap(Successor(ArithmeticModel(), of=first, alike=frozenset({"fast"})))
    play(pipeline, clock, 111.0)
    assert pipeline.model is second


def test_a_seek_while_the_successor_prepares_has_it_prepare_again():
    first, second = ArithmeticModel(), Louder()
    pipeline, clock = session(first)
    play(pipeline, clock, 106.0)
    pipeline.swap(Successor(second))
    pipeline.step(clock.now())
    for source in (pipeline.eeg.source, pipeline.video.source):
        source.position = 0
    clock.set(100.0)
    pipeline.restart()
    play(pipeline, clock, 110.0, live=False)
    assert pipeline.model is second
    assert all(seen["fast"].max() >= 10 for seen in second.seen)


def test_with_little_time_the_successor_sees_fewer_frames_and_still_arrives():
    first, second = ArithmeticModel(), Louder()
    pipeline, clock = session(first)
    spent = lambda: 0.02 * sum(map(len, (first.encoded["fast"], second.encoded["fast"])))  # noqa: E731
    pipeline.video._stopwatch = pipeline.video._paths["fast"]._stopwatch = spent
    play(pipeline, clock, 106.0)
    pipeline.swap(Successor(second))
    play(pipeline, clock, 112.0)
    assert pipeline.model is second
    assert pipeline.video.thinned > 0


def test_a_model_that_wants_another_session_is_refused_with_what_differs():
    pipeline, _ = session(ArithmeticModel())
    with pytest.raises(ConfigError, match=r"wants grid .*lag_s=0\.0.* open a new session"):
        pipeline.swap(Successor(ArithmeticModel(grid=GridConfig(lag_s=0.0))))
    with pytest.raises(ConfigError, match="wants paths"):
        pipeline.swap(Successor(ArithmeticModel(paths={"fast": 2})))


class Wider(ArithmeticModel):
    """Embeds a picture as three numbers, as no other model's memory has room for."""

    def encode(self, images, path, video=0):
        return super().encode(images, path, video).repeat(3, axis=2)


def test_one_takes_over_while_the_other_is_just_embedding():
    first, second, clock, due = ArithmeticModel(), Wider(), ManualClock(10.0), []

    def stopwatch() -> float:  # asked right before a batch is embedded: the scoring thread comes in between
        if due:
            due.pop()()
        return 0.0

    source = ArrayVideo(clock, 10 + np.arange(60) / FPS, ends=False)
    source.open()
    video = VideoIntake(source, first, stopwatch=stopwatch)
    for now in (10.2, 10.4):
        clock.set(now)
        while video.pump():
            pass
        if now == 10.4:
            video.prepare(second, 9.0, ())
            due.append(lambda: video.take_over(second))
        video.encode(now)
    clock.set(10.6)
    while video.pump():
        pass
    video.encode(10.6)
    numbers = np.arange(len(second.encoded["fast"]))
    rows, there = video.embeddings(numbers)
    assert there.all()
    assert rows["fast"].shape[1:] == (1, 3)
    assert first.encoded["fast"] == list(range(len(first.encoded["fast"])))
