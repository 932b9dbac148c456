"""What waits for the recorder's threads: samples and pictures, each bounded by bytes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from realtime.types import ClockOffset, Frame, TimeArray


class QueuedPart(NamedTuple):
    """Samples on their way to the file, with the clock offsets that go before them."""

    stamps: TimeArray
    values: Any
    offsets: Sequence[ClockOffset]

    @property
    def n_bytes(self) -> int:
        """Memory they take; texts are counted as 64 bytes a sample."""
        return self.stamps.nbytes + getattr(self.values, "nbytes", 64 * len(self.values))


class RecorderQueue:
    """Filled from any thread without ever waiting, until it is closed; emptied by one.

    Attributes
    ----------
    samples : dict of str to int
        Samples taken in, by stream.
    dropped : dict of str to int
        Frames refused, by source.
    """

    def __init__(self, streams: Iterable[str], sources: Iterable[str], max_bytes: float, max_pictures: float):
        self.samples = dict.fromkeys(streams, 0)
        self.dropped = dict.fromkeys(sources, 0)
        self._max_bytes, self._max_pictures = max_bytes, max_pictures
        self._parts: dict[str, list[QueuedPart]] = {name: [] for name in self.samples}
        self._n_bytes = self._pictures = 0
        self._frames: deque[tuple[str, Frame]] = deque()
        self._changed = threading.Condition()
        self._open = True

    @property
    def fill(self) -> float:
        """Share of the bytes that is taken, 0 to 1."""
        return self._n_bytes / self._max_bytes

    def close(self) -> None:
        """Take nothing in any more; what is queued stays."""
        with self._changed:
            self._open = False
            self._changed.notify()

    def add_stream(self, stream: str) -> None:
        """Take in samples of a further stream from now on."""
        with self._changed:
            self.samples = {**self.samples, stream: 0}
            self._parts[stream] = []

    def put_samples(self, stream: str, part: QueuedPart) -> bool:
        """Queue samples; False where there is no room for them."""
        n_bytes = part.n_bytes
        with self._changed:
            if not self._open:
                return True
            if self._n_bytes + n_bytes > self._max_bytes:
                return False
            self._parts[stream].append(part)
            self._n_bytes += n_bytes
            self.samples[stream] += len(part.stamps)
            return True

    def put_frame(self, source: str, frame: Frame) -> None:
        """Queue a frame, or count it as dropped where too many wait."""
        with self._changed:
            if not self._open:
                return
            pictures = self._pictures + frame.image.nbytes
            if self._frames and pictures > self._max_pictures:
                self.dropped[source] += 1
                return
            self._pictures = pictures
            self._frames.append((source, frame))
            self._changed.notify()

    def take_frame(self, timeout_s: float) -> tuple[str, Frame] | None:
        """Take the oldest frame and its source, waiting for one while the queue is open."""
        with self._changed:
            if not self._frames and self._open:
                self._changed.wait(timeout_s)
            if not self._frames:
                return None
            source, frame = self._frames.popleft()
            self._pictures -= frame.image.nbytes
            return source, frame

    def take_samples(self) -> dict[str, QueuedPart]:
        """Everything that waits, each stream's joined to one part. They count as queued until `written`."""
        with self._changed:
            waiting, self._parts = self._parts, {name: [] for name in self._parts}
        return {name: _joined(parts) for name, parts in waiting.items() if parts}

    def written(self, parts: Iterable[QueuedPart]) -> None:
        """Count the memory of these parts as free again."""
        with self._changed:
            self._n_bytes -= sum(part.n_bytes for part in parts)


def _joined(parts: list[QueuedPart]) -> QueuedPart:
    stamps = np.concatenate([part.stamps for part in parts])
    offsets = [offset for part in parts for offset in part.offsets]
    if isinstance(parts[0].values, np.ndarray):
        return QueuedPart(stamps, np.concatenate([part.values for part in parts]), offsets)
    return QueuedPart(stamps, [row for part in parts for row in part.values], offsets)
