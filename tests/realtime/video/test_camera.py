"""Cameras of this machine and of the network: every frame proves by its number that it is the right one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.errors import VideoError, WorkerFailed
from realtime.sources import VideoSource
from realtime.time.clock import ManualClock
from realtime.types import StreamState
from realtime.video.camera import CameraSource, DriverStamps, UrlSource, open_video
from realtime.video.file import FileCamera
from realtime.video.opencv import cv2
from realtime.virtual.film.source import FilmSource
from tests.support.pictures.http_camera import HttpCamera
from tests.support.pictures.numbered import numbered_frame, read_number
from tests.support.pictures.uneven import write_film


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return write_film(tmp_path_factory.mktemp("film") / "uneven.mkv")


# --- cameras of this machine -----------------------------------------------------------------------------


class Shutter:
    """Behaves as cv2.VideoCapture does; a frame is there when the test presses the shutter."""

    def __init__(self, clock=None, age_s=None):
        self.clock, self.age_s = clock, age_s
        self.pressed = threading.Semaphore(1)  # one frame at once, which opening takes
        self.waiting = threading.Semaphore(0)
        self.number = -1
        self.gone = False
        self.broken: Exception | None = None
        self.released = 0

    def press(self):
        """Give one frame and return once it has been handed over and the next one is waited for."""
        self.pressed.release()
        assert self.waiting.acquire(timeout=10)

    def isOpened(self):
        return True

    def set(self, *_):
        return True

    def get(self, prop):
        known = {cv2.CAP_PROP_FRAME_WIDTH: 160, cv2.CAP_PROP_FRAME_HEIGHT: 120, cv2.CAP_PROP_FPS: 30}
        if prop == cv2.CAP_PROP_POS_MSEC:
            return 0.0 if self.age_s is None else (self.clock.now() - self.age_s) * 1e3
        return known.get(prop, 0)

    def grab(self):
        if self.number >= 0:
            self.waiting.release()
        while not self.pressed.acquire(timeout=0.1):
            if self.released:
                return False
        self.number += 1
        return not self.gone

    def retrieve(self):
        if self.broken:
            raise self.broken
        return True, numbered_frame(self.number)[..., ::-1]

    def release(self):
        self.released += 1


def shutter_camera(clock=None, age_s=None):
    clock = clock or ManualClock(100.0)
    shutter = Shutter(clock, age_s)
    camera = CameraSource(0, clock, capture=lambda _: shutter)
    camera.open()
    assert shutter.waiting.acquire(timeout=10)
    return camera, shutter, clock


def finish(camera, shutter):
    shutter.released += 1
    camera.close()


def test_the_newest_frame_wins_and_the_dropped_ones_are_counted():
    camera, shutter, _ = shutter_camera()
    shutter.press()
    first = camera.read()
    for _ in range(4):
        shutter.press()
    newest = camera.read()
    assert newest.seq - first.seq == 4
    assert read_number(newest.image) - read_number(first.image) == 4
    assert camera.read() is None
    health = camera.health()
    assert (health.frames, health.dropped) == (5, 3)
    finish(camera, shutter)


def test_the_driver_s_stamps_are_used_where_they_are_on_our_clock():
    camera, shutter, clock = shutter_camera(age_s=0.02)
    for _ in range(3):
        clock.sleep_until(clock.now() + 0.033)
        shutter.press()
        assert camera.read().stamp == pytest.approx(clock.now() - 0.02, abs=1e-9)
    assert camera.health().stamp_source == "driver"
    finish(camera, shutter)


@pytest.mark.parametrize("age_s", [None, 1.5, -0.01], ids=["driver says 0", "too old", "from the future"])
def test_other_driver_stamps_are_replaced_by_the_arrival(age_s):
    camera, shutter, clock = shutter_camera(age_s=age_s)
    for _ in range(3):
        clock.sleep_until(clock.now() + 0.033)
        shutter.press()
        assert camera.read().stamp == clock.now()
    assert camera.health().stamp_source == "arrival"
    finish(camera, shutter)


@given(st.lists(st.tuples(st.floats(0, 0.1), st.floats(-2, 3)), min_size=1, max_size=50))
def test_stamps_always_rise_and_never_lie_in_the_future(frames):
    stamps, now, last = DriverStamps(), 1000.0, -np.inf
    for step, age in frames:
        now += step
        stamp = stamps.choose(now - age, now)
        assert last < stamp
        assert now - 1 < stamp < now + 1e-6 or step == 0
        last = stamp


def test_one_bad_driver_stamp_does_not_move_the_offset():
    stamps = DriverStamps()
    times = 500 + np.arange(10) / 30
    chosen = [stamps.choose(0.0 if k == 5 else t - 0.04, t) for k, t in enumerate(times)]
    np.testing.assert_allclose(chosen, times - 0.04, atol=1e-9)
    assert stamps.source == "driver (1 by arrival)"


def test_a_camera_that_falls_silent_is_stalled_and_live_again_with_its_next_frame():
    camera, shutter, clock = shutter_camera()
    assert camera.health().state is StreamState.SEARCHING
    shutter.press()
    assert camera.health().state is StreamState.LIVE
    clock.sleep_until(clock.now() + 1.1)
    assert camera.health().state is StreamState.STALLED
    shutter.press()
    assert camera.health().state is StreamState.LIVE
    finish(camera, shutter)


def test_an_unplugged_camera_is_lost_and_opened_again_when_it_is_back():
    first, second = Shutter(), Shutter()
    left = [first, second]
    camera = CameraSource(0, capture=lambda _: left.pop(0))
    camera.open()
    first.pressed.release()
    before = camera.read(10)
    first.gone = True
    first.pressed.release()
    second.pressed.release()
    after = camera.read(10)
    assert first.released == 1
    assert after.seq == before.seq + 1
    assert after.stamp > before.stamp
    assert camera.health().state is StreamState.LIVE
    finish(camera, second)


def test_a_failure_in_the_grab_thread_is_raised_by_read():
    camera, shutter, _ = shutter_camera()
    shutter.broken = RuntimeError("the decoder fell over")
    shutter.pressed.release()
    with pytest.raises(WorkerFailed, match="the decoder fell over") as failed:
        camera.read(10)
    assert failed.value.__cause__ is shutter.broken
    camera.close()


def test_a_real_capture_of_opencv_serves_as_a_camera(film):
    camera = CameraSource(0, capture=lambda _: cv2.VideoCapture(str(film)))
    camera.open()
    frame = camera.read(10)
    assert read_number(frame.image) is not None
    assert abs(frame.stamp - time.monotonic()) < 5
    assert camera.health().stamp_source == "arrival"
    camera.close()


def test_a_camera_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(VideoError, match=r"camera 97 does not open; cameras on this machine: .*film"):
        open_video("97").open()


# --- cameras of the network ------------------------------------------------------------------------------


def test_a_network_camera_gives_its_frames_at_their_arrival():
    with HttpCamera(fps=30) as server:
        camera = UrlSource(server.url)
        info = camera.open()
        assert (info.width, info.height, info.stamp_source) == (160, 120, "arrival")
        frames = [camera.read(5.0) for _ in range(20)]
        camera.close()
    numbers = [read_number(f.image) for f in frames]
    assert np.diff(numbers).min() >= 1
    delays = [f.stamp - server.shown_at(n) for f, n in zip(frames, numbers, strict=True)]
    assert min(delays) > 0
    assert np.median(delays) < 0.02
    assert camera.health().fps_effective == pytest.approx(30, rel=0.2)


def test_a_network_camera_that_hangs_up_is_connected_again():
    with HttpCamera(fps=60) as server:
        camera = UrlSource(server.url)
        camera.open()
        before = camera.read(5.0)
        server.hang_up()
        number = read_number(before.image)
        after = before
        while read_number(after.image) < number + 24:  # past all that was still on its way
            after = camera.read(5.0)
        assert after.stamp > before.stamp
        assert camera.health().state is StreamState.LIVE
        camera.close()


def test_a_silent_network_camera_is_lost_and_comes_back():
    with HttpCamera(fps=60) as server:
        camera = UrlSource(server.url, timeout_s=0.3)
        camera.open()
        server.silent.set()
        while camera.read(2.0) is not None:
            pass
        lost = camera.health()
        assert lost.state is StreamState.LOST
        assert "no frames any more" in lost.note or "does not open" in lost.note
        server.silent.clear()
        assert camera.read(10.0) is not None
        camera.close()


def test_urls_that_give_no_live_picture_are_told(film):
    with ThreadingHTTPServer(("127.0.0.1", 0), _quiet(film.parent)) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(VideoError, match="does not open"):
            UrlSource(f"{base}/nothing").open()
        with pytest.raises(VideoError, match="a recording, not a camera"):
            UrlSource(f"{base}/{film.name}").open()
        server.shutdown()
    with pytest.raises(VideoError, match=r"does not open.*check the address"):
        UrlSource(base).open()


def _quiet(folder):
    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def log_message(self, *_):
            pass

    return Handler


# --- choice ----------------------------------------------------------------------------------------------


def test_what_the_user_types_decides_the_source(film):
    assert isinstance(open_video("0"), CameraSource)
    assert isinstance(open_video("/dev/video2"), CameraSource)
    assert isinstance(open_video("rtsp://user:word@10.0.0.7/live"), UrlSource)
    assert isinstance(open_video("HTTP://127.0.0.1:1/stream"), UrlSource)
    assert isinstance(open_video(str(film)), FileCamera)
    assert isinstance(open_video("film"), FilmSource)
    for spec in ("0", "http://127.0.0.1:1/", "film", str(film)):
        assert isinstance(open_video(spec, ManualClock()), VideoSource)


@pytest.mark.parametrize("own", [{}, {"QT_QPA_FONTDIR": "/the/user's/own"}])
def test_opencv_leaves_no_trace_in_qt_s_environment(own):
    code = "import os, realtime.video.opencv; print({k: v for k, v in os.environ.items() if 'QT_QPA_' in k})"
    env = {k: v for k, v in os.environ.items() if not k.startswith("QT_QPA")} | own
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(own)
