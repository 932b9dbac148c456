"""The whole path with an injected clock: what comes out depends on the data, not on who asks or when."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.config import ConditioningConfig, GridConfig
from realtime.errors import ConfigError, WorkerFailed
from realtime.live import LiveRunner
from realtime.model import means_of
from realtime.pipeline import Pipeline
from realtime.time.clock import ManualClock
from tests.support.fakes import ArithmeticModel, ArrayEeg, ArrayVideo

RATE = 256.0


def recording(seconds=12.0, gap_at=None, gap_s=0.0, start=100.0, seed=0):
    """Stamps and samples of an EEG stream, and stamps of 30 frames a second, all on one clock."""
    stamps = start + np.arange(int(seconds * RATE)) / RATE
    if gap_at is not None:
        stamps[stamps >= start + gap_at] += gap_s
    samples = np.random.default_rng(seed).normal(0, 20, (len(stamps), 2))
    frames = start + np.arange(int(seconds * 30)) / 30
    return samples, stamps, frames


def pipeline_on(clock, data, model=None, chunk=16, **eeg_options) -> tuple[Pipeline, ArithmeticModel]:
    samples, stamps, frames = data
    model = model or ArithmeticModel()
    eeg = ArrayEeg(clock, samples, stamps, RATE, chunk=chunk, **eeg_options)
    return Pipeline(eeg, ArrayVideo(clock, frames), lambda labels: model), model


def play(data, moments, **options):
    clock = ManualClock(0)
    pipeline, model = pipeline_on(clock, data, **options)
    readings = []
    for moment in moments:
        clock.set(moment)
        readings += pipeline.advance(moment)
    return pipeline, model, readings


def live(pipeline, clock, moment, encode=True):
    """One round of what the threads of a live session do."""
    clock.set(moment)
    while pipeline.eeg.pump():
        pass
    while pipeline.video.pump():
        pass
    if encode:
        pipeline.video.encode(moment)
    return pipeline.step(moment)


@settings(deadline=None, max_examples=8)
@given(
    chunk=st.integers(1, 90),
    steps=st.lists(st.floats(0.004, 0.6), min_size=1, max_size=7),
    gap=st.one_of(st.none(), st.tuples(st.floats(3, 9), st.floats(0.2, 3))),
)
def test_the_same_session_gives_the_same_intervals_however_it_is_cut_and_paced(chunk, steps, gap):
    data = recording(gap_at=gap[0], gap_s=gap[1]) if gap else recording()
    smooth = np.arange(100, 117, 0.1)
    uneven, now = [], 100.0
    while (now := now + steps[len(uneven) % len(steps)]) < 117:
        uneven.append(now)
    reference, ref_model, ref_readings = play(data, [*smooth, 117.0])
    other, other_model, other_readings = play(data, [*uneven, 117.0], chunk=chunk)
    assert other.digest == reference.digest
    assert other_model.fingerprint() == ref_model.fingerprint()
    assert [r.index for r in other_readings] == [r.index for r in ref_readings]
    assert other.empty_intervals == reference.empty_intervals


def test_intervals_end_on_the_absolute_grid_and_none_is_missing():
    pipeline, _model, readings = play(recording(), np.arange(100, 114, 0.05))
    ends = np.array([r.end for r in readings])
    assert (ends % 0.25 == 0).all()
    assert (np.diff(ends) == 0.25).all()
    assert ends[0] <= 100 + 2.5 + 2 * 0.25
    assert ends[-1] >= 112 - 0.25
    assert pipeline.skipped_ticks == 0


def test_each_frame_is_encoded_once_and_only_if_a_slot_shows_it():
    clock = ManualClock(0)
    samples, stamps, _ = recording()
    frames = 100 + np.arange(12 * 90) / 90  # 90 a second: 40 slots cannot show them all
    model = ArithmeticModel(paths={"fast": 1, "slow": 5})
    pipeline = Pipeline(
        ArrayEeg(clock, samples, stamps, RATE), ArrayVideo(clock, frames), lambda labels: model
    )
    for moment in np.arange(100, 113, 0.03):
        clock.set(moment)
        pipeline.advance(moment)
    for path, every in (("fast", 1), ("slow", 5)):
        slots = np.arange(100 * 40, 113 * 40, every) / 40
        shown = np.unique(np.searchsorted(frames, slots, side="right") - 1)
        counts = np.bincount(model.encoded[path], minlength=251)
        assert (counts == np.bincount(shown % 251, minlength=251)).all()
    assert pipeline.frames_not_ready == 0


def test_the_embedding_at_each_slot_is_that_of_the_frame_on_show():
    _, model, _ = play(recording(), np.arange(100, 114, 0.1))
    for interval, seen in zip(model.intervals, model.seen, strict=True):
        assert (seen["fast"][:, 0, 0] == interval.frame_seq % 251).all()


@pytest.mark.parametrize("fps", [12.0, 29.97, 60.0, 150.0])
def test_a_slot_shows_the_mean_of_the_frames_that_were_on_show_during_it(fps):
    samples, stamps, _ = recording()
    frames = 100.0003 + np.arange(0, 12, 1 / fps)
    model = ArithmeticModel(paths={"fast": 1, "slow": 5}, slot_means=True)
    pipeline, *_ = play((samples, stamps, frames), np.arange(100, 114, 0.1), model=model)
    assert len(model.intervals) > 30
    for interval, seen in zip(model.intervals, model.seen, strict=True):
        begin = pipeline.aligner.slot_times(interval.index)
        points = begin[:, None] + np.arange(5) / 200
        shown = (np.searchsorted(frames, points, side="right") - 1) % 251
        assert seen[means_of("fast")][:, 0, 0] == pytest.approx(shown.mean(axis=1), abs=1e-3)
        assert (seen["fast"][:, 0, 0] == interval.frame_seq % 251).all()
    assert means_of("slow") not in seen


def test_a_late_tick_is_skipped_and_counted_and_never_run_in_a_burst():
    clock = ManualClock(100)
    pipeline, model = pipeline_on(clock, recording())
    for moment in (104.0, 108.0):
        assert live(pipeline, clock, moment) is not None
    assert pipeline.step(108.0) is None
    assert len(model.intervals) == 2
    # The last ends at 108 itself: its last point waits for two samples on the right, and the second is there.
    assert model.intervals[-1].end == 108.0
    assert pipeline.skipped_ticks == model.intervals[-1].index - pipeline.aligner.first_index() - 1


class LookingModel(ArithmeticModel):
    """Keeps what it was shown ahead of each interval, and when."""

    def __init__(self, clock):
        super().__init__()
        self.clock, self.looked = clock, {}

    def look(self, index, shown):
        assert index not in self.looked
        self.looked[index] = (self.clock.now(), *shown)


def test_live_the_model_sees_each_interval_once_all_its_frames_are_there_and_before_its_eeg_is():
    clock = ManualClock(100)
    pipeline, model = pipeline_on(clock, recording(), LookingModel(clock))
    hop, lag = pipeline.grid.hop_s, pipeline.grid.lag_s
    for moment in np.arange(100, 110, 0.01):
        live(pipeline, clock, moment)
    assert len(model.intervals) > 25
    for interval, embeddings in list(zip(model.intervals, model.seen, strict=True))[1:]:
        at, shown = model.looked[interval.index]
        assert interval.end - lag - 0.05 < at < interval.end - hop + 0.05  # right after the reading before
        assert np.array_equal(shown.frame_seq, interval.frame_seq)
        assert np.array_equal(shown.frame_valid, interval.frame_valid)
        assert np.array_equal(shown.embeddings["fast"], embeddings["fast"])


def test_what_is_not_embedded_yet_is_not_shown_ahead():
    clock = ManualClock(100)
    pipeline, model = pipeline_on(clock, recording(), LookingModel(clock))
    for moment in np.arange(100, 104, 0.01):
        live(pipeline, clock, moment, encode=False)
    assert pipeline.frames_not_ready > 0
    assert model.looked == {}


def test_a_reading_waits_for_two_samples_past_its_interval_and_no_longer():
    step_s = 0.002
    _pipeline, _model, readings = play(recording(seconds=5.0), np.arange(100, 104.9, step_s))
    waits = np.array([reading.stage_ms["wait"] for reading in readings]) / 1e3
    assert len(waits) > 5
    assert waits.max() < 2 / RATE + step_s + 1e-6


def test_no_reading_is_made_of_samples_that_stopped_coming():
    data = recording(seconds=20, gap_at=5, gap_s=6.0)
    pipeline, _model, readings = play(data, np.arange(100, 126, 0.02))
    for reading in readings:
        assert reading.eeg_valid_share >= pipeline.grid.min_valid
        assert not 105.0 + 2.5 * (1 - pipeline.grid.min_valid) + 0.3 < reading.end < 111.0
    assert any(r.end > 114 for r in readings)
    assert pipeline.eeg.health().gaps == 1
    assert pipeline.eeg.health().lost_samples == pytest.approx(6 * RATE, abs=2)
    assert pipeline.empty_intervals > 0


def test_samples_later_than_the_limit_leave_a_masked_interval_instead_of_a_wait():
    clock = ManualClock(0)
    data = recording()
    pipeline, _model = pipeline_on(clock, data, delay_s=0.6)
    readings = []
    for moment in np.arange(100, 112, 0.01):
        clock.set(moment)
        readings += pipeline.advance(moment)
    assert readings
    assert all(0.29 < r.stage_ms["wait"] / 1e3 < 0.32 for r in readings)
    assert pipeline.masked_intervals == pipeline.intervals + pipeline.empty_intervals


def test_the_interval_holds_the_eeg_that_was_sent_at_its_times():
    stamps = 100 + np.arange(int(12 * RATE)) / RATE
    samples = np.stack([stamps - 100, -(stamps - 100)], axis=1)
    clock = ManualClock(0)
    model = ArithmeticModel()
    object.__setattr__(model.card, "band_hz", None)
    pipeline = Pipeline(
        ArrayEeg(clock, samples, stamps, RATE),
        ArrayVideo(clock, 100 + np.arange(360) / 30),
        lambda labels: model,
        ConditioningConfig(notch_hz=None),
    )
    for moment in np.arange(100, 113, 0.1):
        clock.set(moment)
        pipeline.advance(moment)
    for interval in model.intervals:
        times = interval.end - 2.5 + np.arange(500) / 200 - 100
        known = interval.eeg_valid[0]
        assert known.all()
        assert np.abs(interval.eeg[0] - times)[known].max() < 5e-4
        assert np.abs(interval.eeg[1] + times)[known].max() < 5e-4


def test_a_restart_lets_no_interval_span_the_jump():
    clock = ManualClock(0)
    pipeline, model = pipeline_on(clock, recording())
    for moment in np.arange(100, 105, 0.1):
        clock.set(moment)
        pipeline.advance(moment)
    before = len(model.intervals)
    pipeline.restart()
    for moment in np.arange(105, 112, 0.1):
        clock.set(moment)
        pipeline.advance(moment)
    assert model.resets == 1
    assert model.intervals[before].end >= 105 + 2.4


def test_a_path_that_does_not_divide_the_hop_is_refused():
    model = ArithmeticModel(paths={"slow": 3})
    clock = ManualClock(0)
    samples, stamps, frames = recording(seconds=1)
    with pytest.raises(ConfigError, match="every 3th slot"):
        Pipeline(ArrayEeg(clock, samples, stamps, RATE), ArrayVideo(clock, frames), lambda labels: model)


def test_a_worker_that_dies_leaves_its_exception_as_data():
    class Broken(ArrayVideo):
        def read(self, timeout_s=0.0):
            raise OSError("the cable was pulled")

    clock = ManualClock(100)
    samples, stamps, frames = recording(seconds=1)
    pipeline = Pipeline(
        ArrayEeg(clock, samples, stamps, RATE), Broken(clock, frames), lambda labels: ArithmeticModel()
    )
    runner = LiveRunner(pipeline, clock).launch()
    runner._workers[1]._thread.join(5)
    runner.stop()
    assert isinstance(runner.failure, OSError)
    with pytest.raises(WorkerFailed, match="video stopped: the cable was pulled"):
        runner.raise_failure()


def test_an_interval_of_strict_two_seconds_can_be_had():
    grid = GridConfig(lag_s=0.0)
    assert grid.n_times == 400
    assert grid.slot_range(8) == (0, 80)


def test_an_electrode_that_is_left_out_is_masked_for_the_network_and_costs_no_reading():
    clock = ManualClock(0)
    pipeline, model = pipeline_on(clock, recording())
    readings = []
    for moment in np.arange(100, 112, 0.25):
        pipeline.left_out = frozenset({"ch2"}) if moment >= 106 else frozenset()
        clock.set(moment)
        readings += pipeline.advance(moment)
    before = [i for i in model.intervals if i.end < 105]
    after = [i for i in model.intervals if i.end > 107]
    assert all(interval.eeg_valid.all() for interval in before)
    assert all(interval.eeg_valid[0].all() and not interval.eeg_valid[1].any() for interval in after)
    assert not any(interval.eeg[1].any() for interval in after)
    assert readings[-1].end > 111
    assert readings[-1].eeg_valid_share == 1.0  # of what the stream gave
