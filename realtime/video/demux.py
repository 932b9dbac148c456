"""Video files taken apart: opened with clear errors, read and decoded past damage."""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer
from av.format import Flags
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from realtime.errors import VideoError
from realtime.video.containers.parts import Atom, boxes, kind

_LOOKED_AT = 100  # frames that tell the usual rate
_NUMBERED = re.compile(r"%0?\d*d")


def open_container(path: str | Path) -> tuple[InputContainer, VideoStream]:
    """Open a video file and choose its picture stream: the one FFmpeg itself thinks best.

    Raises
    ------
    VideoError
        There is no such file, it is empty, no video, has no moving picture, or does not keep the time of
        its frames.
    """
    path = Path(path)
    if not path.is_file() or _animated_webp(path):
        raise VideoError(_diagnosis(path, "not a file"))
    try:
        container = av.open(_named(path), "r", options={"pattern_type": "none"})
    except (av.error.FFmpegError, OSError, UnicodeError) as failure:
        raise VideoError(_diagnosis(path, str(getattr(failure, "strerror", failure)))) from failure
    stream = container.streams.best("video")
    fault = _fault(container, stream)
    if fault or not isinstance(stream, VideoStream):
        container.close()
        raise VideoError(f"{path} {fault}")
    return container, stream


def _named(path: Path) -> str | BinaryIO:
    """By its whole path and as a file: "http:a.mp4", "concat:a" or "a%03d.png" are names like any other."""
    name = f"file:{path.absolute()}"
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that are no UTF-8, which FFmpeg would not find again
        return open(path, "rb")
    return name


def packets(container: InputContainer, stream: VideoStream) -> Iterator[av.Packet[VideoStream]]:
    """Every whole packet of a stream, up to the end or to where a crash tore the file off."""
    demuxed = container.demux(stream)
    while True:
        try:
            yield next(demuxed)
        except (StopIteration, av.error.FFmpegError):
            return


class Decoder:
    """All frames of a stream that can be decoded, from where its container stands, by rising time.

    Damaged frames are passed over; so are frames that carry no time of their own, because time is never made
    up from a frame rate, and frames that lie before one that was shown. A frame with the time of the one
    before follows it within the same instant.

    Attributes
    ----------
    left_out : int
        Frames that were decoded and not given out.
    """

    def __init__(self, container: InputContainer, stream: VideoStream):
        self.left_out = 0
        self._packets = packets(container, stream)

    def __iter__(self) -> Iterator[av.VideoFrame]:
        """Decode on."""
        last = None
        for packet in self._packets:
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                self.left_out += bool(packet.size)
                continue
            for frame in frames:
                if frame.is_corrupt or frame.pts is None or (last is not None and frame.pts < last):
                    self.left_out += 1
                    continue
                last = frame.pts
                yield frame


def usual_rate(container: InputContainer, stream: VideoStream) -> float:
    """Return how many frames a second most of a file's first frames come at; 0 where too few tell.

    By the frames' own times: what a header says is often a default. Reads on in the container.
    """
    found = itertools.islice((p.pts for p in packets(container, stream) if p.pts is not None), _LOOKED_AT)
    times = sorted(set(found))
    if len(times) < 2 or not stream.time_base:
        return 0.0
    return float(1 / (statistics.median(b - a for a, b in itertools.pairwise(times)) * stream.time_base))


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
    """Say why a file did not open, as far as one can see from outside."""
    if not path.exists():
        if _NUMBERED.search(path.name):
            return (
                f"{path} names numbered pictures, which state no rate: make a film of them with "
                f"`ffmpeg -framerate 30 -i {path.name} film.mkv`"
            )
        return f"there is no video file {path}: check the path ({_neighbours(path)})"
    if path.is_dir():
        return f"{path} is a folder: name a video file in it ({_neighbours(path / 'any')})"
    if not path.is_file():
        return f"{path} is a pipe or a device, not a video file: record it into a file first"
    if path.stat().st_size == 0:
        return f"the video file {path} is empty: record or copy it again"
    if _animated_webp(path):
        return (
            f"{path} is an animated WebP, which cannot be decoded here: make a GIF of it, which keeps times, "
            f"for example with `magick {path.name} {path.stem}.gif`"
        )
    if _unfinished(path):
        return (
            f"{path} is an unfinished MP4: its index (moov) is missing, because the recording was not "
            "closed. Close the recorder properly, or record to .mkv, which survives that"
        )
    return (
        f"{path} cannot be read as a video ({failure}): try another file, or convert it with "
        "`ffmpeg -i FILE film.mkv`"
    )


def _unfinished(path: Path) -> bool:
    """Whether a file is an MP4 of which only the pictures were written; not where it cannot be read."""
    try:
        with open(path, "rb") as file:
            kinds = {box.kind for box in boxes(file, Atom(0, 0, path.stat().st_size))}
    except OSError:
        return False
    return bool(kinds & {kind("ftyp"), kind("mdat")}) and kind("moov") not in kinds


def _animated_webp(path: Path) -> bool:
    """Whether a file is a WebP of several pictures (RFC 9649, 2.7.1), which FFmpeg does not decode.

    One that is gone by now, or that nobody may read, is none: opening it says why.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(21)
    except OSError:
        return False
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and bool(head[20] & 2)


def _neighbours(path: Path) -> str:
    """Return what else lies in the folder, to find a misspelt name by."""
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist either"
    names = sorted(p.name for p in path.parent.iterdir() if p.is_file()) or ["no file"]
    return "its folder holds " + ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
