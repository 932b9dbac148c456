"""The files of a session that is being recorded: the XDF and one video for each source of frames."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from realtime.errors import RunError, SessionError
from realtime.types import ClockOffset, Frame, TimeArray, VideoInfo
from recordings.held_file import HeldFile, Whereabouts
from recordings.session.headers import video_header
from recordings.session.options import RecordingOptions
from recordings.session.session import XDF_NAME
from recordings.video.files import VideoWriter
from recordings.xdf.format import Values
from recordings.xdf.writer import StreamHeader, XdfWriter


@dataclass
class _Written:
    """One video; `numbers` are the frames written to it that the XDF does not know of yet."""

    stream_id: int
    writer: VideoWriter
    first_stamp: float | None = None
    last_s: float = 0.0
    numbers: list[tuple[float, int, int]] = field(default_factory=list)


class SessionFiles:
    """Owned by one thread.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    headers : mapping of str to StreamHeader or str
        Streams of samples, by name.
    videos : mapping of str to VideoInfo
        Sources of frames, by name.

    Raises
    ------
    SessionError
        There is a session in the folder already, or nothing can be written there.
    ConfigError
        The video encoder or its options are not known.
    """

    def __init__(
        self,
        folder: Path,
        headers: Mapping[str, StreamHeader | str],
        videos: Mapping[str, VideoInfo],
        options: RecordingOptions,
    ):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SessionError(f"{folder} cannot be made: {error.strerror}. Choose another.") from error
        self._ids = {name: i for i, name in enumerate([*headers, *videos], 1)}
        streams: dict[int, StreamHeader | str] = {self._ids[name]: header for name, header in headers.items()}
        for name, info in videos.items():
            streams[self._ids[name]] = video_header(name, video_name(name), options.codec, info)
        self.xdf = XdfWriter(folder / XDF_NAME, streams)
        self._moved = False
        self._films: dict[str, _Written] = {}
        try:
            for name, info in videos.items():
                self._films[name] = _Written(self._ids[name], _open_video(folder, name, info, options))
        except BaseException:
            self.take_back()
            raise

    @property
    def paths(self) -> list[Path]:
        """The XDF file and the videos, where they are now; after the end: where they were made."""
        return [file.place for file in self._held]

    @property
    def _held(self) -> list[HeldFile]:
        return [self.xdf.file, *(film.writer.file for film in self._films.values())]

    @property
    def n_frames(self) -> int:
        """Frames written to all videos so far."""
        return sum(film.writer.n_written for film in self._films.values())

    def add_stream(self, name: str, header: StreamHeader | str) -> None:
        """Let a further stream of samples join."""
        self._ids[name] = max(self._ids.values(), default=0) + 1
        self.xdf.add_stream(self._ids[name], header)

    def still_there(self) -> list[str]:
        """See whether every file is where it was made, and put back what was deleted.

        Returns
        -------
        list of str
            A sentence for each file that is not, once.
        """
        folder_moved = self.xdf.file.whereabouts is Whereabouts.MOVED and not self.xdf.path.parent.exists()
        if not folder_moved:
            return [said for file in self._held if (said := _put_back(file))]
        if self._moved:
            return []
        self._moved = True  # and the videos with it: what is open is written on, wherever it is
        folder, place = self.xdf.path.parent, self.xdf.file.place.parent
        return [f"{folder} was moved while it was written: it is written on where it is now, in {place}"]

    def write_own_offsets(self, names: Sequence[str], now: float) -> None:
        """Enter a clock offset of 0 at `now` for these streams and the videos: they are on our clock."""
        for stream_id in (*(self._ids[name] for name in names), *(f.stream_id for f in self._films.values())):
            self.xdf.clock_offset(stream_id, now, 0.0)

    def write_samples(
        self, name: str, stamps: TimeArray, values: Values, offsets: Sequence[ClockOffset] = ()
    ) -> None:
        """Append samples at `stamps` (n,), values (n, n_channels), and before them their clock offsets.

        So a replay knows the offsets as early as they were known live.
        """
        for offset in offsets:
            self.xdf.clock_offset(self._ids[name], offset.collected, offset.value)
        self.xdf.samples(self._ids[name], stamps, values)

    def write_frame(self, source: str, frame: Frame) -> None:
        """Encode a frame. Its number goes into the XDF with the next `write_numbers`."""
        film = self._films[source]
        if film.first_stamp is None:
            film.first_stamp = frame.stamp
        # A stamp may fall back by a hair, a file's times may not; the exact stamp is in the XDF.
        film.last_s = max(film.last_s, frame.stamp - film.first_stamp)
        film.numbers.append((frame.stamp, film.writer.write(frame.image, film.last_s), frame.seq))

    def write_numbers(self) -> None:
        """Enter the frames written since into the XDF: numbers in file and source, at the stamp."""
        for film in self._films.values():
            if film.numbers:
                numbers, film.numbers = np.array(film.numbers), []
                self.xdf.samples(film.stream_id, numbers[:, 0], numbers[:, 1:])

    def close(self) -> list[Exception]:
        """Close every file, whatever fails on the way; returns what failed."""
        failures: list[Exception] = []
        for step in (
            *(film.writer.close for film in self._films.values()),
            self.write_numbers,
            self.xdf.close,
        ):
            try:
                step()
            except (OSError, RunError) as failure:
                failures.append(failure)
        return failures

    def take_back(self) -> None:
        """Leave no file behind of a recording that did not begin."""
        self.close()
        for path in self.paths:
            path.unlink(missing_ok=True)


def _put_back(file: HeldFile) -> str:
    """See whether a file is where it was made, and put it back if not; returns a sentence, or nothing."""
    where = file.whereabouts
    if where is Whereabouts.THERE:
        return ""
    file.write_again()
    return f"{file.path} was {where.value} while it was written: all of it was written again"


def video_name(source: str) -> str:
    """File name of a source's video."""
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', source).strip('.-') or 'video'}.mkv"


def _open_video(folder: Path, name: str, info: VideoInfo, options: RecordingOptions) -> VideoWriter:
    return VideoWriter(
        folder / video_name(name),
        (info.width, info.height),
        info.fps_nominal or 30.0,
        options.codec,
        options.codec_options,
    )
