"""What was measured of clocks and cameras goes into a recording: a replay places all as it was live."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from realtime.errors import ConfigError
from realtime.pipeline import Pipeline
from realtime.time.clock import ManualClock
from realtime.types import ClockOffset
from realtime.video.calibration import CameraOffset, save_offset
from realtime.video.camera import CameraSource
from recordings.pipeline_recording import PipelineRecording
from recordings.replay import ReplayEeg, ReplayVideo
from recordings.session.options import RecordingOptions
from recordings.session.session import Session
from tests.support.fakes import ArithmeticModel, ArrayEeg, ArrayVideo

RATE, SECONDS, AHEAD_S = 250.0, 8, 5000.5
EVERY_FRAME = RecordingOptions(codec="ffv1", pictures_mb=4000)
CALIBRATED = CameraOffset(0.0431, 0.0021, 0.0167, 0.0333, 40, 0.97)


class ElsewhereEeg(ArrayEeg):
    """Stamps by a clock of its own, which is measured before its first sample and once more after 3 s."""

    def read(self, timeout_s=0.0):
        first = self.position
        raw = super().read(timeout_s)
        if raw is None:
            return None
        due = [n for n in (0, 3 * RATE) if first <= n < self.position]
        stamps = raw.stamps - AHEAD_S
        offsets = tuple(ClockOffset(float(self.stamps[int(n)]) - 1e-6, AHEAD_S + n * 1e-7) for n in due)
        return replace(raw, stamps=stamps, offsets=offsets)


class LateVideo(ArrayVideo):
    """Frames by a camera whose stamps are known to be late."""

    def open(self):
        return replace(super().open(), offset_s=0.0431, offset_spread_s=0.0021)


def _advance(pipeline, clock, start, stop):
    for now in np.arange(start, stop, 0.02):
        clock.set(now)
        pipeline.advance(now)


def _live():
    clock, model = ManualClock(0.0), ArithmeticModel()
    stamps = 100 + np.arange(SECONDS * int(RATE)) / RATE
    samples = np.random.default_rng(1).normal(0, 20, (len(stamps), 2)).astype(np.float32)
    eeg = ElsewhereEeg(clock, samples, stamps, RATE)
    video = LateVideo(clock, 100 + np.arange(SECONDS * 30) / 30, size=(16, 16))
    return clock, Pipeline(eeg, video, lambda labels: model)


def _replayed(session):
    clock, model = ManualClock(0.0), ArithmeticModel()
    pipeline = Pipeline(ReplayEeg(session, clock), ReplayVideo(session, clock), lambda labels: model)
    _advance(pipeline, clock, 99.0, 102.0 + SECONDS)
    return pipeline


# --- a recording that is begun while the session runs -----------------------------------------------------


@pytest.mark.parametrize(("begin", "n_known"), [(102.0, 2), (104.0, 1)])
def test_a_recording_begun_midway_starts_with_the_clock_as_it_was_last_measured(tmp_path, begin, n_known):
    clock, pipeline = _live()
    _advance(pipeline, clock, 99.0, begin)
    last = pipeline.eeg.offset
    with PipelineRecording(pipeline, tmp_path, EVERY_FRAME):
        _advance(pipeline, clock, begin, 107.0)
    with Session(tmp_path) as session:
        track = session.eeg()
        assert len(track.offsets) == n_known  # the second measurement is at 103 s
        assert track.offsets[0].value == last.value
        assert track.offsets[0].collected == pytest.approx(last.collected, abs=1e-9)
        times, _ = track.read()
        assert times[0] == pytest.approx(begin, abs=0.03)  # the clock moves by 0.02 s
        assert track.span[1] == pytest.approx(107.0, abs=0.05)


def test_a_recording_of_the_whole_run_holds_each_measurement_once(tmp_path):
    clock, pipeline = _live()
    assert pipeline.eeg.offset is None
    with PipelineRecording(pipeline, tmp_path, EVERY_FRAME):
        _advance(pipeline, clock, 99.0, 102.0 + SECONDS)
    with Session(tmp_path) as session:
        assert [round(o.value, 6) for o in session.eeg().offsets] == [AHEAD_S, AHEAD_S + 7.5e-5]


# --- a camera that was calibrated -------------------------------------------------------------------------


def test_a_calibrated_camera_gives_the_same_intervals_live_and_replayed(tmp_path):
    clock, pipeline = _live()
    with PipelineRecording(pipeline, tmp_path, EVERY_FRAME):
        _advance(pipeline, clock, 99.0, 102.0 + SECONDS)
    assert pipeline.published > 15
    with Session(tmp_path) as session:
        header = session.video_streams[0]
        assert float(header.text("desc/synchronization/offset_mean")) == 0.0431
        assert float(header.text("desc/synchronization/offset_spread")) == 0.0021
        raw, _ = session.reader.read(header.stream_id)
        assert raw[0] == 100.0  # the camera's own stamps stay what they were
        assert session.video().times[0] == 100.0 - 0.0431
        assert _replayed(session).digest == pipeline.digest


def test_the_offset_is_taken_off_every_frame_on_its_way_in():
    clock, pipeline = _live()
    tapped = []
    pipeline.video.taps.attach(tapped.append)
    _advance(pipeline, clock, 99.0, 100.5)
    assert tapped[0].stamp == 100.0
    assert pipeline.video.frames.first_stamp == 100.0 - 0.0431
    newest = pipeline.video.preview.get().value
    assert newest.stamp == tapped[-1].stamp - 0.0431


class _Capture:
    """What OpenCV would open: grey pictures without stamps of their own."""

    def isOpened(self):
        return True

    def grab(self):
        return True

    def retrieve(self):
        return True, np.full((48, 64, 3), 80, np.uint8)

    def get(self, which):
        return 0.0

    def release(self):
        pass


def test_a_camera_knows_what_was_calibrated_for_it(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    def opened():
        source = CameraSource(77, capture=lambda index: _Capture())
        try:
            return source.open()
        finally:
            source.close()

    assert (opened().offset_s, opened().offset_spread_s) == (0.0, 0.0)
    save_offset("camera 77", "driver", CALIBRATED)
    assert opened().offset_s == 0.0  # this camera's frames are stamped on arrival
    path = save_offset("camera 77", "arrival", CALIBRATED)
    assert (opened().offset_s, opened().offset_spread_s) == (0.0431, 0.0021)
    path.write_text("{")
    with pytest.raises(ConfigError, match="calibrate again"):
        opened()
