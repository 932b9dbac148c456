"""From a sender's clock to ours by measured offsets, smoothed, each from its own moment on."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

from realtime.types import ClockOffset, IndexArray, TimeArray

RESET_S = 1.0  # between two measurements no clock drifts this far: the sender was restarted
_KEPT = 60  # measurements that count, five minutes at one each 5 s
_TRUST_S = 5e-4  # a measurement this near to the others is taken as it is (liblsl: about 0.2 ms)
_STEP_S = 1e-3  # the most that one may move the offset by,
_DELAY_S = 1.0  # beginning so long after it was made: by then it is known wherever the sample is read
_SLEW_S = 2.0  # and slowly, within this time
_DRIFT = 2e-5  # how far the rates of two clocks differ (relative, 1 sd)


class ClockOffsets:
    """Puts stamps on our clock, each by the offset that held when it was made.

    A measurement takes effect at its own moment on the sender's clock (`collected - value`), and the first
    one before that too. So the result is a function of stamps and offsets alone: it is the same live,
    replayed and offline, as long as an offset is given no later than the first sample it applies to (all of
    them at once is as good).

    Within an era, a run of the sender's clock, the first measurement is the base; how the later ones differ
    from it is smoothed and slewed, so that a measurement never makes time leap. Where two measurements differ
    by more than `RESET_S` the sender's clock started anew (a reboot, another machine) and a new era begins.
    Stamps pass from one era to another only where they jump by more than `RESET_S` themselves, and then to
    the era whose measurements are nearest.
    """

    def __init__(self) -> None:
        self._eras: list[_Era] = []
        self._current = 0
        self._last = np.nan

    def add(self, offset: ClockOffset) -> None:
        """Take in one measurement; they come in the order in which they were made."""
        if not (math.isfinite(offset.value) and math.isfinite(offset.collected)):
            return
        near = [era for era in self._eras if abs(offset.value - era.measured[-1]) <= RESET_S]
        if not near:
            near.append(_Era())
            self._eras.append(near[0])
        near[-1].add(offset)

    def correct(self, stamps: TimeArray) -> TimeArray:
        """Return stamps of shape (n_samples,), in the order they came, as seconds on our clock."""
        based, eras = self.based(stamps)
        return self.slewed(based, eras)

    def based(self, stamps: TimeArray) -> tuple[TimeArray, IndexArray]:
        """Put stamps on our clock by the base of their era alone.

        Parameters
        ----------
        stamps : array of shape (n_samples,), float64 s, in the order they came

        Returns
        -------
        times : array of shape (n_samples,), float64 s
        eras : array of shape (n_samples,), int64
            Number of each one's era, for `slewed`.
        """
        eras = np.full(len(stamps), self._current, np.int64)
        if not len(stamps) or not self._eras:
            return stamps, eras
        if len(self._eras) > 1:
            steps = np.diff(stamps, prepend=self._last)
            borders = np.flatnonzero(~(np.abs(steps) <= RESET_S))  # the very first stamp counts as a jump
            for start, stop in itertools.pairwise([*borders, len(stamps)]):
                self._current = self._nearest_era(stamps[start])
                eras[start:stop] = self._current
        self._last = stamps[-1]
        return stamps + np.array([era.base for era in self._eras])[eras], eras

    def slewed(self, times: TimeArray, eras: IndexArray) -> TimeArray:
        """Add to times on the base of their era what has been measured since; shapes (n_samples,)."""
        if all(era.steady for era in self._eras):
            return times
        result = times.copy()
        for number in np.unique(eras):
            chosen = eras == number
            result[chosen] += self._eras[number].since_base(times[chosen])
        return result

    def _nearest_era(self, stamp: float) -> int:
        distance = [era.distance(stamp) for era in self._eras]
        nearest = int(np.argmin(distance))
        return self._current if distance[self._current] <= distance[nearest] else nearest


class _Era:
    """Offsets of one run of the sender's clock: `since[i]` is when `values[i]` takes effect.

    A measurement is believed to within `_TRUST_S` of what those of the last minutes say together, and never
    moves the offset by more than `_STEP_S`: over a radio link it is easily some milliseconds wrong.
    """

    def __init__(self) -> None:
        self.since: list[float] = []
        self.values: list[float] = []
        self.measured: list[float] = []
        self._knots: list[float] = []  # times on the base between which the offset moves,
        self._moved: list[float] = []  # and how far it has moved from the base by then

    @property
    def base(self) -> float:
        """The first value."""
        return self.values[0]

    @property
    def steady(self) -> bool:
        """Whether every measurement gave the base."""
        return not self._knots

    def add(self, offset: ClockOffset) -> None:
        since = offset.collected - offset.value
        self.since.append(max(since, self.since[-1]) if self.since else since)
        self.measured.append(offset.value)
        self.values.append(self._believed())
        moved = self.values[-1] - self.base
        if moved != (self._moved[-1] if self._moved else 0.0):
            begin = max([self.since[-1] + self.base + _DELAY_S, *self._knots[-1:]])
            self._knots += [begin, begin + _SLEW_S]
            self._moved += [self._moved[-1] if self._moved else 0.0, moved]

    def _believed(self) -> float:
        """Return what the newest measurement comes to in the light of those before it."""
        measured = self.measured[-1]
        if not self.values:
            return measured
        level, slope = _line_at_end(np.array(self.since[-_KEPT:]), np.array(self.measured[-_KEPT:]))
        value = min(max(measured, level - _TRUST_S), level + _TRUST_S)
        expected = self.values[-1] + slope * (self.since[-1] - self.since[-2])
        return min(max(value, expected - _STEP_S), expected + _STEP_S)

    def distance(self, stamp: float) -> float:
        return max(self.since[0] - stamp, stamp - self.since[-1], 0.0)

    def since_base(self, times: TimeArray) -> NDArray[np.float64]:
        """Return how far the offset has moved from the base by these times (n,), which are on the base."""
        if not self._knots:
            return np.zeros(len(times))
        first = max(0, bisect_right(self._knots, times.min()) - 1)
        stop = bisect_right(self._knots, times.max()) + 1
        return np.interp(times, self._knots[first:stop], self._moved[first:stop])


def _line_at_end(times: TimeArray, values: TimeArray) -> tuple[float, float]:
    """Value at the last time, and slope, of a robust line whose slope is not steeper than clocks drift.

    Ridge regression: the noisier the measurements, the less is said of a drift (Hoerl & Kennard 1970).
    """
    step = np.diff(values)
    noise = 1.4826 * float(np.median(np.abs(step - np.median(step)))) / np.sqrt(2) if len(step) > 1 else 0.0
    noise = max(noise, 0.0 if len(step) > 1 else float(np.abs(step[0])), 1e-6)
    middle = float(np.median(values - values[-1])) + values[-1]
    reach = 5 * noise + _DRIFT * (times[-1] - times[0])
    clipped = np.clip(values, middle - reach, middle + reach)
    t = times - times.mean()
    slope = float(np.sum(t * clipped) / (np.sum(t * t) + (noise / _DRIFT) ** 2))
    return float(clipped.mean() + slope * t[-1]), slope
