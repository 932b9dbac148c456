"""Samples on their way through the stamp fitter: those that wait, and those that are done."""

from __future__ import annotations

import numpy as np

from realtime.types import EegChunk, FloatArray, TimeArray


class Kept:
    """Return how many samples wait."""

    def __init__(self) -> None:
        self._parts: list[tuple[TimeArray, FloatArray]] = []
        self._n = 0

    def __len__(self) -> int:
        """Return how many samples wait."""
        return self._n

    def add(self, times: TimeArray, samples: FloatArray) -> None:
        """Append samples: times of shape (n,), values of shape (n, n_channels)."""
        self._parts.append((times, samples))
        self._n += len(times)

    def peek(self) -> tuple[TimeArray, FloatArray]:
        """Return all that wait: times of shape (n,), values of shape (n, n_channels)."""
        times, samples = zip(*self._parts, strict=True)
        return np.concatenate(times), np.concatenate(samples)

    def take(self) -> tuple[TimeArray, FloatArray]:
        """Return all there is, samples (n, n_channels) and times (n,), and begin empty."""
        both = self.peek()
        self._parts, self._n = [], 0
        return both


class Given:
    """Gathers what one call gives out, a chunk for each segment."""

    def __init__(self) -> None:
        self._done: list[EegChunk] = []
        self._parts: list[tuple[FloatArray, TimeArray]] = []
        self._gap_before = False

    def add(self, samples: FloatArray, stamps: TimeArray) -> None:
        """Append samples: times of shape (n,), values of shape (n, n_channels)."""
        self._parts.append((samples, stamps))

    def begin_segment(self) -> None:
        """Have what is added next begin a segment of its own."""
        self._finish()
        self._gap_before = True

    def take(self) -> list[EegChunk]:
        """Return all there is, samples (n, n_channels) and times (n,), and begin empty."""
        self._finish()
        done, self._done = self._done, []
        return done

    def _finish(self) -> None:
        if not self._parts:
            return
        samples, stamps = zip(*self._parts, strict=True)
        single = len(samples) == 1
        self._done.append(
            EegChunk(
                samples[0] if single else np.concatenate(samples),
                stamps[0] if single else np.concatenate(stamps),
                self._gap_before,
            )
        )
        self._parts, self._gap_before = [], False
