"""The one clock: LSL's local clock, in seconds as float64 (CLOCK_MONOTONIC on Linux)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Anything that tells the time of the pipeline and can wait for it."""

    def now(self) -> float:
        """Seconds on the LSL clock."""
        ...

    def sleep_until(self, deadline: float) -> None:
        """Return no earlier than `deadline` (seconds on this clock)."""
        ...


class LslClock:
    """The machine's LSL clock."""

    def now(self) -> float:
        # pylsl.local_clock() is time.monotonic() on Linux; importing liblsl only to read it would make
        # replay and training depend on a library they do not otherwise need.
        return time.monotonic()

    def sleep_until(self, deadline: float) -> None:
        while (left := deadline - self.now()) > 0:
            time.sleep(left)


class ManualClock:
    """A clock that stands still until it is moved: for replay at full speed and for tests."""

    def __init__(self, start: float = 0.0):
        self._now = float(start)

    def now(self) -> float:
        return self._now

    def sleep_until(self, deadline: float) -> None:
        self._now = max(self._now, float(deadline))


class Ticker:
    """Absolute deadlines on a grid of `period_s`: a late tick is skipped and counted, never made up for.

    Parameters
    ----------
    period_s : float
        Distance between two deadlines in seconds; deadlines are multiples of it on the clock.
    now : callable
        Returns the time in seconds.
    """

    def __init__(self, period_s: float, now: Callable[[], float]):
        self.period_s = period_s
        self.skipped = 0
        self._now = now
        self._tick = int(now() // period_s)

    def next_deadline(self) -> float:
        """The next multiple of the period in the future; those already past are counted as skipped."""
        due = self._tick + 1
        upcoming = int(self._now() // self.period_s) + 1
        if upcoming > due:
            self.skipped += upcoming - due
            due = upcoming
        self._tick = due
        return due * self.period_s
