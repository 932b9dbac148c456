"""Frames that come while a network is still loaded are part of the session."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from realtime.config import ConditioningConfig
from realtime.errors import VideoError, WorkerFailed
from realtime.live import LiveRunner
from realtime.lsl.eeg import LslEeg, StreamSelector
from realtime.pipeline import Pipeline
from realtime.sources import VideoSource
from realtime.time.clock import LslClock
from realtime.types import Frame, StreamState, VideoHealth, VideoInfo
from realtime.video.early import EarlyVideo
from realtime.virtual.film.film import Film
from realtime.virtual.film.source import FilmSource
from tests.support.fakes import ArithmeticModel


class Camera:
    """Gives what the test puts before it; an error that it is given, it raises."""

    finished = False

    def __init__(self):
        self.shown: queue.Queue[Frame | Exception] = queue.Queue()
        self.n_read, self.dropped, self.closed_in = 0, 0, None

    def show(self, *numbers: int) -> None:
        for n in numbers:
            self.shown.put(Frame(np.zeros((4, 5, 3), np.uint8), n / 30, n))

    def open(self) -> VideoInfo:
        return VideoInfo("camera", 5, 4, 30.0, "test")

    def read(self, timeout_s: float = 0.0) -> Frame | None:
        try:
            given = self.shown.get(timeout=timeout_s) if timeout_s else self.shown.get_nowait()
        except queue.Empty:
            return None
        self.n_read += 1
        if isinstance(given, Exception):
            raise given
        return given

    def health(self) -> VideoHealth:
        return VideoHealth(
            "camera", StreamState.LIVE, 5, 4, 30.0, 30.0, self.n_read, self.dropped, 0.0, "test"
        )

    def close(self) -> None:
        self.closed_in = threading.current_thread()


def read_early(camera: Camera, n: int) -> None:
    end = time.monotonic() + 10
    while camera.n_read < n:
        assert time.monotonic() < end, "the camera was not read"
        time.sleep(0.005)


def test_frames_between_the_opening_and_the_first_read_come_first_and_in_order():
    camera = Camera()
    video = EarlyVideo(camera)
    assert isinstance(video, VideoSource)
    video.open()
    camera.show(0, 1, 2)
    read_early(camera, 3)
    camera.show(3, 4)
    assert [video.read(1.0).seq for _ in range(5)] == [0, 1, 2, 3, 4]
    assert video.read() is None
    video.close()


def test_of_more_than_may_wait_the_newest_are_kept():
    camera = Camera()
    video = EarlyVideo(camera, held_bytes=3 * 4 * 5 * 3)
    video.open()
    camera.show(*range(10))
    read_early(camera, 10)
    assert [video.read().seq for _ in range(3)] == [7, 8, 9]
    assert video.read() is None
    video.close()


def test_what_comes_while_those_that_waited_are_taken_is_not_missed():
    """A camera keeps its newest frame alone: whoever is still busy with older ones would miss some."""
    camera = Camera()
    video = EarlyVideo(camera)
    video.open()
    camera.show(*range(5))
    read_early(camera, 5)
    assert video.read().seq == 0
    camera.show(5, 40)  # a leap of the camera's own, more than a second: nothing that waits goes for it
    read_early(camera, 7)
    assert [video.read().seq for _ in range(6)] == [1, 2, 3, 4, 5, 40]
    video.close()


def test_frames_before_a_long_stall_are_not_held_and_what_was_missed_does_not_count():
    camera = Camera()
    video = EarlyVideo(camera)
    video.open()
    camera.show(0, 1, 19, 20, 22)
    camera.dropped = 18
    read_early(camera, 5)
    assert [video.read().seq for _ in range(3)] == [19, 20, 22]
    assert video.health().dropped == 0
    camera.dropped = 21
    assert video.health().dropped == 3
    video.close()


def test_a_camera_that_fails_meanwhile_is_said_at_the_first_read():
    camera = Camera()
    video = EarlyVideo(camera)
    video.open()
    camera.shown.put(VideoError("unplugged"))
    read_early(camera, 1)
    with pytest.raises(WorkerFailed, match="unplugged"):
        video.read()
    video.close()


def test_closed_before_it_was_read_it_is_not_read_any_more():
    camera = Camera()
    video = EarlyVideo(camera)
    video.open()
    video.close()
    camera.show(1)
    assert camera.closed_in is threading.current_thread()
    time.sleep(0.05)
    assert camera.n_read == 0


@pytest.mark.slow
def test_the_first_reading_is_there_as_soon_as_the_network_is(source_id):
    """A network that takes three seconds: the interval has filled meanwhile, no tick counts as left out."""
    clock = LslClock()

    def load(labels):
        time.sleep(3.0)
        return ArithmeticModel(labels)

    command = [sys.executable, "-m", "phosphene", "headset", "--source-id", source_id]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as headset:
        eeg = LslEeg(StreamSelector(source_id=source_id), resolve_s=15.0)
        film = EarlyVideo(FilmSource(Film(3, size=(160, 90)), clock))
        pipeline = Pipeline(eeg, film, load, ConditioningConfig(notch_hz=None))
        begun = clock.now()
        runner = LiveRunner(pipeline, clock).launch()
        end = time.monotonic() + 10
        while not pipeline.published:
            assert time.monotonic() < end, "no reading"
            time.sleep(0.005)
        first = pipeline.history[0]
        runner.stop()
        headset.kill()
    assert runner.failure is None
    assert first.emitted < begun + pipeline.grid.interval_s  # sooner than an interval could fill after it
    assert first.video_valid_share == first.eeg_valid_share == 1.0
    assert pipeline.skipped_ticks == pipeline.empty_intervals == pipeline.video.thinned == 0
