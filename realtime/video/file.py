"""A video file played as if it were a camera."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from realtime.errors import VideoError
from realtime.time.clock import Clock, LslClock
from realtime.time.rate import RateMeter
from realtime.types import Frame, StreamState, VideoHealth, VideoInfo
from realtime.video.demux import Decoder, open_container, usual_rate
from realtime.video.picture import AsShown
from realtime.worker import Worker

_AHEAD = 6  # frames decoded before they are due
_PATIENCE_S = 0.5  # how long, on the film's clock, a read catches up with what it missed


class _Ahead(NamedTuple):
    """A decoded frame and when it is due, in seconds since the film began."""

    image: NDArray[np.uint8]
    due: float


class FileCamera:
    """A video file that plays in real time, as a camera would see it.

    Each frame is due at its own time stamp: a variable frame rate is kept exactly, and no rate is ever
    assumed. A thread decodes a few frames ahead; `read` hands out the newest one that is due by the clock,
    so with a clock that is moved by hand the same frames come at the same times on every run. The film
    begins with the first `read`. Where a machine cannot decode as fast as the film plays, the film is
    shown late: its stamps say when, and the health's note how late.

    Parameters
    ----------
    path : path of the file
    loop : bool
        Begin again at the end; times and numbers go on rising.
    clock : Clock
        Tells when a frame is due.

    Attributes
    ----------
    speed : float
        How fast it plays from the next frame on, above 0; any thread may set it.
    """

    def __init__(self, path: str | Path, loop: bool = True, clock: Clock | None = None):
        self.path = Path(path)
        self.loop = loop
        self.speed = 1.0
        self._clock = clock or LslClock()
        self._queue: queue.Queue[_Ahead | None] = queue.Queue(maxsize=_AHEAD)
        self._rate = RateMeter()
        self._info: VideoInfo | None = None
        self._worker: Worker | None = None
        self._ahead: _DecodeAhead | None = None
        self._held: _Ahead | None = None  # decoded, but not due yet
        self._start: float | None = None  # clock time of the film's first frame, had it always had this
        self._pace = 1.0  # … speed
        self._shown_due = 0.0  # of the last frame that was taken
        self._late_s = 0.0
        self._seq = -1
        self._stamp = -np.inf
        self._dropped = 0
        self._ended = False

    def open(self) -> VideoInfo:
        """Open the file and begin to decode.

        Raises
        ------
        VideoError
            The file is missing, empty, no video, or not one frame of it can be decoded.
        """
        container, stream = open_container(self.path)
        with container:
            first = next(iter(Decoder(container, stream)), None)
            if first is None:
                raise VideoError(f"no frame of {self.path} can be decoded: copy or convert the file again")
            as_shown = AsShown(stream, self.path)
            height, width = as_shown(first).shape[:2]  # of the picture as it is shown
            self._info = VideoInfo(self.path.name, width, height, usual_rate(container, stream), "file")
        self._ahead = _DecodeAhead(self.path, self.loop, as_shown, self._queue)
        self._worker = Worker(f"video file {self.path.name}", self._ahead.step).start()
        return self._info

    def read(self, timeout_s: float = 0.0) -> Frame | None:
        """Return the newest frame due that was not read before, waiting up to `timeout_s`; None if none.

        Raises
        ------
        WorkerFailed
            The decoder died; its exception is the cause.
        """
        now = self._clock.now()
        if self._start is None:
            self._start, self._pace = now, self.speed
        elif self.speed != self._pace:
            self._change_pace(self.speed)
        frame = self._newest_due(now)
        if frame is None and timeout_s > 0 and not self._ended:
            upcoming = self._next(now + max(timeout_s, _PATIENCE_S))
            due = now + timeout_s if upcoming is None else self._when(upcoming)
            self._clock.sleep_until(min(due, now + timeout_s))
            frame = self._newest_due(self._clock.now())
        return frame

    def health(self) -> VideoHealth:
        """State of the film and its counts."""
        info = self._info or VideoInfo(self.path.name, 0, 0, 0.0, "")
        state = StreamState.LIVE if self._seq >= 0 else StreamState.SEARCHING
        return VideoHealth(
            name=info.name,
            state=StreamState.FINISHED if self._ended else state,
            width=info.width,
            height=info.height,
            fps_nominal=info.fps_nominal,
            fps_effective=self._rate.per_second,
            frames=self._seq + 1,
            dropped=self._dropped + (self._ahead.left_out if self._ahead is not None else 0),
            age_s=self._clock.now() - self._stamp,
            stamp_source=info.stamp_source,
            note=f"decoded too slowly: the film runs {self._late_s:.1f} s late" if self._late_s else "",
        )

    @property
    def finished(self) -> bool:
        """The film has ended and is not looped."""
        return self._ended

    def close(self) -> None:
        """Close the file."""
        if self._worker is not None:
            self._worker.stop()

    def _when(self, ahead: _Ahead) -> float:
        """Return the clock time at which a frame is due."""
        assert self._start is not None
        return self._start + ahead.due / self._pace

    def _change_pace(self, speed: float) -> None:
        """From the last frame on: its own time stays, so that no later one can come before it."""
        assert self._start is not None
        self._start += self._shown_due / self._pace - self._shown_due / speed
        self._pace = speed

    def _newest_due(self, now: float) -> Frame | None:
        """Take every frame that is due by `now` and keep the last; the others are dropped and counted."""
        assert self._start is not None
        newest: _Ahead | None = None
        give_up = now + _PATIENCE_S
        while (ahead := self._next(give_up)) is not None and self._when(ahead) <= now:
            self._dropped += newest is not None
            self._seq += 1
            self._rate.add(self._when(ahead))
            newest, self._held = ahead, None
            if self._clock.now() >= give_up:
                break
        if newest is None:
            return None
        if self._held is None and not self._ended:
            # The decoder is behind: what it has just given counts as shown now, and the rest follows.
            delay = self._clock.now() - self._when(newest)
            self._start += delay
            self._late_s += delay
        self._stamp, self._shown_due = self._when(newest), newest.due
        return Frame(newest.image, self._stamp, self._seq)

    def _next(self, give_up: float) -> _Ahead | None:
        """Return the frame after the last one taken; None at the end, or where none is decoded by `give_up`.

        Waits by the film's clock: one that stands still waits for the decoder as long as it takes, which
        makes what is read independent of the machine's speed.
        """
        while self._held is None and not self._ended:
            try:
                self._held = self._queue.get(timeout=0.05)
                self._ended = self._held is None
            except queue.Empty:
                if self._worker is not None:
                    self._worker.raise_failure()
                if self._clock.now() >= give_up:
                    return None
        return self._held


class _DecodeAhead:
    """Decodes a file, again and again if it loops, into a bounded queue. Runs in the worker.

    How its pictures are shown is found once: asked in every round, it would leave a frame's megabytes to the
    next collection of garbage each time (`AsShown`).
    """

    def __init__(self, path: Path, loop: bool, as_shown: AsShown, out: queue.Queue[_Ahead | None]):
        self._path = path
        self._loop = loop
        self._as_shown = as_shown
        self._out = out
        self._frames = self._play()
        self._ready: _Ahead | None = None
        self.left_out = 0  # frames that cannot be shown: damaged, or at no time of their own

    def step(self) -> bool:
        """Decode one frame, or wait a moment where the queue is full. False after the end."""
        if self._ready is None:
            self._ready = next(self._frames, None)
        try:
            self._out.put(self._ready, timeout=0.1)
        except queue.Full:
            return True
        ended, self._ready = self._ready is None, None
        return not ended

    def _play(self) -> Iterator[_Ahead]:
        begin, left_out = 0.0, 0
        while True:
            times: list[float] = []
            container, stream = open_container(self._path)
            with container:
                decoder = Decoder(container, stream)
                for frame in decoder:
                    times.append(float(frame.time or 0.0))
                    yield _Ahead(self._as_shown(frame), begin + (times[-1] - times[0]))
                    self.left_out = left_out + decoder.left_out
                left_out = self.left_out = left_out + decoder.left_out
                if not times:
                    raise VideoError(f"{self._path} can no longer be decoded: it changed while it was played")
                hold = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else 0.0
            if not self._loop:
                return
            # The last frame is on show for as long as the file says, else as long as the one before it;
            # a single picture has neither and is shown anew every second.
            begin += times[-1] - times[0] + (hold or (times[-1] - times[-2] if len(times) > 1 else 1.0))
