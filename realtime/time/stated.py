"""Stamps that are no numbers: their samples keep their place."""

from __future__ import annotations

import numpy as np

from realtime.types import FloatArray, TimeArray


class StatedTimes:
    """Puts a sample without a time a period after the one before it.

    Samples before the very first time wait for it.

    Parameters
    ----------
    period : float
        Seconds between two samples.

    Attributes
    ----------
    missing : int
        Samples that came without a time.
    """

    def __init__(self, period: float):
        self.missing = 0
        self._period = period
        self._last: float | None = None
        self._early: list[FloatArray] = []

    def fill(self, stamps: TimeArray, samples: FloatArray) -> tuple[TimeArray, FloatArray]:
        """Return stamps (n,) that are all numbers, and their samples (n, n_channels)."""
        known = np.isfinite(stamps)
        if not len(stamps):
            return stamps, samples
        if known.all() and not self._early:
            self._last = float(stamps[-1])
            return stamps, samples
        self.missing += int(np.count_nonzero(~known))
        if self._last is None:
            self._early.append(samples)
            if not known.any():
                return stamps[:0], samples[:0]
            n_early = sum(map(len, self._early)) - len(samples)
            samples, self._early = np.concatenate(self._early), []
            first = n_early + int(np.argmax(known))
            stamps = np.concatenate([np.full(n_early, np.nan), stamps])
            stamps[:first] = stamps[first] - self._period * np.arange(first, 0, -1)
            known = np.isfinite(stamps)
        number = np.arange(len(stamps))
        before = np.maximum.accumulate(np.where(known, number, -1))
        anchor = np.where(before >= 0, stamps[np.maximum(before, 0)], self._last or 0.0)
        filled = np.where(known, stamps, anchor + self._period * (number - before))
        self._last = float(filled[-1])
        return filled, samples
