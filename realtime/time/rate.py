"""A running estimate of how many frames or samples come in a second."""

from __future__ import annotations


class RateMeter:
    """Events a second from their stamps: the mean step over about the last `memory` events.

    Written by one thread; `per_second` may be read by any.
    """

    def __init__(self, memory: int = 60):
        self._memory = memory
        self._n = 0
        self._last = 0.0
        self._step_s = 0.0

    def add(self, stamp: float) -> None:
        """Note an event at `stamp`, seconds."""
        if self._n:
            # A plain mean at first, an exponential one once enough events have come.
            self._step_s += (stamp - self._last - self._step_s) / min(self._n, self._memory)
        self._last = stamp
        self._n += 1

    @property
    def per_second(self) -> float:
        """0 before the second event."""
        return 1 / self._step_s if self._step_s > 0 else 0.0
