"""From a video source into the rings of frames and embeddings."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from realtime.align import FrameHistory
from realtime.latest import Latest
from realtime.model import Model
from realtime.sources import VideoSource
from realtime.taps import Taps
from realtime.types import BoolArray, Frame, IndexArray, VideoHealth
from realtime.video.due import frames_due, within_budget
from realtime.video.embeddings import EmbeddingRing
from realtime.video.frames import shrink


class VideoIntake:
    """Source → small pictures → embeddings, each frame encoded once, and only if a slot of the grid shows it.

    Parameters
    ----------
    source : VideoSource
        Already open.
    model : Model
        Its card says which paths there are and how small a picture may be.
    offset_s : float
        How much later than the light the source stamps; taken off every stamp here. Taps are given the
        frame before that: a recording keeps the source's own stamps and the offset beside them, and a
        replay subtracts the same number, so both come to the same times bit for bit.
    number : int
        Which video of the pipeline it is, 0 for the main one.
    stopwatch : callable
        Tells what a batch of frames took, seconds.
    """

    def __init__(
        self,
        source: VideoSource,
        model: Model,
        offset_s: float = 0.0,
        number: int = 0,
        capacity: int = 512,
        stopwatch: Callable[[], float] = time.perf_counter,
    ):
        self.source = source
        self.number = number
        self._stopwatch = stopwatch
        self.frames = FrameHistory(capacity)
        self.preview: Latest[Frame] = Latest()
        self.taps: Taps[Frame] = Taps()
        self.encode_ms: float = 0.0  # of the last batch, a frame
        self.n_frames = 0
        self.lost = 0  # numbers missing between frames
        self.thinned = 0  # frames that were due and not embedded, for want of time
        self._model, self._offset_s = model, offset_s
        self._cost_s = dict.fromkeys(model.card.paths, 0.0)  # of one frame, in the last batch
        self._embeddings = {path: EmbeddingRing(capacity) for path in model.card.paths}
        self._next = dict.fromkeys(model.card.paths, 0)
        self._last_seq: int | None = None

    def pump(self, timeout_s: float = 0.0) -> bool:
        """Take one frame, waiting up to `timeout_s` for it; True if one came."""
        frame = self.source.read(timeout_s)
        if frame is not None:
            self.taps(frame)
            frame = replace(frame, stamp=frame.stamp - self._offset_s)
            self.preview.put(frame)
            if self._last_seq is not None:
                self.lost += max(0, frame.seq - self._last_seq - 1)
            self._last_seq = frame.seq
            self.n_frames += 1
            self.frames.append(shrink(frame.image, self._model.card.image_px), frame.stamp, frame.seq)
        return frame is not None

    def encode(self, now: float, budget_s: float = math.inf) -> None:
        """Embed the frames that a slot up to `now` shows and that were not embedded yet.

        May be called by another thread than `pump`, always by the same.

        Parameters
        ----------
        budget_s : float
            What a path's frames may take, by what one took last. Where that is not enough for all, evenly
            spread ones are embedded, the newest among them; the others are counted in `thinned`, and in their
            place stands the one before.
        """
        first, stamps = self.frames.times.tail("stamp")
        for path, every in self._model.card.paths.items():
            start = max(self._next[path], first)
            shown = frames_due(stamps[start - first :], self._model.card.grid.slots_hz, every, now)
            due = [start + position for position in shown]
            settled = first + len(stamps) - 1  # the newest may still come on show
            self._next[path] = max(start, settled if settled not in due else settled + 1)
            self._embed(path, due, within_budget(due, budget_s, self._cost_s[path]))

    def _embed(self, path: str, due: list[int], chosen: list[int]) -> None:
        """Embed the chosen ones of the frames that are due; the others show the one before."""
        ring = self._embeddings[path]
        before = ring.newest
        images = {n: image for n in chosen if (image := self.frames.image(n)) is not None}
        if images:
            begin = self._stopwatch()
            rows = self._model.encode(list(images.values()), path, self.number)
            self._cost_s[path] = (self._stopwatch() - begin) / len(images)
            self.encode_ms = self._cost_s[path] * 1e3
            ring.write(list(images), rows)
        self.thinned += ring.stand_in(due, before)

    def embeddings(self, number: IndexArray) -> tuple[dict[str, NDArray[np.float32]], BoolArray]:
        """Embeddings of the frames at an interval's slots, and which slots have theirs.

        Parameters
        ----------
        number : array of shape (n_slots,), int64
            Order of arrival of the frame at each slot, -1 where none.
        """
        ready = np.ones(len(number), bool)
        found = {}
        for path, every in self._model.card.paths.items():
            rows, there = self._embeddings[path].read(number[::every])
            ready[::every] &= there
            if rows is not None:
                found[path] = rows
        return found, ready

    def health(self) -> VideoHealth:
        """Return the source's health with what was counted here."""
        health = self.source.health()
        late = f"too slow for every frame: {self.thinned} show the one before" if self.thinned else ""
        dropped = max(health.dropped, self.lost)
        return replace(
            health, frames=self.n_frames, dropped=dropped, thinned=self.thinned, note=health.note or late
        )
