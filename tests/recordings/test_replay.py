"""Replay hands out what was recorded, the same however the clock moves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.errors import SessionError, VideoError
from realtime.sources import EegSource, VideoSource
from realtime.time.clock import ManualClock
from realtime.time.offsets import ClockOffsets
from realtime.types import StreamState
from recordings.replay import MAX_CHUNK_S, ReplayEeg, ReplayVideo
from recordings.session.session import Session
from tests.support.pictures.numbered import read_number
from tests.support.small_session import FPS, RATE, write_small


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    folder = write_small(tmp_path_factory.mktemp("replay") / "run01", ahead_s=-40.0)
    with Session(folder) as session:
        yield session


def _open(session, start=None):
    clock = ManualClock(session.start if start is None else start)
    eeg, video = ReplayEeg(session, clock), ReplayVideo(session, clock)
    assert isinstance(eeg, EegSource)
    assert isinstance(video, VideoSource)
    eeg.open(), video.open()
    if start is not None:
        eeg.seek(start), video.seek(start)
    return clock, eeg, video


def _drain(read):
    while (item := read()) is not None:
        yield item


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0.001, 3.0), min_size=1, max_size=30))
def test_whatever_steps_the_clock_takes_the_same_samples_and_frames_come(session, steps):
    clock, eeg, video = _open(session)
    chunks, frames, k = [], [], 0
    while not (eeg.finished and video.finished):
        clock.sleep_until(clock.now() + steps[k % len(steps)])
        k += 1
        chunks += list(_drain(eeg.read))
        frames += list(_drain(video.read))
    samples = np.concatenate([c.samples for c in chunks])
    stamps = np.concatenate([c.stamps for c in chunks])
    assert samples[:, 0].tolist() == list(range(1500))
    assert np.array_equal(stamps, 100.0 + 40.0 + np.arange(1500) / RATE)  # the sender's own, unchanged
    assert [c.offsets for c in chunks if c.offsets] == [session.eeg().offsets]
    assert chunks[0].offsets
    assert [f.seq for f in frames] == list(range(180))
    assert [f.stamp for f in frames] == session.video().times.tolist()


def test_nothing_comes_before_its_time_and_nothing_late(session):
    clock, eeg, video = _open(session)
    offsets = ClockOffsets()
    n_eeg = n_frames = 0
    for now in np.arange(100.0, 106.0, 0.0137):
        clock.sleep_until(now)
        for chunk in _drain(eeg.read):
            for offset in chunk.offsets:
                offsets.add(offset)
            times = offsets.correct(chunk.stamps)
            assert times[-1] <= now
            assert times[-1] - times[0] <= MAX_CHUNK_S + 1e-9
            n_eeg += len(times)
        for frame in _drain(video.read):
            assert frame.stamp <= now
            n_frames += 1
        assert n_eeg == np.sum(100 + np.arange(1500) / RATE <= now + 1e-9)
        assert n_frames == np.sum(100 + np.arange(180) / FPS <= now)


def test_what_is_due_comes_at_once_wherever_the_files_chunks_end(session):
    clock, eeg, _ = _open(session)
    for _ in range(50):
        clock.sleep_until(clock.now() + 0.1)
        assert len(list(_drain(eeg.read))) == 1


def test_a_picture_is_the_one_its_number_says(session):
    clock, _, video = _open(session)
    clock.sleep_until(200.0)
    for frame in _drain(video.read):
        assert read_number(frame.image) == frame.seq


@pytest.mark.parametrize("position", [105.0, 100.5, 103.21, 99.0])
def test_after_a_seek_the_first_sample_and_frame_are_the_first_at_or_after_it(session, position):
    clock, eeg, video = _open(session)
    clock.sleep_until(104.0)
    list(_drain(eeg.read)), list(_drain(video.read))
    clock.set(position)
    eeg.seek(position), video.seek(position)
    clock.sleep_until(position + 3.0)
    chunks = list(_drain(eeg.read))
    stamps = np.concatenate([c.stamps for c in chunks]) - 40.0
    expected = 100 + np.arange(1500) / RATE
    np.testing.assert_allclose(stamps, expected[(expected >= position) & (expected <= position + 3.0)])
    assert chunks[0].offsets == session.eeg().offsets
    frames = list(_drain(video.read))
    times = session.video().times
    assert [f.stamp for f in frames] == times[(times >= position) & (times <= position + 3.0)].tolist()
    assert all(read_number(f.image) == f.seq for f in frames)


def test_a_seek_past_the_end_finishes(session):
    _, eeg, video = _open(session, start=500.0)
    assert eeg.read() is None
    assert video.read() is None
    assert eeg.finished
    assert video.finished
    assert eeg.health().state is video.health().state is StreamState.FINISHED


def test_health_tells_what_the_recording_is(session):
    clock, eeg, video = _open(session)
    assert eeg.health().state is StreamState.SEARCHING
    clock.sleep_until(101.0)
    list(_drain(eeg.read)), list(_drain(video.read))
    health, picture = eeg.health(), video.health()
    assert (health.name, health.n_channels, health.rate_nominal) == ("Cap", 3, RATE)
    assert health.state is picture.state is StreamState.LIVE
    assert health.age_s == pytest.approx(0.0, abs=1 / RATE)
    assert (picture.width, picture.height, picture.frames) == (64, 64, 31)
    assert picture.fps_nominal == pytest.approx(FPS)


def test_jittering_stamps_stay_in_the_order_of_the_file(tmp_path):
    random = np.random.default_rng(3)
    stamps = 100 + np.arange(1000) / RATE + random.uniform(-0.02, 0.02, 1000)
    write_small(tmp_path, stamps=stamps, frames=False)
    with Session(tmp_path) as session:
        clock = ManualClock(99.0)
        eeg = ReplayEeg(session, clock)
        eeg.open()
        parts = []
        while not eeg.finished:
            clock.sleep_until(clock.now() + 0.01)
            for chunk in _drain(eeg.read):
                assert chunk.stamps.max() <= clock.now()
                parts.append(chunk)
        assert np.array_equal(np.concatenate([p.stamps for p in parts]), stamps)
        assert np.concatenate([p.samples for p in parts])[:, 0].tolist() == list(range(1000))


def test_frames_that_the_video_has_lost_are_passed_over_and_said(tmp_path):
    write_small(tmp_path)
    video_file = tmp_path / "stimulus.mkv"
    data = video_file.read_bytes()
    video_file.write_bytes(data[: len(data) // 2])  # as a crash leaves it
    with Session(tmp_path) as session:
        clock = ManualClock(200.0)
        video = ReplayVideo(session, clock)
        video.open()
        frames = list(_drain(video.read))
        assert 0 < len(frames) < 180
        assert all(read_number(f.image) == f.seq for f in frames)
        assert f"{180 - len(frames)} frames" in video.health().note
        assert video.finished


def test_what_is_missing_is_said_when_a_source_is_opened(tmp_path):
    write_small(tmp_path / "a", frames=False)
    with Session(tmp_path / "a") as session, pytest.raises(SessionError, match="no video"):
        ReplayVideo(session, ManualClock()).open()
    write_small(tmp_path / "b", seconds=1.0)
    (tmp_path / "b" / "stimulus.mkv").write_bytes(b"no video at all")
    with Session(tmp_path / "b") as session, pytest.raises(VideoError, match=r"stimulus\.mkv"):
        ReplayVideo(session, ManualClock()).open()


def test_a_read_with_a_timeout_waits_for_a_running_clock_no_longer_than_asked(session):
    clock, eeg, video = _open(session, start=99.0)
    clock.set(98.0)
    for source in (eeg, video):
        assert source.read(0.01) is None
