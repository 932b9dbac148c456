"""A recorded session with the interface of live streams: nothing downstream knows which it got.

Both sources hand out what was recorded up to the time of a clock that somebody else moves. What they hand out
in all depends on the recording alone; the clock only says how much of it so far. Sender's stamps and clock
offsets go out as they were measured, so the same code corrects them live and replayed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np

from realtime.time.clock import Clock
from realtime.types import (
    EegHealth,
    EegInfo,
    Frame,
    RawChunk,
    StreamState,
    VideoHealth,
    VideoInfo,
)
from recordings.session.headers import video_stream
from recordings.session.session import Session
from recordings.session.tracks import Piece
from recordings.video.files import VideoReader

MAX_CHUNK_S = 0.25
# Where a video's end is lost, this many frames before the tear are not certain to have their own number: an
# encoder may have moved one of them past the tear (H.264 keeps at most 16 in hand).
_REORDER = 16


class ReplayEeg:
    """An `EegSource` that reads a session.

    Parameters
    ----------
    session : Session
    clock : Clock
        Seconds on the session's clock.
    selector : str, optional
        Which EEG stream, see `Session.eeg`; needed only where there are several.
    """

    def __init__(self, session: Session, clock: Clock, selector: str | None = None):
        self._session, self._clock, self._selector = session, clock, selector
        self._piece: Piece | None = None  # read from the file, not all of it handed out yet
        self._pieces: Iterator[Piece] = iter(())
        self._released = -math.inf  # latest time of all samples before the piece
        self._newest = -math.inf
        self._state = StreamState.SEARCHING
        self._offsets_due = True

    def open(self) -> EegInfo:
        """Find the stream and stand at its beginning.

        Raises
        ------
        SessionError
        """
        self._track = self._session.eeg(self._selector)
        self._enough = MAX_CHUNK_S * self._track.info.rate_nominal
        self.seek(-math.inf)
        return self._track.info

    def seek(self, time: float) -> None:
        """Go on with the first sample at or after `time`, seconds on the session's clock."""
        self._pieces = self._track.pieces(self._track.chunk_at(time))
        self._piece, self._released, self._offsets_due = None, -math.inf, True
        self._newest, self._state = -math.inf, StreamState.SEARCHING
        while self._load() and (piece := self._piece) is not None:
            reached = piece.times >= time
            if reached.any():
                self._drop(int(np.argmax(reached)))
                return
            self._piece = None

    def read(self, timeout_s: float = 0.0) -> RawChunk | None:
        """Read the next samples up to the clock's time, 0.25 s of them at most; None if none are due.

        A sample that is stamped earlier than one before it is due with that one: the file's order stays.
        """
        if not self._load() or self._piece is None:
            return None
        now = self._clock.now()
        while len(self._piece.times) < self._enough and self._piece.times[-1] < now and self._join():
            pass
        due = np.maximum(np.maximum.accumulate(self._piece.times), self._released)
        n = int(np.searchsorted(due, min(now, due[0] + MAX_CHUNK_S), side="right"))
        if n == 0:
            _wait(timeout_s, due[0] - now)
            return None
        samples, stamps = self._piece.samples[:n], self._piece.stamps[:n]
        self._released = float(due[n - 1])
        self._newest, self._state = self._released, StreamState.LIVE
        self._drop(n)
        offsets = self._track.offsets if self._offsets_due else ()
        self._offsets_due = False
        return RawChunk(samples, stamps, offsets)

    def health(self) -> EegHealth:
        """Return the state of the stream."""
        info = self._track.info
        return EegHealth(
            name=info.name,
            state=self._state,
            n_channels=info.n_channels,
            rate_nominal=info.rate_nominal,
            age_s=self._clock.now() - self._newest,
        )

    @property
    def finished(self) -> bool:
        """Whether every sample was read."""
        return self._state is StreamState.FINISHED

    def close(self) -> None:
        """Nothing to close: the session belongs to its opener."""

    def _load(self) -> bool:
        """Have samples at hand; False at the end of the recording."""
        if self._piece is None:
            self._piece = next(self._pieces, None)
            if self._piece is None:
                self._state = StreamState.FINISHED
        return self._piece is not None

    def _join(self) -> bool:
        """Put the file's next piece behind the one at hand: what is due at once is handed out at once."""
        piece, following = self._piece, next(self._pieces, None)
        if piece is None or following is None:
            return False
        self._piece = Piece(
            np.concatenate((piece.samples, following.samples)),
            np.concatenate((piece.stamps, following.stamps)),
            np.concatenate((piece.times, following.times)),
        )
        return True

    def _drop(self, n: int) -> None:
        piece = self._piece
        assert piece is not None
        left = n < len(piece.times)
        self._piece = Piece(piece.samples[n:], piece.stamps[n:], piece.times[n:]) if left else None


class ReplayVideo:
    """A `VideoSource` that reads a session: every frame, in order, numbered as it was recorded.

    Parameters
    ----------
    session : Session
    clock : Clock
        Seconds on the session's clock.
    selector : str, optional
        Which video, see `Session.video`; needed only where there are several.
    """

    def __init__(self, session: Session, clock: Clock, selector: str | None = None):
        self._session, self._clock, self._selector = session, clock, selector
        self._reader: VideoReader | None = None
        self._next = 0
        self._n_read = self._n_certain = 0
        self._missing = 0
        self._state = StreamState.SEARCHING

    def open(self) -> VideoInfo:
        """Open the video file.

        Raises
        ------
        SessionError
            There is no video in the session, or its file is missing.
        VideoError
            The file cannot be read as a video.
        """
        self._track = self._session.video(self._selector)
        self._reader = VideoReader(self._track.path)
        n_written = int(self._track.frame_index.max()) + 1
        torn = self._reader.n_frames < n_written
        self._n_certain = self._reader.n_frames - (_REORDER if torn else 0)
        self.seek(-math.inf)
        size = self._reader.width, self._reader.height
        self._info = VideoInfo(self._track.name, *size, self._track.fps_nominal, "recording")
        return self._info

    def seek(self, time: float) -> None:
        """Go on with the first frame at or after `time`, seconds on the session's clock."""
        self._next = int(np.searchsorted(self._track.times, time, side="left"))
        self._state = StreamState.SEARCHING

    def read(self, timeout_s: float = 0.0) -> Frame | None:
        """Read the next frame if it is due by the clock, else None. Frames the file lost are left out."""
        assert self._reader is not None
        while self._next < self._track.n_samples:
            due = float(self._track.times[self._next])
            if due > self._clock.now():
                _wait(timeout_s, due - self._clock.now())
                return None
            number, seq = int(self._track.frame_index[self._next]), int(self._track.seq[self._next])
            image = self._reader.frame(number) if number < self._n_certain else None
            self._next += 1
            if image is not None:
                self._n_read += 1
                self._state = StreamState.LIVE
                return Frame(image, due, seq)
            self._missing += 1
        self._state = StreamState.FINISHED
        return None

    def health(self) -> VideoHealth:
        """Return the state of the video."""
        newest = float(self._track.times[self._next - 1]) if self._next else -math.inf
        return VideoHealth(
            name=self._info.name,
            state=self._state,
            width=self._info.width,
            height=self._info.height,
            fps_nominal=self._info.fps_nominal,
            fps_effective=self._info.fps_nominal,
            frames=self._n_read,
            age_s=self._clock.now() - newest,
            stamp_source=self._info.stamp_source,
            note=f"{self._missing} frames are stamped that the file does not hold" if self._missing else "",
        )

    @property
    def finished(self) -> bool:
        """Whether every frame was read."""
        return self._state is StreamState.FINISHED

    def close(self) -> None:
        """Close the video file; the session belongs to its opener."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def replay_videos(session: Session, clock: Clock) -> list[ReplayVideo]:
    """Return the sources of all videos of a session, the main one first.

    Where there is none, there is one source, which reports that when it is opened.
    """
    streams = session.usable_videos
    order = sorted(streams, key=lambda info: info.name != video_stream(0))  # else as they stand in the file
    return [ReplayVideo(session, clock, f"id={info.stream_id}") for info in order] or [
        ReplayVideo(session, clock)
    ]


def _wait(timeout_s: float, until_due_s: float) -> None:
    """Wait for a clock that runs by itself; a clock moved by hand is asked without a timeout."""
    if timeout_s > 0:
        time.sleep(max(0.0, min(timeout_s, until_due_s)))
