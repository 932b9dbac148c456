"""Files played as cameras: every frame proves by its number that it is the right one at its time."""

from __future__ import annotations

import gc
import time
from itertools import islice

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.errors import VideoError, WorkerFailed
from realtime.time.clock import LslClock, ManualClock
from realtime.types import StreamState
from realtime.video.camera import open_video
from realtime.video.demux import Decoder, open_container
from realtime.video.file import FileCamera
from tests.support.pictures.numbered import read_number
from tests.support.pictures.uneven import UNEVEN_MS, write_film


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return write_film(tmp_path_factory.mktemp("film") / "uneven.mkv")


def opened(source):
    source.open()
    return source


def exhaust(source, most=100):
    """Read until nothing more comes, at most `most` times."""
    return [frame for _ in range(most) if (frame := source.read(1.0)) is not None]


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


def test_a_looped_film_leaves_no_frame_to_the_collection_of_garbage(film):
    """A frame whose side data was asked for is part of a cycle: megabytes that wait, in every round."""
    clock = ManualClock(0.0)
    camera = opened(FileCamera(film, clock=clock))
    gc.collect()
    before = sum(isinstance(thing, av.VideoFrame) for thing in gc.get_objects())
    gc.disable()
    try:
        for tick in range(12 * 60):  # twelve rounds of a film of a second
            clock.set(tick / 60)
            camera.read()
        left = sum(isinstance(thing, av.VideoFrame) for thing in gc.get_objects())
    finally:
        gc.enable()
        camera.close()
    assert left < before + 6
