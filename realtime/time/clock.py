"""The one clock: LSL's local clock, in seconds as float64 (CLOCK_MONOTONIC on Linux)."""

from __future__ import annotations

import time
from typing import Protocol

from realtime.errors import RunError

_ONE_CLOCK_S = 0.02  # Windows' monotonic clock ticks every 16 ms


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


def check_lsl_clock() -> float:
    """Return how far LSL's local clock is from the one that `LslClock` reads, seconds.

    Raises
    ------
    RunError
        They are not one clock on this system.
    """
    import pylsl

    before = time.monotonic()
    lsl = float(pylsl.local_clock())
    apart = lsl - (before + time.monotonic()) / 2
    if abs(apart) > _ONE_CLOCK_S:
        raise RunError(
            f"LSL's clock is {apart:.3f} s away from this system's monotonic clock, so times of EEG and "
            "video would not agree: please report your system and version of Python"
        )
    return apart


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
