"""From a sender's clock to ours: measured offsets, each valid from its own moment on the sender's clock."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from realtime.types import ClockOffset, TimeArray

RESET_S = 1.0  # between two measurements no clock drifts this far: the sender was restarted


class ClockOffsets:
    """Adds to each stamp the offset that held when it was made.

    A sample stamped `s` by its sender takes the last offset measured at or before `s` on the sender's clock
    (`collected - value <= s`), and the first offset before that. So the result is a function of stamps and
    offsets alone: it is the same live, replayed and offline, as long as an offset is given no later than the
    first sample it applies to (all of them at once is as good).

    Where two offsets differ by more than `RESET_S` the sender's clock started anew (a reboot, another
    machine) and a new era begins. Stamps pass from one era to another only where they jump by more than
    `RESET_S` themselves, and then to the era whose measurements are nearest.
    """

    def __init__(self) -> None:
        self._eras: list[_Era] = []
        self._current = 0
        self._last = np.nan

    def add(self, offset: ClockOffset) -> None:
        """Take in one measurement; they come in the order in which they were made."""
        if not self._eras or abs(offset.value - self._eras[-1].values[-1]) > RESET_S:
            self._eras.append(_Era())
        self._eras[-1].add(offset)

    def correct(self, stamps: TimeArray) -> TimeArray:
        """Stamps of shape (n_samples,), in the order they came, as seconds on our clock."""
        if not len(stamps) or not self._eras:
            return stamps
        if len(self._eras) == 1:
            self._last = stamps[-1]
            return self._eras[0].correct(stamps)
        steps = np.diff(stamps, prepend=self._last)
        borders = np.flatnonzero(~(np.abs(steps) <= RESET_S))  # the very first stamp counts as a jump
        corrected = np.empty_like(stamps)
        for start, stop in zip([0, *borders], [*borders, len(stamps)], strict=True):
            if start == stop:
                continue
            if start in borders:
                self._current = self._nearest_era(stamps[start])
            corrected[start:stop] = self._eras[self._current].correct(stamps[start:stop])
        self._last = stamps[-1]
        return corrected

    def _nearest_era(self, stamp: float) -> int:
        distance = [era.distance(stamp) for era in self._eras]
        nearest = int(np.argmin(distance))
        return self._current if distance[self._current] <= distance[nearest] else nearest


class _Era:
    """Offsets of one run of the sender's clock: `since[i]` is when `values[i]` takes effect."""

    def __init__(self) -> None:
        self.since: list[float] = []
        self.values: list[float] = []

    def add(self, offset: ClockOffset) -> None:
        since = offset.collected - offset.value
        self.since.append(max(since, self.since[-1]) if self.since else since)
        self.values.append(offset.value)

    def distance(self, stamp: float) -> float:
        return max(self.since[0] - stamp, stamp - self.since[-1], 0.0)

    def correct(self, stamps: TimeArray) -> TimeArray:
        first = bisect_right(self.since, stamps.min())
        last = bisect_right(self.since, stamps.max())
        if first == last:
            return stamps + self.values[max(first - 1, 0)]
        which = np.searchsorted(self.since, stamps, side="right") - 1
        corrected: TimeArray = stamps + np.asarray(self.values)[np.maximum(which, 0)]
        return corrected
