"""Is a sender's clock still the one it was? Looked at with every chunk, by when the samples arrive."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from realtime.errors import StreamFormatError
from realtime.types import ClockOffset, TimeArray

_FOREIGN_CLOCK_S = 60.0  # at first: stamps further than this from now are of another clock
_SET_S = 1.5  # a step by more than this, to a time that cannot be, is a clock that was set
_JOINS_ON_S = 0.5  # where arrival agrees to within this, nothing was lost while it was set
_LAG_MEMORY_S = 30.0  # how long the shortest way from stamp to arrival counts, at least


class Anchor:
    """Follows how a sender's stamps lie to their arrival, and moves the offset where they leap.

    The move is an offset like a measured one, so a recording holds it, and a replay follows.

    Parameters
    ----------
    period : float
        Seconds between two samples.
    now : callable
        Our clock, seconds.
    tolerant : bool
        Whether the clock may be anything from the start; else a foreign one is refused.

    Attributes
    ----------
    events : list of str
        What was seen, in sentences.
    """

    def __init__(self, period: float, now: Callable[[], float], *, tolerant: bool):
        self.events: list[str] = []
        self._period, self._now, self._tolerant = period, now, tolerant
        self._value: float | None = None  # as measured
        self._shift = 0.0  # added to that since the clock was set
        self._lag = _Shortest()
        self._last = math.nan

    def measured(self, value: float, stamp: float, name: str) -> float:
        """Take a measured offset; returns the one that holds.

        Raises
        ------
        StreamFormatError
            The first one shows that the sender keeps another time.
        """
        if self._value is None and not self._tolerant:
            self._check(stamp + value - self._now(), name)
        if self._value is not None and abs(value - self._value) > _SET_S and self._shift:
            expected = self._now() - self._lag.least
            if abs(stamp + value - expected) < abs(stamp + value + self._shift - expected):
                self._shift = 0.0  # LSL's exchange has followed
        self._value = value
        return value + self._shift

    def watch(self, stamps: TimeArray, *, waited: bool = False) -> ClockOffset | None:
        """See whether the clock was set among stamps (n,) that have just come; the offset from there on.

        `waited` says that more of them wait: they came late, so when they came says nothing of a clock.
        """
        if self._value is None:
            return None
        offset = self._value + self._shift
        steps = np.diff(stamps, prepend=self._last)
        ahead = float(stamps[-1]) + offset - self._now()
        before, self._last = self._last, float(stamps[-1])
        k = int(np.argmax(np.abs(steps))) if np.isfinite(steps).all() else 0
        leapt = bool(abs(steps[k]) > _SET_S) and (ahead > _SET_S or steps[k] < 0)
        strange = not self._lag.known and self._tolerant and abs(ahead) > _FOREIGN_CLOCK_S
        if not (leapt or strange):
            self._lag.add(self._now(), -ahead)
            return None
        moved = self._now() - self._lag.least - float(stamps[-1])
        if leapt:
            previous = float(stamps[k - 1]) if k else before
            joined = previous + offset + self._period - float(stamps[k])
            moved = joined if waited or abs(joined - moved) < _JOINS_ON_S else moved
        self._shift = moved - self._value
        self.events.append(
            f"the sender's clock was set by {offset - moved:+.6g} s: time goes on where it was"
        )
        return ClockOffset(float(stamps[k]) + moved, moved)

    def _check(self, ahead_s: float, name: str) -> None:
        if abs(ahead_s) > _FOREIGN_CLOCK_S:
            side = "ahead of" if ahead_s > 0 else "behind"
            raise StreamFormatError(
                f"the stamps of '{name}' lie {abs(ahead_s):.4g} s {side} this machine's LSL clock: its "
                "sender keeps another time (Unix time?). Set its sender to LSL time, or use --clock arrival."
            )


class _Shortest:
    """The shortest way from stamp to arrival in the last half minute or more: what waits, waits longer."""

    def __init__(self) -> None:
        self._before = self._since = math.inf
        self._begun = -math.inf

    @property
    def known(self) -> bool:
        return math.isfinite(min(self._before, self._since))

    @property
    def least(self) -> float:
        """Seconds; 0 before the first."""
        return min(self._before, self._since) if self.known else 0.0

    def add(self, now: float, lag: float) -> None:
        if now - self._begun > _LAG_MEMORY_S:
            self._before, self._since, self._begun = self._since, math.inf, now
        self._since = min(self._since, lag)
