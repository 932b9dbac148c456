"""One stream of a session each: EEG read chunk by chunk, video as frame numbers with stamps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from realtime.eeg.channels import describe_channels
from realtime.eeg.makers import filled, manufacturer_in
from realtime.errors import SessionError
from realtime.types import EegInfo, FloatArray, IndexArray, TimeArray
from recordings.session.stamps import (
    ClockSet,
    StreamStamps,
    clock_sets,
    corrector,
    jumps_in,
    latest_time,
    measured_offsets,
    shifts,
)
from recordings.xdf.index import StreamInfo, XdfStream
from recordings.xdf.reader import XdfReader
from recordings.xdf.sync import trusted


class Piece(NamedTuple):
    """The samples of one chunk of the file.

    Attributes
    ----------
    samples : array of shape (n, n_channels), float32, in the stream's unit
    stamps : array of shape (n,), float64 s, on the sender's clock, unchanged
    times : array of shape (n,), float64 s, on the session's clock
    """

    samples: FloatArray
    stamps: TimeArray
    times: TimeArray


def stamps_on_session_clock(stream: XdfStream, stamps: TimeArray) -> TimeArray:
    """Stamps (n_samples,) of a stream, in file order, brought to the session's clock."""
    return corrector(stream).correct(stamps)


class EegTrack:
    """An EEG stream of a session, read a chunk at a time.

    Attributes
    ----------
    info : EegInfo
    n_samples : int
    offsets : tuple of ClockOffset

    Raises
    ------
    SessionError
        The stream holds texts, or nothing.
    """

    def __init__(self, reader: XdfReader, stream_id: int):
        self._reader, self.stream_id = reader, stream_id
        self._stream = reader.streams[stream_id]
        info = self._stream.info
        if info.format == "string":
            raise SessionError(f"{reader.path}: stream {info.name!r} holds texts, not EEG. Choose another.")
        if not self._stream.n_samples:
            raise SessionError(f"{reader.path}: stream {info.name!r} has no samples. Choose another.")
        self.info: EegInfo = describe_eeg(info)
        self.n_samples = trusted(self._stream)[0]
        self.offsets = measured_offsets(self._stream)
        self._stamps = StreamStamps(reader, stream_id)
        self._first_sample = self._stamps.first_sample

    @property
    def clock_sets(self) -> tuple[ClockSet, ...]:
        """Where the sender's clock was set while it was recorded."""
        return self._stamps.sets

    @cached_property
    def span(self) -> tuple[float, float]:
        """First and last time on the session's clock, seconds."""
        first = next(self.pieces(), None)
        if first is None:
            raise SessionError(
                f"{self._reader.path}: no sample of stream {self.info.name!r} can be read. Choose another."
            )
        last_chunk = int(np.searchsorted(self._first_sample, self.n_samples - 1, side="right")) - 1
        for k in range(last_chunk, -1, -1):
            if last := list(self.pieces(k)):  # a chunk that cannot be read has no piece
                return float(first.times[0]), float(last[-1].times[-1])
        return float(first.times[0]), float(first.times[-1])

    def pieces(self, first_chunk: int = 0) -> Iterator[Piece]:
        """Read the samples in the file's order, from a chunk on.

        Raises
        ------
        SessionError
            The file became shorter while it was read.
        """
        on_session_clock = corrector(self._stream)
        for k in range(first_chunk, self._stream.n_chunks):
            n = min(int(self._stream.n_in_chunk[k]), self.n_samples - int(self._first_sample[k]))
            if n <= 0:
                continue
            stamps, values = self._reader.read_chunk(self.stream_id, k)
            if len(stamps):  # none where the chunk cannot be read
                stamps, samples = self._stamps.of_chunk(k, stamps)[:n], np.asarray(values[:n], np.float32)
                yield Piece(samples, stamps, on_session_clock.correct(stamps))

    def chunk_at(self, time: float) -> int:
        """Find a chunk before which no sample lies at or after `time` (s on the session's clock)."""
        times = self._chunk_times
        if times is None:
            return 0
        later = np.flatnonzero(np.maximum.accumulate(times) > time - 1.0)  # senders jitter: 1 s to spare
        return max(int(later[0]) - 1, 0) if len(later) else len(times) - 1

    def read(self, start: float = -math.inf, stop: float = math.inf) -> tuple[TimeArray, FloatArray]:
        """Read the samples with `start` <= time < `stop`.

        Returns
        -------
        times : array of shape (n,), float64 s on the session's clock, in file order
        samples : array of shape (n, n_channels), float32, in the stream's unit
        """
        times, samples = [np.zeros(0)], [np.zeros((0, self.info.n_channels), np.float32)]
        for piece in self.pieces(self.chunk_at(start)):
            keep = (piece.times >= start) & (piece.times < stop)
            times.append(piece.times[keep])
            samples.append(piece.samples[keep])
            if piece.times[0] > stop + 1.0:
                break
        return np.concatenate(times), np.concatenate(samples)

    @cached_property
    def _chunk_times(self) -> TimeArray | None:
        """Time of each chunk's first sample on the session's clock; None where the file leaves stamps out."""
        known = not np.isnan(self._stream.first_stamp).any()
        return stamps_on_session_clock(self._stream, self._stamps.first_stamps()) if known else None


class VideoTrack:
    """A video of a session: which frame of the file was on show when.

    Attributes
    ----------
    path : Path
        The video file.
    times : array of shape (n_frames,), float64 s on the session's clock, rising
    frame_index : array of shape (n_frames,), int64
        Number of the frame in the file, for each stamp.
    seq : array of shape (n_frames,), int64
        Its number in the source it was recorded from; the same as in the file where nothing else is known.
    n_left_out : int
        Frames without a usable stamp or number.
    clock_sets : tuple of ClockSet
        Where the clock that stamped the frames was set.

    Raises
    ------
    SessionError
        The stream names no file, or one that is not in the session's folder.
    """

    def __init__(self, reader: XdfReader, stream_id: int, folder: Path):
        stream = reader.streams[stream_id]
        info = stream.info
        self.name, self.codec = info.name, info.text("desc/video/codec")
        self.path = _video_file(reader.path, info, folder)
        stamps, values = reader.read(stream_id)
        if info.format == "string" or not info.n_channels:
            raise SessionError(f"{reader.path}: stream {info.name!r} holds no numbers of frames")
        rows = np.asarray(values, np.float64)
        whole = np.isfinite(stamps) & np.isfinite(rows).all(axis=1)
        self.n_left_out = int(np.count_nonzero(~whole))
        stamps, rows = stamps[whole], rows[whole]
        if not len(stamps):
            raise SessionError(
                f"{reader.path}: video stream {info.name!r} says of no frame when it was shown"
            )
        # offset_mean: how much later the camera stamps than the light fell in; to be subtracted (XDF wiki,
        # Meta-Data: synchronization).
        times = stamps_on_session_clock(stream, stamps) - _number(info, "desc/synchronization/offset_mean")
        step_s = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        self.clock_sets = tuple(clock_sets(jumps_in(times, step_s), step_s, latest_time(stream)))
        times = times + shifts(self.clock_sets, np.arange(len(times)))
        order = np.argsort(times, kind="stable")
        self.times: TimeArray = times[order]
        numbers = rows.astype(np.int64)[order]
        self.frame_index: IndexArray = numbers[:, 0]
        self.seq: IndexArray = numbers[:, 1 if info.n_channels == 2 else 0]
        self.width, self.height = (int(_number(info, f"desc/video/{side}")) for side in ("width", "height"))

    @property
    def n_samples(self) -> int:
        """Number of stamped frames."""
        return len(self.times)

    @property
    def span(self) -> tuple[float, float]:
        """First and last time on the session's clock, seconds."""
        return float(self.times[0]), float(self.times[-1])

    @property
    def fps_nominal(self) -> float:
        """Frames a second as most of them came; 0 where fewer than two are known."""
        steps = np.diff(self.times)
        steps = steps[steps > 0]
        return float(1.0 / np.median(steps)) if len(steps) else 0.0


def describe_eeg(info: StreamInfo) -> EegInfo:
    """Read each channel's facts from a stream's description, in LSL's usual form (`desc/channels/channel`).

    By the same rules as for a live stream.
    """
    rows = [
        {entry.tag: entry.text or "" for entry in channel}
        for channel in info.root.findall("desc/channels/channel")
    ]
    described = EegInfo(
        name=info.name,
        rate_nominal=info.rate_nominal,
        source_id=info.source_id,
        host=info.host,
        type=info.type,
        **describe_channels(rows, info.n_channels)._asdict(),
    )
    places = "desc/manufacturer", "desc/acquisition/manufacturer"
    return filled(described, manufacturer_in(map(info.text, places)))


def _video_file(xdf: Path, info: StreamInfo, folder: Path) -> Path:
    name = info.text("desc/video/file")
    if not name:
        raise SessionError(f"{xdf}: stream {info.name!r} names no video file (desc/video/file is empty)")
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise SessionError(f"{xdf}: stream {info.name!r} names a file outside the session's folder: {name!r}")
    if not path.is_file():
        raise SessionError(f"{xdf} names the video {name!r}, which is not in {folder}: put it there")
    return path


def _number(info: StreamInfo, path: str) -> float:
    """Return a number in a stream's description, 0 where there is none."""
    try:
        value = float(info.text(path) or 0)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0
