"""A run that was recorded replays to the same intervals and readings."""

from __future__ import annotations

import numpy as np

from realtime.pipeline import Pipeline
from realtime.time.clock import ManualClock
from recordings.pipeline_recording import PipelineRecording
from recordings.recorder import Recorder
from recordings.replay import ReplayEeg, ReplayVideo
from recordings.session.options import RecordingOptions
from recordings.session.session import Session
from tests.support.fakes import ArithmeticModel, ArrayEeg, ArrayVideo

RATE = 250.0


def _advance(pipeline, clock, start, stop, step):
    readings = []
    for now in np.arange(start, stop, step):
        clock.set(now)
        readings += pipeline.advance(now)
    return readings


def _live(chunk=13, seq0=0):
    """A pipeline on EEG with jitter and a gap, and on frames of which some are missing."""
    random = np.random.default_rng(5)
    stamps = 100 + np.arange(int(12 * RATE)) / RATE * (1 + 80e-6) + random.normal(0, 4e-4, int(12 * RATE))
    stamps[2000:] += 0.7
    samples = random.normal(0, 20, (len(stamps), 3)).astype(np.float32)
    numbers = np.flatnonzero(random.random(12 * 30) > 0.1)
    clock, model = ManualClock(0), ArithmeticModel()
    eeg = ArrayEeg(clock, samples, stamps, RATE, chunk=chunk)
    video = ArrayVideo(clock, 100 + numbers / 30, size=(16, 16), seqs=seq0 + numbers)
    return clock, model, Pipeline(eeg, video, lambda labels: model), samples, stamps


def test_a_recorded_run_replays_to_the_same_digest_pictures_and_readings(tmp_path):
    clock, model, pipeline, samples, stamps = _live(seq0=70_000)
    options = RecordingOptions(codec="ffv1", pictures_mb=4000)  # lossless, to compare pixels
    with PipelineRecording(pipeline, tmp_path, options) as recording:
        live = _advance(pipeline, clock, 99.0, 115.0, 0.01)
    assert recording.recorder.failure is None

    with Session(tmp_path) as session:
        pieces = list(session.eeg().pieces())
        assert np.array_equal(np.concatenate([p.samples for p in pieces]), samples)
        assert np.array_equal(np.concatenate([p.stamps for p in pieces]), stamps)
        for step in (0.05, 0.73):
            clock2, model2 = ManualClock(0), ArithmeticModel()
            again = Pipeline(
                ReplayEeg(session, clock2), ReplayVideo(session, clock2), lambda labels, m=model2: m
            )
            replayed = _advance(again, clock2, 99.0, 116.0, step)
            assert again.digest == pipeline.digest
            assert model2.fingerprint() == model.fingerprint()
            assert [(r.index, r.similarity, r.match) for r in replayed] == [
                (r.index, r.similarity, r.match) for r in live
            ]
        recorded = _readings(session)
        assert recorded.shape == (len(live), 12 + 3)  # and what was there of each electrode
        assert recorded[:, 3].tolist() == [r.similarity for r in live]


def _readings(session):
    stream = next(s for s in session.reader.streams.values() if s.info.type == "Readings")
    return session.reader.read(stream.info.stream_id)[1]


def test_recording_again_from_a_replay_gives_the_same_samples_bit_by_bit(tmp_path):
    clock, _, pipeline, *_ = _live()
    with PipelineRecording(pipeline, tmp_path / "first", RecordingOptions(pictures_mb=4000)):
        _advance(pipeline, clock, 99.0, 115.0, 0.03)
    with Session(tmp_path / "first") as session:
        clock2 = ManualClock(1e6)
        eeg = ReplayEeg(session, clock2)
        with Recorder(tmp_path / "second", {"eeg": eeg.open()}) as recorder:
            while (chunk := eeg.read()) is not None:
                recorder.eeg("eeg", chunk)
        first = session.eeg()
        with Session(tmp_path / "second") as second:
            again = second.eeg()
            assert again.info == first.info
            assert again.offsets == first.offsets
            for name in ("samples", "stamps", "times"):
                a, b = (np.concatenate([getattr(p, name) for p in t.pieces()]) for t in (first, again))
                assert a.tobytes() == b.tobytes()


def test_a_recording_may_begin_and_end_while_the_pipeline_runs(tmp_path):
    clock, _, pipeline, samples, _ = _live()
    _advance(pipeline, clock, 99.0, 104.0, 0.02)
    with PipelineRecording(pipeline, tmp_path / "a", RecordingOptions(pictures_mb=4000)):
        _advance(pipeline, clock, 104.0, 106.0, 0.02)
    _advance(pipeline, clock, 106.0, 108.0, 0.02)
    assert len(pipeline.taps) == len(pipeline.eeg.taps) == len(pipeline.video.taps) == 0
    with Session(tmp_path / "a") as session:
        kept = session.eeg().read()[1]
        start = np.flatnonzero((samples == kept[0]).all(1))[0]
        assert np.array_equal(kept, samples[start : start + len(kept)])
        assert abs(len(kept) - 2 * RATE) <= 2  # by when the clock stood
        assert session.video().seq[0] >= 119
