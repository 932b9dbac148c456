"""A stretch of samples without a gap: the line their times lie on, and how far off it a stamp may be."""

from __future__ import annotations

import math

import numpy as np

from realtime.time.timeline import Start
from realtime.types import TimeArray

_OFF_SAMPLES = 2.5  # a stamp is off the line if further from it than this many samples,
_OFF_S = 1.5e-3  # than this (a measured clock offset may step by a millisecond),
_OFF_ENVELOPE = 2.0  # and than this times the usual deviation,
_OFF_MOST_S = 1.0  # but never more than this
_ENVELOPE_MEMORY_S = 60.0
_SCATTER_MEMORY = 64  # blocks
_SHIFT_BLOCKS = 8  # stamps to one side of the line for so many blocks mean that the line is wrong
_SHIFT_LEAST = 4  # where at least this many of them had a stamp of their own
_SHIFT_GAP_S = 2e-3  # and that samples are missing, if by more than this
_SQUEEZE = 0.1  # least distance between two times, in samples, while the line is moved back


class Segment:
    """Follows the stamps of a running segment block by block.

    Parameters
    ----------
    start : Start
        The line through the segment's first samples.
    times : array of shape (n_samples,), s
        Their stamps on our clock.
    block : int
        Samples to a block.
    envelope : float
        Deviation known as usual from earlier segments, seconds.
    """

    def __init__(self, start: Start, times: TimeArray, block: int, rate_nominal: float, envelope: float):
        self.line = start.line
        self.scatter = start.scatter
        self.envelope = max(start.envelope, envelope)
        self.broken = False  # samples went missing some blocks ago, unnoticed at the time
        self._block = block
        self._rate_nominal = rate_nominal
        self._centre = 0.0  # where residuals lie of late: a rate that is off is not a gap
        self._shifts: list[float] = []  # residuals of the last blocks, where all lay to one side
        self._shifted = 0  # samples since the first of them
        self._squeezed = False
        self._anchor = self.line.time - self.line.period
        self._count = np.arange(-1, block)
        self._fill = 0
        self._seen: TimeArray = np.empty(0)  # the block's stamps, after that of the last sample before it
        self._begin_block(times[-1])

    @property
    def room(self) -> int:
        """Samples left in the block; beyond them the line may have moved."""
        return self._block - self._fill

    def expected(self, n: int, ahead: int = 0) -> TimeArray:
        """Return times the line gives to `n` samples, `ahead` samples from now."""
        return self.line.at(self._fill + ahead, n)

    def off(self, times: TimeArray, expected: TimeArray) -> TimeArray:
        """How far stamps lie from where they should, seconds."""
        return times - expected - self._centre

    def accept(self, expected: TimeArray, times: TimeArray | None) -> TimeArray:
        """Move on by the samples whose times are `expected`; returns the times to give them.

        `times` are their own stamps, None where they are outliers.
        """
        n = len(expected)
        stamps: TimeArray = expected
        if self._squeezed:
            stamps = np.maximum(stamps, self._least(self._fill, n))
        if times is not None:
            self._seen[self._fill + 1 : self._fill + 1 + n] = times
        elif self._fill + n >= len(self._seen):
            self._seen = np.append(self._seen, np.full(self._fill + n, np.nan))
        self._fill += n
        if self._fill >= self._block:
            self._close_block(stamps[-1])
        return stamps

    def _least(self, first: int, n: int) -> TimeArray:
        """Return times that keep rising, slowly, from the last one given before this block."""
        least: TimeArray = self._anchor + _SQUEEZE * self.line.period * np.arange(
            first + 1, first + 1 + n, dtype=np.float64
        )
        return least

    def _begin_block(self, before: float) -> None:
        """Gather stamps anew; `before` is that of the last sample before the block."""
        self._fill = 0
        self._seen = np.full(self._block + 1, np.nan)
        self._seen[0] = before
        usual = max(_OFF_SAMPLES / self._rate_nominal, _OFF_S, _OFF_ENVELOPE * self.envelope)
        self.limit = min(usual, _OFF_MOST_S)

    def _close_block(self, last_given: float) -> None:
        """Let the block's stamps move the line, and see whether it still fits."""
        n = self._fill
        seen = self._seen[: n + 1]
        count = self._count if n == self._block else np.arange(-1, n)
        off = seen - (self.line.time + self.line.period * count)
        low, high = off.min(), off.max()
        single = seen[1:] != seen[:-1]  # a repeated stamp belongs to the last sample that bears it
        if math.isfinite(low) and np.count_nonzero(single) == n:
            self._follow(off[:-1], 0.5 * n - 1.5)
        else:
            usable = single & np.isfinite(off[:-1])
            if usable.any():
                self._follow(off[:-1][usable], float(count[:-1][usable].mean()))
            low, high = np.nanmin(off, initial=0.0), np.nanmax(off, initial=0.0)
        faded = self.envelope * math.exp(-n / (_ENVELOPE_MEMORY_S * self._rate_nominal))
        self.envelope = max(faded, abs(high - self._centre), abs(low - self._centre))
        self._shifted += n
        self.line.advance(n)
        self._anchor = last_given
        self._squeezed = self.line.time <= self._anchor + _SQUEEZE * self.line.period
        self._begin_block(seen[-1])

    def _follow(self, off: TimeArray, k: float) -> None:
        """Move the line by a block's residuals, whose mean sample number is `k`."""
        spread = max(4 * self.scatter, 1e-9)
        if off.max() > self._centre + spread or off.min() < self._centre - spread:
            middle = float(np.median(off))
            off = np.clip(off, middle - spread, middle + spread)
        residual = float(np.add.reduce(off)) / len(off)
        deviation = float(np.add.reduce(np.minimum(np.abs(off), 5 * spread))) / len(off)
        self.scatter += (1.25 * deviation - self.scatter) / _SCATTER_MEMORY  # 1.25: mean |x| to sd
        if abs(residual) > max(4 * self.line.deviation(k), 0.3 * self.line.period):
            if not self._shifts or self._shifts[-1] * residual < 0:
                self._shifts, self._shifted = [], 0
            self._shifts.append(residual)
            if len(self._shifts) >= _SHIFT_LEAST and self._shifted >= (_SHIFT_BLOCKS - 1) * self._block:
                self._judge_shift(residual)
        else:
            self._shifts = []
        moved = self.line.update(residual, k)
        self._centre = 0.5 * (self._centre + residual) - moved

    def _judge_shift(self, residual: float) -> None:
        """All of the last blocks lay to one side: a step up is a gap, anything else a line to be moved."""
        low, high = min(self._shifts), max(self._shifts)
        level = high - low < 0.5 * abs(self._shifts[0])
        self._shifts = []
        if level and low > max(0.6 * self.line.period, _SHIFT_GAP_S):
            self.broken = True
        else:
            self.line.loosen(residual)
