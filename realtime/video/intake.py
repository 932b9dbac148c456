"""From a video source into the rings of frames and embeddings."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from realtime.align import FrameHistory, slot_means
from realtime.latest import Latest
from realtime.model import Model, means_of
from realtime.sources import VideoSource
from realtime.taps import Taps
from realtime.types import BoolArray, Frame, IndexArray, VideoHealth
from realtime.video.embeddings import PathEmbedder
from realtime.video.frames import shrink

_PATIENCE_S = 1.0  # for what a session begins with


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
        self.begun = True
        self._since = -math.inf
        self._image_px, self._offset_s = model.card.image_px, offset_s
        self._every = dict(model.card.paths)
        self._paths = {path: self._embedder(model, path) for path in self._every}
        self._coming: dict[str, PathEmbedder] = {}
        self._last_seq: int | None = None

    def _embedder(self, model: Model, path: str, since: float = -math.inf) -> PathEmbedder:
        return PathEmbedder(model, path, self.frames, self.number, self._stopwatch, since=since)

    def pump(self, timeout_s: float = 0.0) -> bool:
        """Take one frame, waiting up to `timeout_s` for it; True if one came."""
        frame = self.source.read(timeout_s)
        if frame is not None:
            self.taps(frame)
            frame = replace(frame, stamp=frame.stamp - self._offset_s)
            self.preview.put(frame)
            if self._last_seq is not None and frame.stamp >= self._since:
                self.lost += max(0, frame.seq - self._last_seq - 1)
            self._last_seq = frame.seq
            self.n_frames += 1
            self.frames.append(shrink(frame.image, self._image_px), frame.stamp, frame.seq)
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
        coming = self._coming
        if not self.begun:
            self._fill(now, budget_s)
            return
        for embedder in self._paths.values():
            if embedder.encode(now, budget_s):
                self.encode_ms = embedder.cost_s * 1e3
        for embedder in coming.values():
            embedder.catch_up(now, budget_s / 2)  # the model that serves has the other half

    def begin_at(self, since: float) -> None:
        """Take what came before this time for what a session begins with.

        It is embedded bit by bit, and nothing of it counts as lost or thinned. `begun` says when that is
        done, after a second at the latest: then it is thinned as any frames are, or there are none.
        """
        self._since, self.begun = since, False

    def _fill(self, now: float, budget_s: float) -> None:
        come = self.frames.newest_stamp >= self._since  # asked before it is embedded: more may come meanwhile
        late = now >= self._since + _PATIENCE_S
        for embedder in self._paths.values():
            if late:
                embedder.encode(now, budget_s)
            else:
                embedder.catch_up(now, budget_s)
            self.encode_ms = embedder.cost_s * 1e3
        if late or (come and all(embedder.caught_up for embedder in self._paths.values())):
            for embedder in self._paths.values():
                embedder.thinned = 0
            self.begun = True

    @property
    def thinned(self) -> int:
        """Frames that were due and not embedded, for want of time."""
        return sum(embedder.thinned for embedder in self._paths.values())

    def prepare(self, model: Model, since: float, alike: Collection[str]) -> None:
        """Have a model that will take over embed what is held since this time, beside the one that serves.

        Paths that it embeds as the model before does (`alike`) need nothing, but where it wants means over
        slots and that one did not: frames that came and went between two slots have no embedding yet.
        """
        known = [
            path
            for path, embedder in self._paths.items()
            if path in alike and (embedder.model.card.slot_means or not model.card.slot_means)
        ]
        self._coming = {path: self._embedder(model, path, since) for path in self._every if path not in known}

    @property
    def prepared(self) -> bool:
        """Whether a model that will take over has come to the newest frame."""
        return all(embedder.caught_up for embedder in self._coming.values())

    def take_over(self, model: Model) -> None:
        """Go on with the model that was prepared, or that embeds every path alike."""
        coming, self._coming = self._coming, {}
        for path, embedder in self._paths.items():
            if path not in coming:  # one that goes may just be at work in the thread that encodes
                embedder.model = model
        self._paths = {**self._paths, **coming}

    def embeddings(
        self, number: IndexArray, at_points: IndexArray | None = None
    ) -> tuple[dict[str, NDArray[np.float32]], BoolArray]:
        """Embeddings of the frames at an interval's slots, and which slots have all of theirs.

        Parameters
        ----------
        number : array of shape (n_slots,), int64
            Order of arrival of the frame at each slot, -1 where none.
        at_points : array of shape (n_slots · points a slot,), int64, optional
            The same at each point, for means over the slots (`realtime.model.means_of`).
        """
        ready = np.ones(len(number), bool)
        found = {}
        for path, every in self._every.items():
            rows, there = self._paths[path].read(number[::every])
            ready[::every] &= there
            if rows is not None:
                found[path] = rows
                if at_points is not None and every == 1:
                    missing = (at_points >= 0) & ~self._paths[path].holds(at_points)
                    ready &= ~missing.reshape(len(number), -1).any(axis=1)
                    found[means_of(path)] = slot_means(at_points, len(number), self._paths[path].held)
        return found, ready

    def health(self) -> VideoHealth:
        """Return the source's health with what was counted here."""
        health = self.source.health()
        late = f"too slow for every frame: {self.thinned} show the one before" if self.thinned else ""
        dropped = max(health.dropped, self.lost)
        return replace(
            health, frames=self.n_frames, dropped=dropped, thinned=self.thinned, note=health.note or late
        )
