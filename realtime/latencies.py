"""How long readings took, of the last hour and more."""

from __future__ import annotations

import numpy as np

_KEPT = 16384  # an hour and more at the default hop


class Latencies:
    """From an interval's end to its reading, milliseconds; the oldest make room."""

    def __init__(self) -> None:
        self._ms = np.zeros(_KEPT)
        self._n = 0

    def add(self, ms: float) -> None:
        """Take in one more."""
        self._ms[self._n % _KEPT] = ms
        self._n += 1

    def told(self) -> dict[str, float]:
        """p50, p95, p99 and max; empty before the first."""
        known = self._ms[: min(self._n, _KEPT)]
        if not len(known):
            return {}
        p50, p95, p99 = np.percentile(known, [50, 95, 99])
        return {"p50": float(p50), "p95": float(p95), "p99": float(p99), "max": float(known.max())}
