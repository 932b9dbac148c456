"""The one clock: LSL's local clock, in seconds as float64 (CLOCK_MONOTONIC on Linux)."""

from __future__ import annotations

import time
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
        """Seconds on this clock."""
        # pylsl.local_clock() is time.monotonic() on Linux; importing liblsl only to read it would make
        # replay and training depend on a library they do not otherwise need.
        return time.monotonic()

    def sleep_until(self, deadline: float) -> None:
        """Return no earlier than `deadline`, seconds on this clock."""
        while (left := deadline - self.now()) > 0:
            time.sleep(left)


class ManualClock:
    """A clock that stands still until it is moved: for replay at full speed and for tests."""

    def __init__(self, start: float = 0.0):
        self._now = float(start)

    def now(self) -> float:
        """Seconds on this clock."""
        return self._now

    def sleep_until(self, deadline: float) -> None:
        """Return no earlier than `deadline`, seconds on this clock."""
        self._now = max(self._now, float(deadline))

    def set(self, now: float) -> None:
        """Move to `now`, forwards or back (a seek)."""
        self._now = float(now)
