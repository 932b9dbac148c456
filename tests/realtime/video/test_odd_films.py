"""Films and cameras with one oddity each: every picture is the right one, at its time, or is counted."""

from __future__ import annotations

import os
import shutil
import struct
import threading
import time
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import pytest

from realtime.errors import VideoError
from realtime.time.clock import ManualClock
from realtime.types import StreamState
from realtime.video.camera import open_video
from realtime.video.opencv import cv2
from recordings.video.files import VideoReader, VideoWriter
from tests.support.pictures.numbered import numbered_frame, read_number

SIZE = 160, 120


def write_film(
    path: Path, draw=numbered_frame, size=SIZE, rate=25, codec="libx264", n=25, setup=None
) -> Path:
    """Frames at 25 a second, whatever `rate` the header is given."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        if setup:
            setup(stream)
        for k in range(n):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(draw(k)), format="rgb24")
            frame.pts, frame.time_base = 40 * k, Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def by_reader(path: Path) -> list[int]:
    with VideoReader(path) as reader:
        return [read_number(image) for _, _, image in reader]


def by_camera(spec: object, most: int = 1500) -> tuple[list[int], object, object]:
    """Numbers of the frames that `--video` shows, what it says of itself, and its health at the end."""
    clock = ManualClock(100.0)
    source = open_video(str(spec), clock, loop=False)
    info, seen = source.open(), []
    for _ in range(most):
        if (frame := source.read()) is not None:
            seen.append(read_number(frame.image))
        if source.finished:
            break
        clock.sleep_until(clock.now() + 0.004)
    health = source.health()
    source.close()
    return seen, info, health


# --- what the container says of the picture --------------------------------------------------------------

MATRICES = {  # display matrix, and what was done to the stored picture
    "mirrored left to right": ((-1, 0, 0, 1), lambda x: x[:, ::-1]),
    "upside down": ((1, 0, 0, -1), lambda x: x[::-1]),
    "turned by half": ((-1, 0, 0, -1), lambda x: x[::-1, ::-1]),
    "turned left": ((0, 1, -1, 0), lambda x: np.rot90(x)),
    "turned right": ((0, -1, 1, 0), lambda x: np.rot90(x, -1)),
    "transposed": ((0, 1, 1, 0), lambda x: x.transpose(1, 0, 2)),
    "transposed the other way": ((0, -1, -1, 0), lambda x: np.rot90(x, 2).transpose(1, 0, 2)),
}


@pytest.mark.parametrize("way", MATRICES)
def test_the_whole_display_matrix_is_applied(tmp_path, way):
    (a, b, c, d), stored = MATRICES[way]
    size = SIZE[::-1] if a == 0 else SIZE
    path = write_film(tmp_path / "m.mp4", lambda k: stored(numbered_frame(k)), size)
    data = bytearray(path.read_bytes())
    at = data.find(b"tkhd") + 8
    at += (32 if data[at - 4] else 20) + 16
    fixed = [round(v * 65536) for v in (a, b, 0, c, d, 0)]
    data[at : at + 24] = struct.pack(">6i", *fixed)
    path.write_bytes(data)
    assert by_reader(path) == list(range(25))
    assert by_camera(path)[0] == list(range(25))
    with VideoReader(path) as reader:
        assert (reader.width, reader.height) == SIZE


@pytest.mark.parametrize(("aspect", "shown"), [(Fraction(64, 45), (228, 120)), (Fraction(1, 2), (160, 240))])
def test_pixels_that_are_not_square_are_shown_as_square_ones(tmp_path, aspect, shown):
    def setup(stream):
        stream.codec_context.sample_aspect_ratio = aspect

    path = write_film(tmp_path / "sar.mkv", setup=setup)
    with VideoReader(path) as reader:
        assert (reader.width, reader.height) == shown
    seen, info, _ = by_camera(path)
    assert (info.width, info.height) == shown
    assert len(seen) == 25


def test_hd_video_without_a_tag_is_read_as_bt_709(tmp_path):
    colour = np.array([200, 40, 30], np.uint8)
    plain = np.broadcast_to(colour, (720, 1280, 3))
    path = tmp_path / "hd.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"qp": "4"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(plain), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
        frame.colorspace, frame.pts = 2, 0  # not told
        out.mux([*stream.encode(frame), *stream.encode(None)])
    with VideoReader(path) as reader:
        np.testing.assert_allclose(reader.frame(0)[300, 300], colour, atol=3)


def test_a_rate_in_the_header_is_not_believed(tmp_path):
    path = write_film(tmp_path / "fast.mkv", rate=1000)
    assert by_camera(path)[1].fps_nominal == pytest.approx(25)


@pytest.mark.parametrize("hint", [1.0, 25.0, 1000.0])
def test_a_key_frame_comes_every_second_whatever_the_source_says_of_its_rate(tmp_path, hint):
    with VideoWriter(tmp_path / "w.mkv", SIZE, rate_hint=hint) as writer:
        for k in range(100):
            writer.write(numbered_frame(k), k / 25)
    with av.open(str(tmp_path / "w.mkv")) as opened:
        packets = [p for p in opened.demux(video=0) if p.pts is not None and p.is_keyframe]
    keys = [float(p.pts * p.time_base) for p in packets]
    assert set(keys) >= {0.0, 1.0, 2.0, 3.0}
    assert len(keys) < 8  # a change of scene may have one too


def test_frames_with_a_repeated_time_keep_their_numbers_or_are_counted(tmp_path):
    source, path, last = write_film(tmp_path / "plain.mkv", codec="mjpeg"), tmp_path / "repeated.mkv", None
    with av.open(str(source)) as opened, av.open(str(path), "w") as out:
        target = out.add_stream_from_template(opened.streams.video[0])
        for k, packet in enumerate(p for p in opened.demux(video=0) if p.dts is not None):
            if k % 5 == 4:
                packet.pts = packet.dts = last
            last, packet.stream = packet.pts, target
            out.mux(packet)
    assert by_reader(path) == list(range(25))
    with VideoReader(path) as reader:
        assert [read_number(reader.frame(k)) for k in (24, 9, 8, 14, 3)] == [24, 9, 8, 14, 3]
    seen, _, health = by_camera(path)
    assert len(seen) + health.dropped == 25


# --- names --------------------------------------------------------------------------------------------------

NAMES = [
    "film%03d.mp4", "http:film.mp4", "concat:film.mp4", "data:video.mp4", "pipe:0.mp4", "rtsp:cam.mp4",
    "a%20b.mp4", "x[1].mp4", "o'clock?.mp4", "run 1 #2 50%.mp4", "film.jpg", "film.txt", "0.mp4", "film",
    "screen", os.fsdecode(b"caf\xe9.mp4"),
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_an_existing_path_is_a_file_whatever_its_name(tmp_path, monkeypatch, name):
    base = write_film(tmp_path / "base.mp4")
    shutil.copy(base, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert by_reader(Path(name)) == list(range(25))
    assert by_camera(name)[0] == list(range(25))


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _unfinished(path: Path) -> None:
    data = write_film(path.with_name("whole.mp4")).read_bytes()
    path.write_bytes(data[: data.find(b"moov") - 4])


REFUSED = {
    "a named pipe": ("p.mp4", _pipe, "is a pipe or a device"),
    "an unfinished MP4": ("u.mp4", _unfinished, "is an unfinished MP4"),
    "numbered pictures": ("img%04d.png", lambda path: None, "numbered pictures, which state no rate"),
}


@pytest.mark.parametrize("odd", REFUSED)
def test_what_is_no_film_is_named_at_once(tmp_path, odd):
    name, make, words = REFUSED[odd]
    make(tmp_path / name)
    with pytest.raises(VideoError, match=words):
        open_video(str(tmp_path / name)).open()


def test_a_scheme_in_capitals_is_the_same_scheme():
    for url in ("RTSP://127.0.0.1:9/x", "Http://127.0.0.1:9/x"):
        with pytest.raises(VideoError, match="Connection refused"):
            open_video(url).open()


# --- cameras over HTTP ------------------------------------------------------------------------------------


class _OddCamera(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        kind = self.path.strip("/")
        if kind == "silent":
            time.sleep(3)
            return
        self.send_response(200)
        single = kind == "snapshot"
        self.send_header(
            "Content-Type", "image/jpeg" if single else "multipart/x-mixed-replace; boundary=frame"
        )
        self.end_headers()
        try:
            for k in range(1 if single else 10_000):
                self._send(kind, k)
                time.sleep(0.02)
        except OSError:
            pass

    def _send(self, kind: str, k: int) -> None:
        data = cv2.imencode(".jpg", numbered_frame(k % 200))[1].tobytes()
        if kind == "snapshot":
            self.wfile.write(data)
            return
        if k % 5 == 3 and kind == "half":
            data = data[: len(data) // 2]
        if k % 5 == 3 and kind == "garbage":
            data = bytes(range(1, 251))
        if k % 5 == 3 and kind == "text":
            self.wfile.write(b"some words of a debug print\r\n")
        length = b"" if kind == "no-length" else b"Content-Length: %d\r\n" % len(data)
        self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n" + length + b"\r\n" + data + b"\r\n")


@pytest.fixture(scope="module")
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _OddCamera)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.parametrize(
    ("kind", "damaged"),
    [("plain", False), ("text", False), ("no-length", False), ("half", True), ("garbage", True)],
)
def test_only_whole_pictures_of_a_camera_are_shown_and_the_others_are_counted(address, kind, damaged):
    source = open_video(f"{address}/{kind}")
    source.open()
    seen, states, end = [], set(), time.monotonic() + 15
    while len(seen) < 25 and time.monotonic() < end:
        if (frame := source.read(0.5)) is not None:
            seen.append(read_number(frame.image))
            states.add(source.health().state)
    health = source.health()
    source.close()
    assert len(seen) == 25
    assert (np.diff(seen) > 0).all()
    if damaged:
        assert not [k for k in seen if k % 5 == 3]
        assert health.dropped >= 4
    assert states == {StreamState.LIVE}


def test_an_address_that_gives_one_picture_is_named_as_a_snapshot(address):
    with pytest.raises(VideoError, match="gives one picture and ends: a snapshot"):
        open_video(f"{address}/snapshot").open()


def test_a_server_that_says_nothing_is_told_for_what_it_is(address):
    from realtime.video.camera import UrlSource

    with pytest.raises(VideoError, match="takes the connection and sends nothing"):
        UrlSource(f"{address}/silent", timeout_s=0.3).open()
