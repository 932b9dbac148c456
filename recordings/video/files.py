"""Video files of a session: written so that a crash costs half a second, read by number and by time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import PictureType
from av.video.stream import VideoStream
from numpy.typing import NDArray

from realtime.errors import ConfigError, RunError, SessionError, VideoError
from realtime.video.demux import Decoder, open_container, packets
from realtime.video.opencv import cv2
from realtime.video.picture import AsShown
from recordings.held_file import HeldFile

TICKS_PER_S = 1000  # Matroska as FFmpeg writes it knows milliseconds; exact stamps are kept in the XDF
_CLUSTER_MS = 500
_GOP_MOST = 600
_RATE_MOST = 240.0  # what an encoder is told at most
_PIXELS = {"ffv1": "bgr0", "libx264rgb": "rgb24", "mjpeg": "yuvj420p"}  # lossless ones keep RGB
# zerolatency: no frame waits in the encoder for those after it, so that none is lost with a killed process.
_OPTIONS = {
    "libx264": {"preset": "superfast", "crf": "20", "tune": "zerolatency"},
    "libx265": {"preset": "superfast", "crf": "24", "tune": "zerolatency", "x265-params": "log-level=error"},
}
_STEP_OVER = 12  # frames that are sooner decoded and passed over than sought


class VideoWriter:
    """Writes frames with their real, variable times into a Matroska file.

    Every half second what came is a whole cluster on the disk, so a process that is killed leaves a file
    that plays up to there. A keyframe comes about every second. An existing file is never touched.

    Parameters
    ----------
    path : path of the file to be made, usually `.mkv`
    size : (width, height)
        Pixels; a picture of another size is scaled to it.
    rate_hint : float
        About how many frames a second will come; only sets the encoder's budget, never a time.
    codec : str
        An encoder of FFmpeg: `libx264`, `libx265`, `h264_nvenc`, `ffv1` (lossless), `mjpeg`, …
    options : mapping of str to str, optional
        The encoder's options, e.g. `{"crf": "18", "preset": "veryfast"}`; they win over ours.

    Raises
    ------
    SessionError
        The file exists, or its folder does not.
    ConfigError
        There is no such encoder, or it does not take these options.
    """

    def __init__(
        self,
        path: str | Path,
        size: tuple[int, int],
        rate_hint: float = 30.0,
        codec: str = "libx264",
        options: Mapping[str, str] | None = None,
    ):
        self.path = Path(path)
        self.size = size
        self.codec = codec
        self.n_written = 0
        self._last_s = 0.0
        self._last_tick = -1
        self._next_key = 0
        self._closed = False
        encoder = _encoder(codec)
        self.file = _create(self.path)
        try:
            self._container = av.open(
                self.file,
                "w",
                format="matroska",
                container_options={"flush_packets": "1", "cluster_time_limit": str(_CLUSTER_MS)},
            )
            self._stream = self._add_stream(encoder, rate_hint, options or {})
            self._container.start_encoding()
        except (av.error.FFmpegError, ValueError, OSError) as failure:
            self.file.close()
            self.path.unlink()
            raise ConfigError(
                f"{codec} does not start with size {size} and options {dict(options or {})} "
                f"({failure}): see `ffmpeg -h encoder={codec}`"
            ) from failure

    def write(self, image: NDArray[np.uint8], pts_s: float) -> int:
        """Add a frame and return its number in the file.

        Parameters
        ----------
        image : array of shape (height, width, 3), uint8 RGB
        pts_s : float
            When it is shown, seconds since the file began; kept to 1 ms. Later than the frame before; two
            frames within one millisecond are put one millisecond apart.

        Raises
        ------
        ValueError
            The time is negative or earlier than that of the frame before.
        RunError
            The file cannot be written any more, e.g. because the disk is full.
        """
        if pts_s < self._last_s:
            raise ValueError(f"a frame at {pts_s:.4f} s cannot follow one at {self._last_s:.4f} s")
        if image.shape[1::-1] != self.size:
            image = np.asarray(cv2.resize(image, self.size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        frame.pts = max(round(pts_s * TICKS_PER_S), self._last_tick + 1)
        frame.time_base = Fraction(1, TICKS_PER_S)
        if frame.pts >= self._next_key:  # by time: a source's rate is a guess
            frame.pict_type = PictureType.I
            self._next_key = frame.pts + TICKS_PER_S
        self._put(frame)
        self._last_s, self._last_tick = pts_s, frame.pts
        self.n_written += 1
        return self.n_written - 1

    def close(self) -> None:
        """Write what the encoder still holds and end the file. May be called again."""
        if self._closed:
            return
        self._closed = True
        try:
            self._put(None)
        finally:
            try:
                self._container.close()
            except (av.error.FFmpegError, OSError) as failure:
                raise self._failed(failure) from failure
            finally:
                self.file.close()

    def __enter__(self) -> VideoWriter:
        """Return the writer."""
        return self

    def __exit__(self, *_: Any) -> None:
        """End the file."""
        self.close()

    def _add_stream(
        self, encoder: av.codec.Codec, rate_hint: float, options: Mapping[str, str]
    ) -> VideoStream:
        stream = self._container.add_stream(
            self.codec,
            rate=Fraction(min(rate_hint, _RATE_MOST)).limit_denominator(1001),
            options={**_OPTIONS.get(self.codec, {}), **options},
        )
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = self.size
        stream.pix_fmt = _pixel_format(encoder, self.size)
        stream.codec_context.time_base = Fraction(1, TICKS_PER_S)
        stream.codec_context.gop_size = _GOP_MOST  # a keyframe comes with each second of time
        return stream

    def _put(self, frame: av.VideoFrame | None) -> None:
        try:
            self._container.mux(self._stream.encode(frame))
        except (av.error.FFmpegError, OSError) as failure:
            raise self._failed(failure) from failure

    def _failed(self, failure: av.error.FFmpegError | OSError) -> RunError:
        return RunError(
            f"the video {self.path} cannot be written any more ({failure.strerror}): check the "
            f"disk; of its first {self.n_written} frames those that reached it are kept"
        )


def _create(path: Path) -> HeldFile:
    """Make an empty file where there was none, in one step, so that two writers cannot both succeed."""
    try:
        return HeldFile(path)
    except FileExistsError:
        raise SessionError(f"{path} exists and is not written over: choose another name") from None
    except OSError as failure:
        raise SessionError(f"{path} cannot be made ({failure.strerror}): check its folder") from failure


def _encoder(name: str) -> av.codec.Codec:
    try:
        codec = av.codec.Codec(name, "w")
    except av.codec.codec.UnknownCodecError:
        codec = None
    if codec is None or codec.type != "video":
        raise ConfigError(f"this FFmpeg has no video encoder {name!r}: use libx264, libx265, ffv1 or mjpeg")
    return codec


def _pixel_format(codec: av.codec.Codec, size: tuple[int, int]) -> str:
    """Choose the usual format for the codec; colour at half resolution needs even sides."""
    odd = size[0] % 2 or size[1] % 2
    known = [f.name for f in codec.video_formats or ()]
    wanted = _PIXELS.get(codec.name, "yuv444p" if odd else "yuv420p")
    return wanted if wanted in known or not known else known[0]


class VideoReader:
    """Frames of a video file by number and by time.

    The file is read through once to learn the times of its frames, without decoding any. A frame that
    cannot be decoded keeps its number, and a torn end is where the file ends; a stretch that is damaged
    so far that its frames are no longer found shifts the numbers, not the times, of those that follow.
    Reading forward decodes each frame once.

    Parameters
    ----------
    path : path of the file

    Attributes
    ----------
    pts : array of shape (n_frames,), float64
        When each frame is shown, seconds, as the file says it; rising.
    width, height : int
        Of the picture as shown, in pixels.
    n_left_out : int
        Frames that have no number, because the file gives them no time or says itself that they are damaged.

    Raises
    ------
    VideoError
        The file is missing, no video, or not one frame of it can be decoded.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._ticks, self._keys, seconds, self.n_left_out = _scan(self.path)
        self.pts = self._ticks * seconds
        self._last_pts: int | None = None
        self._rewind()
        first = self._frame
        if first is None:
            self._container.close()
            raise VideoError(f"no frame of {path} can be decoded: copy or convert the file again")
        self.height, self.width = self._as_shown(first).shape[:2]
        self.codec = self._stream.codec_context.name

    @property
    def n_frames(self) -> int:
        """Number of frames in the file."""
        return len(self._ticks)

    def __len__(self) -> int:
        """Return the number of frames in the file."""
        return self.n_frames

    def index_at(self, time_s: float) -> int:
        """Return the frame on show at `time_s` (on the scale of `pts`); -1 before the first."""
        return int(np.searchsorted(self.pts, time_s, side="right")) - 1

    def frame(self, index: int) -> NDArray[np.uint8] | None:
        """Frame `index`, (height, width, 3) uint8 RGB; None where the file has none or it is damaged."""
        if not 0 <= index < self.n_frames:
            return None
        key = int(self._keys[np.searchsorted(self._keys, index, side="right") - 1]) if len(self._keys) else 0
        if index < self._at or key > self._at + _STEP_OVER:
            self._seek(key, index)
        while self._at < index:
            self._step()
        return self._as_shown(self._frame) if self._frame is not None and self._at == index else None

    def __iter__(self) -> Iterator[tuple[int, float, NDArray[np.uint8]]]:
        """Yield number, time in seconds and picture (height, width, 3) of every frame that can be decoded."""
        for index in range(self.n_frames):
            image = self.frame(index)
            if image is not None:
                yield index, float(self.pts[index]), image

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def __enter__(self) -> VideoReader:
        """Return the reader."""
        return self

    def __exit__(self, *_: Any) -> None:
        """Close the file."""
        self.close()

    def _step(self) -> None:
        """Decode the next frame; past the last one, stand at the end."""
        self._frame: av.VideoFrame | None = next(self._decoded, None)
        pts = None if self._frame is None else self._frame.pts
        if pts is None:
            self._at = self.n_frames
        elif pts == self._last_pts:  # another frame at the same time: the next number
            self._at = min(self._at + 1, self.n_frames)
        else:
            self._at = int(np.searchsorted(self._ticks, pts))
        self._last_pts = pts

    def _seek(self, key: int, index: int) -> None:
        """Stand at or before frame `index`: at the keyframe before it, or at the start if that fails."""
        self._container.seek(int(self._ticks[max(key, 0)]), stream=self._stream)
        self._begin_to_decode()
        if self._at > index:  # a file whose index is wrong, or whose keyframe is damaged
            self._container.close()
            self._rewind()

    def _rewind(self) -> None:
        self._container, self._stream = open_container(self.path)
        self._as_shown = AsShown(self._stream, self.path)
        self._begin_to_decode()

    def _begin_to_decode(self) -> None:
        self._decoded = iter(Decoder(self._container, self._stream))
        self._last_pts = None
        self._step()


def _scan(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64], float, int]:
    """Find times of all frames in ticks, numbers of the keyframes, seconds in a tick, and how many are out.

    Nothing is decoded. Packets that the file itself hides (before an edit's beginning) are no frames of it.
    """
    container, stream = open_container(path)
    with container:
        shown = [
            (None if p.is_corrupt else p.pts, not p.is_keyframe)
            for p in packets(container, stream)
            if p.size and not p.is_discard
        ]
        found = sorted((pts, later) for pts, later in shown if pts is not None)
        seconds = float(stream.time_base or Fraction(1, TICKS_PER_S))
    ticks = np.array([pts for pts, _ in found], dtype=np.int64)
    once = np.ones(len(ticks), bool)  # no seek leads surely to one of several frames at one time
    once[1:] &= np.diff(ticks) > 0
    once[:-1] &= np.diff(ticks) > 0
    keys = np.flatnonzero(once & np.array([not later for _, later in found], bool))
    return ticks, keys, seconds, len(shown) - len(found)
