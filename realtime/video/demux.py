"""Video files taken apart: opened with clear errors, read and decoded past damage."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.format import Flags
from av.stream import Disposition, Stream
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from realtime.errors import VideoError


def open_container(path: str | Path) -> tuple[InputContainer, VideoStream]:
    """Open a video file and choose its picture stream: the one FFmpeg itself thinks best.

    Raises
    ------
    VideoError
        There is no such file, it is empty, no video, has no moving picture, or does not keep the time of
        its frames.
    """
    path = Path(path)
    try:
        container = av.open(str(path))
    except (av.error.FFmpegError, OSError) as failure:
        raise VideoError(_diagnosis(path, str(failure.strerror))) from failure
    stream = container.streams.best("video")
    fault = _fault(container, stream)
    if fault or not isinstance(stream, VideoStream):
        container.close()
        raise VideoError(f"{path} {fault}")
    return container, stream


def packets(container: InputContainer, stream: VideoStream) -> Iterator[av.Packet[VideoStream]]:
    """Every whole packet of a stream, up to the end or to where a crash tore the file off."""
    demuxed = container.demux(stream)
    while True:
        try:
            yield next(demuxed)
        except (StopIteration, av.error.FFmpegError):
            return


def decode(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    """All frames that can be decoded, from where the container stands, by rising time.

    Damaged frames are passed over; so are frames that carry no time of their own, because time is never
    made up from a frame rate.
    """
    last = None
    for packet in packets(container, stream):
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            continue
        for frame in frames:
            if not frame.is_corrupt and frame.pts is not None and (last is None or frame.pts > last):
                last = frame.pts
                yield frame


# Its tables are made once for a size of picture, and it works in the thread that calls it. One made anew for
# each frame, with threads of its own, took three times as long (docs/performance.md).
_of_this_thread = threading.local()


def to_rgb(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """Return the picture as shown, (height, width, 3) uint8 RGB, turned upright if the file asks for it."""
    scaler = getattr(_of_this_thread, "scaler", None)
    if scaler is None:
        scaler = _of_this_thread.scaler = VideoReformatter()
    image = np.asarray(scaler.reformat(frame, format="rgb24", threads=1).to_ndarray(), dtype=np.uint8)
    turns = round(frame.rotation / 90) % 4  # a telephone held upright writes pictures that lie on a side
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def _fault(container: InputContainer, stream: Stream | None) -> str:
    """Return what makes a file that opened useless as a film; empty where nothing does."""
    name = container.format.name
    # An attached picture is the cover of an album, not a film.
    if not isinstance(stream, VideoStream) or stream.disposition & Disposition.attached_pic:
        kinds = ", ".join(sorted({s.type for s in container.streams})) or "no stream"
        return f"holds no moving picture, only {kinds}: name a file with a video stream"
    if name == "tty":  # FFmpeg shows plain text as a terminal's screen
        return "is plain text, not a video: name another file"
    timeless = Flags.no_timestamps in Flags(container.format.flags)
    reordered_in_avi = name == "avi" and stream.codec_context.has_b_frames  # AVI cannot date those
    if timeless or reordered_in_avi:
        return (
            f"does not say when its frames are shown ({stream.codec_context.name} in {name}): "
            "convert it with `ffmpeg -i FILE film.mkv`"
        )
    return ""


def _diagnosis(path: Path, failure: str) -> str:
    """Why a file did not open, as far as one can see from outside."""
    if not path.exists():
        return f"there is no video file {path}: check the path ({_neighbours(path)})"
    if path.is_dir():
        return f"{path} is a folder: name a video file in it ({_neighbours(path / 'any')})"
    if path.stat().st_size == 0:
        return f"the video file {path} is empty: record or copy it again"
    return (
        f"{path} cannot be read as a video ({failure}): try another file, or convert it with "
        "`ffmpeg -i FILE film.mkv`"
    )


def _neighbours(path: Path) -> str:
    """Return what else lies in the folder, to find a misspelt name by."""
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist either"
    names = sorted(p.name for p in path.parent.iterdir() if p.is_file()) or ["no file"]
    return "its folder holds " + ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
