"""The embeddings of the newest frames of one path, by the frame's number, and what makes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from realtime.align import FrameHistory
from realtime.model import Model
from realtime.types import BoolArray, IndexArray, TimeArray
from realtime.video.due import frames_due, within_budget

_AT_LEAST = 8  # frames that one call goes on by, thinned where there is no time for all, so that it arrives


class EmbeddingRing:
    """Fixed memory for the newest `capacity` frames; what was overwritten is not there any more.

    Written by one thread, read by another: a row that is overwritten while it is read has its number changed.

    Parameters
    ----------
    capacity : int
        As many as the frames' own history keeps.

    Attributes
    ----------
    newest : int
        Number of the newest frame with an embedding of its own; -1 before the first.
    """

    def __init__(self, capacity: int):
        self.newest = -1
        self._rows: NDArray[np.float32] | None = None
        self._number = np.full(capacity, -1, np.int64)

    def write(self, numbers: Sequence[int], rows: NDArray[np.float32]) -> None:
        """Keep `rows`, of shape (n, n_patches, width), of the frames with these numbers, in rising order."""
        if self._rows is None:
            self._rows = np.zeros((len(self._number), *rows.shape[1:]), np.float32)
        for number, row in zip(numbers, rows, strict=True):
            self._rows[number % len(self._number)] = row
            self._number[number % len(self._number)] = number
        self.newest = numbers[-1]

    def stand_in(self, due: Sequence[int], before: int) -> int:
        """Give each due frame that has none the embedding of the one before it.

        `before` is the newest that had one when the first of `due` came. Returns how many had none.
        """
        without, capacity = 0, len(self._number)
        for number in due:
            if self._holds(number):
                before = number
                continue
            without += 1
            if self._rows is not None and before >= 0 and self._holds(before):
                self._rows[number % capacity] = self._rows[before % capacity]
                self._number[number % capacity] = number
        return without

    def read(self, wanted: IndexArray) -> tuple[NDArray[np.float32] | None, BoolArray]:
        """Copy the embeddings of the frames numbered `wanted`, of shape (n,).

        Returns
        -------
        rows : array of shape (n, n_patches, width), or None
            0 where there is none; None before the first embedding.
        there : array of shape (n,), bool
        """
        there = self.holds(wanted)
        if self._rows is None:
            return None, there
        rows = self._rows[wanted % len(self._number)]
        rows[~there] = 0.0
        return rows, there

    def holds(self, wanted: IndexArray) -> BoolArray:
        """Say of which of the frames numbered `wanted`, of shape (n,), there is an embedding."""
        held: BoolArray = (wanted >= 0) & (self._number[wanted % len(self._number)] == wanted)
        return held

    def _holds(self, number: int) -> bool:
        return bool(self._number[number % len(self._number)] == number)


class PathEmbedder:
    """Has a model embed the frames of one path of one video, each once; called by one thread.

    Parameters
    ----------
    model : Model
        May be replaced, between two calls, by one that embeds this path alike.
    path : str
    frames : FrameHistory
    number : int
        Which video they are of.
    stopwatch : callable
        Tells what a batch of frames took, seconds.
    since : float
        Frames that were off the screen before this time are left out.

    Attributes
    ----------
    thinned : int
        Frames that were due and not embedded, for want of time.
    caught_up : bool
        Whether the last `catch_up` has come to the newest frame.
    """

    def __init__(
        self,
        model: Model,
        path: str,
        frames: FrameHistory,
        number: int,
        stopwatch: Callable[[], float],
        *,
        since: float = -math.inf,
    ):
        self.model, self.thinned, self.caught_up = model, 0, False
        self.cost_s = 0.0  # of one frame, in the last batch
        self._path, self._frames, self._number, self._stopwatch = path, frames, number, stopwatch
        self._ring = EmbeddingRing(frames.times.capacity)
        first, stamps = frames.times.tail("stamp")
        self._next = first + max(0, int(np.searchsorted(stamps, since, side="right")) - 1)

    def encode(self, now: float, budget_s: float) -> bool:
        """Embed what is due, as `VideoIntake.encode` says; True if there was anything."""
        first, stamps = self._frames.times.tail("stamp")
        due = self._due(first, stamps, now)
        settled = first + len(stamps) - 1  # the newest may still come on show
        self._next = max(self._next, first, settled if settled not in due else settled + 1)
        self._embed(due, within_budget(due, budget_s, self.cost_s))
        return bool(due)

    def catch_up(self, now: float, budget_s: float) -> None:
        """Embed some of what is due, the oldest first.

        Frames are thinned where the budget would not bring it to the newest.
        """
        due = self._due(*self._frames.times.tail("stamp"), now)
        most = len(due) if math.isinf(budget_s) else int(budget_s / self.cost_s) if self.cost_s else 1
        part = due[: max(_AT_LEAST, most)] if self.cost_s or math.isinf(budget_s) else due[:1]
        self.caught_up = len(part) == len(due)
        if self.caught_up:
            self.encode(now, budget_s)
        else:
            self._next = part[-1] + 1
            self._embed(part, within_budget(part, budget_s, self.cost_s))

    def read(self, wanted: IndexArray) -> tuple[NDArray[np.float32] | None, BoolArray]:
        """Copy embeddings out: rows (n, n_patches, width) and there (n,), see `EmbeddingRing.read`."""
        return self._ring.read(wanted)

    def holds(self, wanted: IndexArray) -> BoolArray:
        """Say of which frames (n,) there is an embedding."""
        return self._ring.holds(wanted)

    def held(self, wanted: IndexArray) -> tuple[NDArray[np.float32], BoolArray]:
        """Copy the same out: rows (n, n_patches, width), there (n,); something was embedded before."""
        rows, there = self._ring.read(wanted)
        assert rows is not None
        return rows, there

    def _due(self, first: int, stamps: TimeArray, now: float) -> list[int]:
        """Numbers of the frames from the next on that a slot up to `now` shows."""
        start, card = max(self._next, first), self.model.card
        every = card.paths[self._path]
        hz = card.grid.eeg_hz if card.slot_means and every == 1 else card.grid.slots_hz
        shown = frames_due(stamps[start - first :], hz, every, now)
        return [start + position for position in shown]

    def _embed(self, due: list[int], chosen: list[int]) -> None:
        """Embed the chosen ones of the frames that are due; the others show the one before."""
        before = self._ring.newest
        images = {n: image for n in chosen if (image := self._frames.image(n)) is not None}
        if images:
            begin = self._stopwatch()
            rows = self.model.encode(list(images.values()), self._path, self._number)
            self.cost_s = (self._stopwatch() - begin) / len(images)
            self._ring.write(list(images), rows)
        self.thinned += self._ring.stand_in(due, before)
