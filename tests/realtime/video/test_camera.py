"""Cameras, files and URLs: every frame proves by its number that it is the right one at its time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from fractions import Fraction
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.errors import VideoError, WorkerFailed
from realtime.sources import VideoSource
from realtime.time.clock import LslClock, ManualClock
from realtime.types import StreamState
from realtime.video.camera import CameraSource, DriverStamps, UrlSource, open_video
from realtime.video.demux import Decoder, open_container
from realtime.video.file import FileCamera
from realtime.video.opencv import cv2
from realtime.virtual.film.source import FilmSource
from tests.support.pictures.http_camera import HttpCamera
from tests.support.pictures.numbered import numbered_frame, read_number

UNEVEN_MS = np.cumsum([0, 33, 34, 16, 120, 8, 300, 33, 41, 33, 250, 17, 33, 90, 33])


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A Matroska file whose frame k carries the number k and stands at UNEVEN_MS[k]."""
    return write_film(tmp_path_factory.mktemp("film") / "uneven.mkv", UNEVEN_MS)


def write_film(path, stamps_ms, rotation=0):
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=1000, options={"preset": "veryfast", "crf": "23"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        for number, stamp in enumerate(stamps_ms):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number), format="rgb24")
            frame.pts = int(stamp)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def opened(source):
    source.open()
    return source


def exhaust(source, most=100):
    """Read until nothing more comes, at most `most` times."""
    return [frame for _ in range(most) if (frame := source.read(1.0)) is not None]


# --- files -----------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(steps_ms=st.lists(st.integers(1, 400), min_size=1, max_size=20))
def test_a_file_shows_the_frame_that_is_due_whenever_it_is_read(film, steps_ms):
    clock = ManualClock(1000.0)
    camera = opened(FileCamera(film, loop=False, clock=clock))
    seen, on_show = 0, -1
    for step in [0, *steps_ms]:
        clock.sleep_until(clock.now() + step / 1e3)
        frame = camera.read()
        due = int(np.searchsorted(UNEVEN_MS / 1e3 + 1000.0, clock.now(), side="right")) - 1
        if due == on_show:
            assert frame is None
            continue
        assert (frame.seq, read_number(frame.image)) == (due, due)
        assert frame.stamp == pytest.approx(1000.0 + UNEVEN_MS[due] / 1e3, abs=1e-9)
        seen, on_show = seen + 1, due
    health = camera.health()
    assert (health.frames, health.dropped) == (on_show + 1, on_show + 1 - seen)
    assert camera.finished == (clock.now() >= 1000.0 + UNEVEN_MS[-1] / 1e3)
    camera.close()


def test_waiting_for_a_frame_ends_exactly_when_it_is_due(film):
    clock = ManualClock(50.0)
    camera = opened(FileCamera(film, clock=clock))
    for number, stamp in enumerate(UNEVEN_MS):
        frame = camera.read(timeout_s=1.0)
        assert read_number(frame.image) == number
        assert clock.now() == pytest.approx(50.0 + stamp / 1e3, abs=1e-9)
    camera.close()


def test_waiting_shorter_than_the_next_frame_gives_none(film):
    clock = ManualClock(0.0)
    camera = opened(FileCamera(film, clock=clock))
    assert camera.read(1.0).seq == 0
    assert camera.read(0.010) is None
    assert clock.now() == pytest.approx(0.010)
    camera.close()


def test_a_looped_file_goes_on_in_time_and_number(film):
    clock = ManualClock(7.0)
    camera = opened(FileCamera(film, clock=clock))
    n = len(UNEVEN_MS)
    frames = [camera.read(1.0) for _ in range(3 * n)]
    assert [f.seq for f in frames] == list(range(3 * n))
    assert [read_number(f.image) for f in frames] == list(range(n)) * 3
    steps = np.diff([f.stamp for f in frames])
    assert np.all(steps > 0)
    np.testing.assert_allclose(steps[n : 2 * n - 1], np.diff(UNEVEN_MS) / 1e3, atol=1e-9)
    assert not camera.finished
    camera.close()


def test_a_file_that_is_not_looped_ends(film):
    camera = opened(FileCamera(film, loop=False, clock=ManualClock()))
    assert [frame.seq for frame in exhaust(camera)] == list(range(len(UNEVEN_MS)))
    assert camera.finished
    assert camera.health().state is StreamState.FINISHED
    camera.close()


def test_a_film_the_machine_cannot_decode_in_time_is_shown_late_and_says_so(film):
    class Hurried(LslClock):
        def now(self) -> float:
            return super().now() * 5000

        def sleep_until(self, deadline: float) -> None:
            pass

    camera = opened(FileCamera(film, clock=Hurried()))
    frames = exhaust(camera, 40)
    stamps = np.array([f.stamp for f in frames])
    assert np.all(np.diff(stamps) > 0)
    assert all(read_number(f.image) == f.seq % len(UNEVEN_MS) for f in frames)
    assert "late" in camera.health().note
    camera.close()


def test_a_file_plays_in_real_time_on_the_real_clock(film):
    camera = opened(FileCamera(film, loop=False))
    arrivals = []
    while not camera.finished:
        if (frame := camera.read(0.5)) is not None:
            arrivals.append(time.monotonic() - frame.stamp)
    assert min(arrivals) >= 0
    assert np.median(arrivals) < 0.05
    camera.close()


def test_a_torn_file_plays_up_to_the_tear(film, tmp_path):
    torn = tmp_path / "torn.mkv"
    torn.write_bytes(film.read_bytes()[: film.stat().st_size * 2 // 3])
    camera = opened(FileCamera(torn, loop=False, clock=ManualClock()))
    frames = exhaust(camera)
    assert 1 < len(frames) < len(UNEVEN_MS)
    numbers = [read_number(f.image) for f in frames]
    assert [round(f.stamp * 1e3) for f in frames] == [UNEVEN_MS[n] for n in numbers]
    assert camera.finished
    camera.close()


def test_a_film_that_vanishes_while_it_plays_is_an_error_of_the_reader(film, tmp_path):
    copy = tmp_path / "copy.mkv"
    copy.write_bytes(film.read_bytes())
    camera = opened(FileCamera(copy, clock=ManualClock()))
    copy.unlink()
    with pytest.raises(WorkerFailed, match="no video file") as failed:
        exhaust(camera)
    assert isinstance(failed.value.__cause__, VideoError)
    camera.close()


@pytest.mark.parametrize("failure", [FileNotFoundError(2, "gone"), PermissionError(13, "Permission denied")])
def test_a_film_that_cannot_be_opened_where_it_was_seen_is_told_in_a_line(film, monkeypatch, failure):
    def refuse(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr("builtins.open", refuse)  # between the look at it and the first read
    monkeypatch.setattr("av.open", refuse)
    with pytest.raises(VideoError, match="cannot be read as a video"):
        open_container(film)


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_a_picture_that_lies_on_its_side_is_turned_upright(tmp_path, rotation):
    path = write_film(tmp_path / "phone.mp4", [0, 40], rotation)
    camera = FileCamera(path, clock=ManualClock())
    info = camera.open()
    upright = camera.read(1.0).image
    assert upright.shape == (info.height, info.width, 3)
    assert read_number(np.ascontiguousarray(np.rot90(upright, -rotation // 90))) == 0
    camera.close()


def test_what_is_no_video_is_told_with_what_to_do(tmp_path, film):
    empty = tmp_path / "empty.mp4"
    empty.touch()
    text = tmp_path / "notes.txt"
    text.write_text("no pictures here " * 100)
    noise = tmp_path / "noise.mp4"
    noise.write_bytes(np.random.default_rng(0).bytes(5000))
    sound = tmp_path / "sound.mkv"
    with av.open(str(sound), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        silence.sample_rate = 8000
        out.mux(stream.encode(silence))
    timeless = tmp_path / "raw.h264"
    write_film(timeless, UNEVEN_MS)
    reordered = tmp_path / "reordered.avi"
    write_film(reordered, UNEVEN_MS)
    for path, message in [
        (tmp_path / "flim.mkv", r"no video file.*check the path.*empty\.mp4"),
        (tmp_path / "nowhere" / "film.mkv", "does not exist either"),
        (tmp_path, "is a folder.*notes.txt"),
        (empty, "is empty"),
        (text, "plain text"),
        (noise, "cannot be read as a video.*convert"),
        (timeless, r"does not say when.*h264.*convert"),
        (reordered, r"does not say when.*avi.*convert"),
        (sound, "no moving picture, only audio"),
    ]:
        with pytest.raises(VideoError, match=message) as refused:
            open_video(str(path)).open()
        assert refused.value.exit_code == 2
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("nasa_13013.mp4", (480, 270)),
        ("var_fps_video.mp4", (128, 128)),
        ("h265_video.mp4", (128, 128)),
        ("av1_video.mkv", (640, 360)),
        ("bigbuckbunny.mp4", (1280, 720)),
    ],
)
def test_files_of_others_play_at_their_own_stamps(shared_data, name, size):
    path = shared_data / "video" / name
    container, stream = open_container(path)
    with container:
        stamps = [frame.time for frame in islice(Decoder(container, stream), 60)]
    clock = ManualClock(0.0)
    camera = FileCamera(path, loop=False, clock=clock)
    info = camera.open()
    assert (info.width, info.height) == size
    frames = [camera.read(2.0) for _ in stamps]
    np.testing.assert_allclose([f.stamp for f in frames], np.subtract(stamps, stamps[0]), atol=1e-9)
    assert frames[0].image.shape == (size[1], size[0], 3)
    camera.close()


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
