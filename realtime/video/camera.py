"""Cameras of this machine and of the network, and the choice of a video source by what the user typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from realtime.errors import VideoError
from realtime.sources import VideoSource
from realtime.time.clock import Clock, LslClock
from realtime.types import VideoInfo
from realtime.video.file import FileCamera
from realtime.video.listing import camera_backend, list_cameras
from realtime.video.live import LiveVideo
from realtime.video.mjpeg import MjpegStream, open_multipart
from realtime.video.opencv import cv2
from realtime.video.picture import AsShown


def open_video(spec: str, clock: Clock | None = None, loop: bool = True) -> VideoSource:
    """Return the video source a user means by `spec`, not yet opened.

    Parameters
    ----------
    spec : str
        A camera's number or device (`0`, `/dev/video0`), a URL (`rtsp://…`, `http://…`), `screen` or
        `screen:2` for what is on a screen, `film` for the virtual film that needs no file, `objects` or
        `objects:9` for the film of so many objects (`phosphene subject --attend` attends one of them), or
        else the path of a video file.
    clock : Clock
    loop : bool
        Whether a file begins again at its end.
    """
    if Path(spec).is_file():  # whatever it is called
        return FileCamera(spec, loop, clock)
    if spec == "film":
        from realtime.virtual.film.film import Film
        from realtime.virtual.film.source import FilmSource

        return FilmSource(Film(), clock or LslClock())
    if number := re.fullmatch(r"objects(?::(\d+))?", spec):
        from realtime.virtual.film.objects import ObjectsFilm
        from realtime.virtual.film.source import FilmSource

        return FilmSource(ObjectsFilm(n_objects=int(number[1] or 4)), clock or LslClock())
    if number := re.fullmatch(r"screen(?::(\d+))?", spec):
        from realtime.video.screen import ScreenSource

        return ScreenSource(int(number[1] or 1), clock)
    if number := re.fullmatch(r"(?:/dev/video)?(\d+)", spec):
        return CameraSource(int(number[1]), clock)
    if re.match(r"[a-z][a-z0-9+.-]*://", spec, re.IGNORECASE):
        return UrlSource(spec, clock)
    return FileCamera(spec, loop, clock)


class DriverStamps:
    """The time of each frame: the driver's own stamp where it can be trusted, else the moment of its arrival.

    V4L2 stamps a buffer on CLOCK_MONOTONIC (for USB cameras at the start of the exposure), and OpenCV
    hands that on as CAP_PROP_POS_MSEC. Some drivers give 0, another clock or the position in a film: a stamp
    counts only if it is less than a second old and later than the one before. Where a single one fails
    between good ones, its arrival less the last good one's age stands in, so that the offset stays.
    """

    def __init__(self) -> None:
        self.accepted = 0
        self.refused = 0
        self._last = -np.inf
        self._age = 0.0

    def choose(self, driver: float, now: float) -> float:
        """Return the stamp of a frame that arrived at `now` and is dated `driver` by its driver; rising."""
        if 0 < now - driver < 1 and driver > self._last:
            self.accepted += 1
            self._age = now - driver
            self._last = driver
        else:
            self.refused += 1
            self._last = max(now - self._age, float(np.nextafter(self._last, np.inf)))
        return self._last

    @property
    def source(self) -> str:
        """`driver` or `arrival`, and how many frames fell out of the rule."""
        if not self.accepted:
            return "arrival"
        return f"driver ({self.refused} by arrival)" if self.refused else "driver"


class _CaptureDevice:
    """A camera behind OpenCV."""

    damaged = 0

    def __init__(self, index: int, size: tuple[int, int] | None, clock: Clock, capture: Callable[[int], Any]):
        self._index = index
        self._size = size
        self._clock = clock
        self._new_capture = capture
        self._capture: Any = None
        self._stamps = DriverStamps()

    def open(self) -> VideoInfo:
        cameras = {camera.index: camera.name for camera in list_cameras()}
        self._capture = self._new_capture(self._index)
        if not self._capture.isOpened():
            there = ", ".join(f"{n} ({name})" for n, name in cameras.items()) or "none"
            raise VideoError(
                f"camera {self._index} does not open; cameras on this machine: {there}. "
                "Close other programs that use it, name another number, a file or `film`"
            )
        if self._size is not None:
            # Uncompressed pictures of this size seldom fit through USB at full rate.
            self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._size[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size[1])
        self.grab()  # proves that frames come, and shows whether the driver's stamps serve
        return VideoInfo(
            name=cameras.get(self._index, f"camera {self._index}"),
            width=int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            height=int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            fps_nominal=float(self._capture.get(cv2.CAP_PROP_FPS)),
            stamp_source=self.stamp_source,
        )

    def grab(self) -> tuple[NDArray[np.uint8], float]:
        if not self._capture.grab():
            raise VideoError(f"camera {self._index} gives no frames: check its cable and what else uses it")
        # Before retrieve(), which decodes the picture and takes milliseconds.
        stamp = self._stamps.choose(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3, self._clock.now())
        got, image = self._capture.retrieve()
        if not got:
            raise VideoError(f"camera {self._index} gave a frame that cannot be decoded: check its cable")
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8), stamp

    @property
    def stamp_source(self) -> str:
        return self._stamps.source

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()


def _system_capture(index: int) -> Any:
    return cv2.VideoCapture(index, camera_backend())


class CameraSource(LiveVideo):
    """A camera of this machine.

    Parameters
    ----------
    index : int
        As in /dev/video0; `realtime.video.listing` knows the names.
    clock : Clock
    size : (width, height), optional
        Asked of the camera, which may give another; what came stands in the health.
    capture : callable, optional
        Opens camera `index` and returns something with the interface of cv2.VideoCapture.
    """

    def __init__(
        self,
        index: int,
        clock: Clock | None = None,
        size: tuple[int, int] | None = None,
        capture: Callable[[int], Any] = _system_capture,
    ):
        clock = clock or LslClock()
        super().__init__(_CaptureDevice(index, size, clock, capture), clock)


class _UrlDevice:
    """A network camera: MJPEG over HTTP picture by picture, everything else behind FFmpeg."""

    stamp_source = "arrival"

    def __init__(self, url: str, clock: Clock, timeout_s: float):
        scheme, _, rest = url.partition("://")
        self._url = f"{scheme.lower()}://{rest}"
        self._clock = clock
        self._timeout_s = timeout_s
        self._pictures: MjpegStream | None = None
        self._container: InputContainer | None = None
        self._packets: Any = None
        self._as_shown: Any = None
        self._damaged_before = 0

    @property
    def damaged(self) -> int:
        """Pictures that came and were not whole."""
        return self._damaged_before + (self._pictures.damaged if self._pictures is not None else 0)

    def open(self) -> VideoInfo:
        if self._url.startswith(("http://", "https://")):
            self._pictures = open_multipart(self._url, self._timeout_s)
        if self._pictures is not None:
            height, width = self._pictures.read().shape[:2]
            return VideoInfo(self._url, width, height, 0.0, self.stamp_source)
        # FFmpeg would look at up to 5 s of a stream before it gives the first frame.
        options = {"rtsp_transport": "tcp", "fflags": "nobuffer", "analyzeduration": "500000"}
        if not self._url.startswith("rtsp"):
            del options["rtsp_transport"]
        try:
            self._container = av.open(self._url, options=options, timeout=(self._timeout_s, self._timeout_s))
        except (av.error.FFmpegError, OSError) as failure:
            raise VideoError(
                f"{self._url} does not open ({failure.strerror}): check the address, the "
                "camera's power and network, and whether it wants user:password@ in the URL"
            ) from failure
        stream = next(iter(self._container.streams.video), None)
        if stream is None or self._container.duration is not None:
            raise VideoError(
                f"{self._url} "
                + (
                    "is a recording, not a camera: download it and name the file"
                    if stream
                    else "sends no pictures: check the path in the address"
                )
            )
        self._packets, self._as_shown = self._container.demux(stream), AsShown(stream)
        # No nominal rate: what FFmpeg reports of a live stream is often its own default of 25.
        return VideoInfo(self._url, stream.width, stream.height, 0.0, self.stamp_source)

    def grab(self) -> tuple[NDArray[np.uint8], float]:
        if self._pictures is not None:
            image = self._pictures.read()
            return image, self._clock.now()
        while True:
            try:
                packet = next(self._packets)
            except (StopIteration, av.error.FFmpegError, OSError) as failure:
                reason = str(failure) or "the stream ended"
                raise VideoError(
                    f"{self._url} gives no frames any more ({reason}): it is tried again until it answers"
                ) from failure
            # The packet that releases a frame, not the one that holds it: a stream may send frames ahead of
            # those they follow, and then only the former arrive in the order of the frames.
            now = self._clock.now()
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                self._damaged_before += 1
                continue  # one damaged picture does not end a stream
            if frames:
                return self._as_shown(frames[-1]), now

    def close(self) -> None:
        self._damaged_before = self.damaged
        if self._pictures is not None:
            self._pictures.close()
            self._pictures = None
        if self._container is not None:
            self._container.close()
            self._container = None


class UrlSource(LiveVideo):
    """A camera of the network: RTSP, MJPEG over HTTP, or anything live that FFmpeg reads by its address.

    Frames carry the time of their arrival here. A lost connection is taken up again.

    Parameters
    ----------
    url : str
    clock : Clock
    timeout_s : float
        How long a silent connection counts as alive.
    """

    def __init__(self, url: str, clock: Clock | None = None, timeout_s: float = 3.0):
        clock = clock or LslClock()
        super().__init__(_UrlDevice(url, clock, timeout_s), clock)
