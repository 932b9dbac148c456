"""What is shown and a camera on the face: each with its own frames, mask, clock and recording."""

from __future__ import annotations

import numpy as np
import pytest

from experiment.compose import open_replay
from experiment.model_choice import ModelChoice
from experiment.run import run
from realtime.live import LiveRunner
from realtime.pipeline import Pipeline
from realtime.time.clock import ManualClock
from recordings.pipeline_recording import PipelineRecording
from recordings.replay import ReplayEeg, replay_videos
from recordings.session.options import RecordingOptions
from recordings.session.session import Session
from tests.support.fakes import ArithmeticModel, ArrayEeg, ArrayVideo

RATE = 250.0
CAMERA_BEGINS = 100.412


def sources(clock: ManualClock, seconds: float = 12.0, until: float | None = None):
    """EEG, a film of 30 frames a second, and a camera of 25 that begins 0.412 s later and may stop.

    No frame of the camera falls on a slot.
    """
    random = np.random.default_rng(5)
    stamps = 100 + np.arange(int(seconds * RATE)) / RATE
    samples = random.normal(0, 20, (len(stamps), 3)).astype(np.float32)
    camera = CAMERA_BEGINS + np.arange(int((seconds - 0.4) * 25)) / 25
    if until is not None:
        camera = camera[camera < until]
    return (
        ArrayEeg(clock, samples, stamps, RATE),
        ArrayVideo(clock, 100 + np.arange(int(seconds * 30)) / 30, size=(16, 16)),
        ArrayVideo(clock, camera, size=(16, 24), ends=False, seqs=500 + np.arange(len(camera))),
    )


def pipeline(clock: ManualClock, *given) -> tuple[Pipeline, ArithmeticModel]:
    eeg, video, *more = given
    model = ArithmeticModel()
    return Pipeline(eeg, video, lambda labels: model, more_videos=more), model


def advance(running: Pipeline, clock: ManualClock, start: float, stop: float, step: float):
    readings = []
    for now in np.arange(start, stop, step):
        clock.set(now)
        readings += running.advance(now)
    return readings


def test_each_video_has_its_own_frames_and_every_frame_is_encoded_once_for_its_video() -> None:
    clock = ManualClock(0)
    running, model = pipeline(clock, *sources(clock))
    readings = advance(running, clock, 99, 113, 0.05)
    assert len(readings) > 30
    for interval, others, reading in zip(model.intervals, model.others, readings, strict=True):
        times = interval.end - 2.5 + np.arange(80) / 40
        (camera,), (told,) = others, reading.others
        expected = 500 + np.floor((times - CAMERA_BEGINS) * 25).astype(int)
        there = times >= CAMERA_BEGINS
        assert (camera.frame_seq[there] == expected[there]).all()
        assert (camera.frame_valid == there).all()
        assert (camera.embeddings["fast"][there, 0, 0] == expected[there] % 251).all()
        assert told.video_valid_share == there.mean()
        assert told.enough == (there.mean() >= 0.8)
    for encoded in model.encoded_of.values():
        shown_at_all, counts = np.unique(encoded, return_counts=True)
        assert len(shown_at_all) > 200
        assert counts.max() <= 2  # levels are frame numbers modulo 251
    assert sum(map(len, model.encoded_of.values())) <= running.video.n_frames + running.videos[1].n_frames


def test_readings_of_the_main_video_are_those_of_a_session_without_the_other() -> None:
    clock, clock2 = ManualClock(0), ManualClock(0)
    both, one = pipeline(clock, *sources(clock))[0], pipeline(clock2, *sources(clock2)[:2])[0]
    told = [advance(running, at, 99, 113, 0.05) for running, at in ((both, clock), (one, clock2))]
    assert [(r.index, r.similarity, r.match) for r in told[0]] == [
        (r.index, r.similarity, r.match) for r in told[1]
    ]
    assert both.digest != one.digest


def test_a_second_video_that_stands_still_is_masked_and_readings_go_on_as_fast_as_before() -> None:
    clock = ManualClock(0)
    running, _ = pipeline(clock, *sources(clock, until=105.0))
    readings = advance(running, clock, 99, 113, 0.01)
    ends = np.array([r.end for r in readings])
    assert np.allclose(np.diff(ends), 0.25)
    assert ends[-1] > 111
    gone = [r for r in readings if r.end > 105 + running.grid.max_hold_s + 2.5]
    assert gone
    assert all(r.others[0].video_valid_share == 0 and not r.others[0].enough for r in gone)
    assert all(r.video_valid_share == 1 for r in gone)
    waits = [r.stage_ms["wait"] for r in readings]
    assert max(waits) < 1e3 * running.grid.lateness_s + 11
    before = [r.stage_ms["wait"] for r in readings if r.end < 104]
    assert np.median([r.stage_ms["wait"] for r in gone]) == pytest.approx(np.median(before))


def test_a_restart_keeps_every_videos_taps() -> None:
    clock = ManualClock(0)
    running, _ = pipeline(clock, *sources(clock))
    heard = [[] for _ in running.videos]
    for video, frames in zip(running.videos, heard, strict=True):
        video.taps.attach(frames.append)
    running.restart()
    advance(running, clock, 99, 101, 0.05)
    assert all(len(frames) > 0 for frames in heard)


def test_live_every_video_is_read_in_a_thread_of_its_own() -> None:
    clock = ManualClock(100)
    running, _ = pipeline(clock, *sources(clock, seconds=3.0))
    runner = LiveRunner(running, clock)
    assert [worker.name for worker in runner._workers] == ["EEG", "video", "video 2", "encoding", "scoring"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running.videos[1].source, "read", _unplugged)
        runner.launch()
        runner._workers[2]._thread.join(5)
        runner.stop()
    assert "unplugged" in str(runner.failure)


def _unplugged(timeout_s: float = 0.0) -> None:
    raise OSError("unplugged")


@pytest.mark.parametrize("until", [None, 107.0])
def test_live_recorded_and_replayed_with_two_videos_give_the_same_digest(tmp_path, until) -> None:
    clock = ManualClock(0)
    running, model = pipeline(clock, *sources(clock, until=until))
    options = RecordingOptions(codec="ffv1", pictures_mb=4000)
    with PipelineRecording(running, tmp_path, options) as kept:
        live = advance(running, clock, 99, 115, 0.01)
    assert kept.recorder.failure is None
    assert {path.name for path in tmp_path.glob("*.mkv")} == {"video.mkv", "video2.mkv"}
    with Session(tmp_path) as session:
        assert [info.name for info in session.video_streams] == ["video", "video2"]
        assert session.video().name == "video"
        assert session.video("video2").seq[0] == 500
        for step in (0.05, 0.73):
            clock2 = ManualClock(0)
            videos = replay_videos(session, clock2)
            again, model2 = pipeline(clock2, ReplayEeg(session, clock2), *videos)
            replayed = advance(again, clock2, 99, 116, step)
            assert again.digest == running.digest
            assert model2.fingerprint() == model.fingerprint()
            assert [r.others[0].match for r in replayed] == [r.others[0].match for r in live]
        _check_readings(session, live)


def _check_readings(session: Session, live) -> None:
    stream = next(s for s in session.reader.streams.values() if s.info.type == "Readings")
    rows = session.reader.read(stream.info.stream_id)[1]
    assert rows.shape == (len(live), 16 + 3)  # and what was there of each electrode
    expected = [r.others[0].match if r.others[0].enough else np.nan for r in live]
    np.testing.assert_array_equal(rows[:, 13], expected)
    np.testing.assert_array_equal(rows[:, 15], [r.others[0].video_valid_share for r in live])


def test_a_session_of_two_videos_opens_with_both_and_its_summary_tells_each(tmp_path) -> None:
    clock = ManualClock(0)
    running, _ = pipeline(clock, *sources(clock, seconds=6))
    with PipelineRecording(running, tmp_path, RecordingOptions(pictures_mb=4000)):
        advance(running, clock, 99, 107, 0.05)
    opened = open_replay(tmp_path, ModelChoice(), speed=np.inf)
    summary = run(opened)
    assert summary["errors"] == []
    assert summary["digest"] == running.digest
    (other,) = summary["other_videos"]
    assert other["frames"] == 140
    assert -1 <= other["similarity_mean"] <= 1
    assert summary["video"]["similarity_mean"] is not None
