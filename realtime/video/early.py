"""Frames of a live video from the moment it was opened, though the session begins to take them later."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace

from realtime.sources import VideoSource
from realtime.types import Frame, VideoHealth, VideoInfo
from realtime.worker import Worker

HELD_BYTES = 256 << 20  # 95 frames of 1280 x 720: three seconds and more of a camera
_READ_S = 0.02
_BREAK_S = 0.5


class EarlyVideo:
    """A live video that is read by a thread of its own until whoever reads it has come to the newest frame.

    Loading a network takes seconds. Samples that come meanwhile wait in LSL's inlet; without this, frames
    that come meanwhile would be gone, and the first interval could begin only afterwards. Loading also keeps
    the interpreter busy: of what came before more than half a second was missed, nothing is held.

    Parameters
    ----------
    source : VideoSource
        One that shows what it shows whether it is read or not: a camera, or a film made from the clock.
    held_bytes : int
        Of pictures that wait; beyond, the oldest go.
    """

    def __init__(self, source: VideoSource, held_bytes: int = HELD_BYTES):
        self._source = source
        self._held_bytes = held_bytes
        self._held: deque[Frame] = deque()
        self._bytes = 0
        self._lock = threading.Lock()  # over the two above
        self._reader: Worker | None = None
        self._taken = False
        self._missed = 0

    def open(self) -> VideoInfo:
        """Open the source and begin to read it.

        Raises
        ------
        VideoError, ConfigError
        """
        info = self._source.open()
        self._reader = Worker(f"video {info.name}, early", self._hold).start()
        return info

    def _hold(self) -> None:
        frame = self._source.read(_READ_S)
        if frame is None:
            return
        with self._lock:
            if not self._taken and self._held and _broken(self._held[-1], frame):
                self._held.clear()
                self._bytes = 0
            self._held.append(frame)
            self._bytes += frame.image.nbytes
            while self._bytes > self._held_bytes and len(self._held) > 1:
                self._bytes -= self._held.popleft().image.nbytes

    def read(self, timeout_s: float = 0.0) -> Frame | None:
        """Return the frames that waited, one a call and the oldest first, then what the source gives.

        What comes while they are taken waits behind them.

        Raises
        ------
        WorkerFailed
            The source failed before they were all taken.
        """
        if not self._taken:
            self._taken, self._missed = True, self._source.health().dropped
        if (frame := self._waiting()) is not None:
            return frame
        if self._reader is not None:
            reader, self._reader = self._reader, None
            reader.stop()
            reader.raise_failure()
            if (frame := self._waiting()) is not None:  # it came with the last look
                return frame
        return self._source.read(timeout_s)

    def _waiting(self) -> Frame | None:
        with self._lock:
            if not self._held:
                return None
            frame = self._held.popleft()
            self._bytes -= frame.image.nbytes
            return frame

    def health(self) -> VideoHealth:
        """State of the source; any thread may ask. Frames missed before the first `read` do not count."""
        health = self._source.health()
        return replace(health, dropped=health.dropped - min(self._missed, health.dropped))

    @property
    def finished(self) -> bool:
        """No frame will come any more."""
        return self._source.finished and not self._held

    def close(self) -> None:
        """Let go of the device; frames that wait are gone."""
        if self._reader is not None:
            self._reader.stop()
        self._source.close()
        self._held.clear()


def _broken(before: Frame, frame: Frame) -> bool:
    """Whether frames were missed for so long that what was on show between them is not known."""
    return frame.seq > before.seq + 1 and frame.stamp - before.stamp > _BREAK_S
