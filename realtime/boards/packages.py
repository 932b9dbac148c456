"""From packages as they arrive to samples at steady times: the packages' own count tells what is missing."""

from __future__ import annotations

import numpy as np

from realtime.time.stamps import StampFitter
from realtime.types import EegChunk, FloatArray, IndexArray, RawChunk, TimeArray

_BURST_S = 0.25  # packages may come closer together than they were sent by this much


class PackageCounter:
    """How many samples are missing before each sample, by the number of the package it came in.

    Headsets count in different ways: by ones or twos, one sample in a package or a dozen, up to 200, 255 or
    65535 and then from the start. All of that is learned from the numbers themselves: the smallest step, the
    longest run of one number, the lowest and the highest. A jump counts as a loss only if there was time for
    so many samples since the one before: some headsets begin a new count when they change their format.
    What is lost where the count first begins anew cannot be told and is taken as nothing.

    Parameters
    ----------
    rate : float
        Samples a second.

    Attributes
    ----------
    in_package : int
        Samples that come in one package, as far as is known.
    """

    def __init__(self, rate: float):
        self._rate = rate
        self.in_package = 1
        self._step = np.inf
        self._low, self._high = np.inf, -np.inf
        self._run = 0  # samples so far in the newest package
        self._last: tuple[float, float] | None = None  # number and stamp of the newest sample

    def missing(self, numbers: TimeArray, stamps: TimeArray) -> IndexArray:
        """Return samples lost before each of these.

        Parameters
        ----------
        numbers : array of shape (n_samples,)
            Of the packages, one for each sample.
        stamps : array of shape (n_samples,), float64 s
            When they arrived.

        Returns
        -------
        array of shape (n_samples,), int64
        """
        lost = np.zeros(len(numbers), np.int64)
        if not len(numbers):
            return lost
        last = self._last or (float(numbers[0]), float(stamps[0]))
        change = np.diff(numbers, prepend=last[0])
        at = np.flatnonzero(change)
        step, low, high, run = self._learn(at, change[at], numbers, last[0])
        ahead = np.where(change[at] > 0, change[at] - step, (change[at] - step) % (high - low + step))
        n = np.round(ahead / step) * run
        elapsed = np.diff(stamps, prepend=last[1])[at]
        lost[at] = np.where(n <= (elapsed + _BURST_S) * self._rate, n, 0)
        self._last = float(numbers[-1]), float(stamps[-1])
        return lost

    def _learn(
        self, at: IndexArray, change: TimeArray, numbers: TimeArray, last: float
    ) -> tuple[TimeArray, TimeArray, TimeArray, TimeArray]:
        """Return what is known of the count at each change: step, lowest, highest, samples in a package."""
        steps = np.minimum.accumulate(np.append(self._step, np.where(change > 0, change, np.inf)))
        seen = np.append(last, numbers[at])
        lows = np.minimum.accumulate(np.append(self._low, seen))[1:]
        highs = np.maximum.accumulate(np.append(self._high, seen))[1:]
        runs = np.maximum.accumulate(np.append(self.in_package, np.diff(at, prepend=-self._run)))
        self._step, self._low, self._high, self.in_package = steps[-1], lows[-1], highs[-1], int(runs[-1])
        self._run = len(numbers) - int(at[-1]) if len(at) else self._run + len(numbers)
        return np.where(np.isfinite(steps[1:]), steps[1:], 1.0), lows[1:], highs[1:], runs[1:]


class SteadyStamps:
    """Gives samples regular times, from when their packages arrived and how these were counted.

    Arrival is regressed on sample number (`realtime.time.stamps`), and a sample that was lost keeps its
    number: so the times of those that follow stay right, and a gap is as long as what is missing. Where a
    counts nothing, gaps are found by the clock alone.

    Parameters
    ----------
    rate : float
        Samples a second, nominally.
    n_channels : int

    Attributes
    ----------
    lost : int
        Samples that are missing so far: by the count, and by the clock where the count says less.
    """

    def __init__(self, rate: float, n_channels: int):
        self._rate, self._n_channels = rate, n_channels
        self._counter = PackageCounter(rate)
        self._fitter = StampFitter(rate)
        self._counted = 0

    @property
    def lost(self) -> int:
        """Packages missing so far."""
        return self._counted + self._fitter.lost_samples

    def push(
        self, samples: FloatArray, stamps: TimeArray, numbers: TimeArray | None = None
    ) -> tuple[FloatArray, TimeArray]:
        """Take samples in; give out those whose times are decided (the first after half a second).

        Parameters
        ----------
        samples : array of shape (n, n_channels)
        stamps : array of shape (n,), float64 s
            When they arrived.
        numbers : array of shape (n,), optional
            Of their packages.

        Returns
        -------
        samples : array of shape (n_done, n_channels), float32
        stamps : array of shape (n_done,), float64 s, rising
        """
        missing = np.zeros(len(stamps), np.int64)
        if numbers is not None:
            missing = self._counter.missing(numbers, stamps)
        self._counted += int(missing.sum())
        rows = RawChunk(*self._with_places_of_the_lost(samples, stamps, missing))
        return self._without_the_lost(self._fitter.push(rows))

    def flush(self) -> tuple[FloatArray, TimeArray]:
        """Give out what is held back, at the end: samples (n, n_channels), as from `push`."""
        return self._without_the_lost(self._fitter.flush())

    def _without_the_lost(self, chunks: list[EegChunk]) -> tuple[FloatArray, TimeArray]:
        done = np.concatenate([np.zeros((0, self._n_channels + 1), np.float32), *(c.samples for c in chunks)])
        times = np.concatenate([np.zeros(0), *(chunk.stamps for chunk in chunks)])
        there = done[:, -1] > 0
        return done[there, :-1], times[there]

    def _with_places_of_the_lost(
        self, samples: FloatArray, stamps: TimeArray, missing: IndexArray
    ) -> tuple[FloatArray, TimeArray]:
        """Return samples with a last column of 1, and rows of 0 where some are missing."""
        rows = np.column_stack([samples, np.ones(len(samples))]).astype(np.float32)
        if not missing.any():
            return rows, stamps
        at = np.repeat(np.arange(len(samples)), missing)
        until_next = np.concatenate([np.arange(n, 0, -1) for n in missing])
        packages = -(-until_next // self._counter.in_package)
        arrived = stamps[at] - packages * self._counter.in_package / self._rate
        return np.insert(rows, at, 0, axis=0), np.insert(stamps, at, arrived)
