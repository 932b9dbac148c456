"""A stretch of samples without a gap: the line their times lie on, and how far off it a stamp may be."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from realtime.time.doubt import LEAP
from realtime.time.timeline import Line, Start, ends
from realtime.types import TimeArray

_OFF_SAMPLES = 2.5  # a stamp is off the line if further from it than this many samples,
_OFF_S = 1.5e-3  # than this (a measured clock offset may step by a millisecond),
_OFF_ENVELOPE = 2.0  # and than this times the usual deviation,
_OFF_MOST_S = 1.0  # but never more than this
_YOUNG_S = 1.0  # what was usual for so long may be half of what is
_ENVELOPE_MEMORY_S = 60.0
_ENVELOPE_RISE = 4  # blocks: one pause of the link does not say that stamps are usually so late
_SCATTER_MEMORY = 64  # blocks
_SHIFT_BLOCKS = 8  # stamps to one side of the line for so many blocks mean that the line is wrong
_SHIFT_LEAST = 4  # where at least this many of them had a stamp of their own
_SHIFT_GAP_S = 2e-3  # and that samples are missing, if by more than this
_LEVEL = 0.3  # share of a shift that it may differ by between its halves, to be one
_WHOLE = 0.1  # of a period, by which a step that is not noise may differ from a whole number of samples
_RESTART_S = 0.25  # in which no headset begins again
_NEAR = 8  # stamps
_SET_LEAST_S = 0.05  # that a clock was set back, if by more than this; else the line was late
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
        self.envelope = max(start.envelope, envelope)  # how far stamps are late at most,
        self._low = start.early  # and how far early
        self.shifted = 0.0  # some blocks ago, unnoticed: above 0 samples are missing, below 0 a clock was set
        self._block = block
        self._rate_nominal = rate_nominal
        self._centre = 0.0  # where residuals lie of late: a rate that is off is not a gap
        self._shifts: list[float] = []  # residuals of the last blocks, where all lay to one side
        self._ends_off: TimeArray = np.zeros(1)  # how far off the line the last stamps lay that end packets,
        self._leaps: list[float] = []  # and how far they leapt in the last blocks
        self._shifted = 0  # samples since the first of them
        self._before: Line | None = None  # the line as it was before them
        self._age = len(times)  # samples
        self._squeezed = False
        self._anchor = self.line.time - self.line.period
        self._count = np.arange(-1, block)
        self._fill = 0
        self._seen: TimeArray = np.empty(0)  # the block's stamps, after that of the last sample before it
        self._begin_block(times[-1])

    @property
    def block_done(self) -> bool:
        """The line was moved after the last sample, and its time is that of the next."""
        return self._fill == 0

    @property
    def room(self) -> int:
        """Samples left in the block; beyond them the line may have moved."""
        return self._block - self._fill

    def expected(self, n: int, ahead: int = 0) -> TimeArray:
        """Return times (n,) the line gives to `n` samples, `ahead` samples from now."""
        return self.line.at(self._fill + ahead, n)

    def off(self, times: TimeArray, expected: TimeArray) -> TimeArray:
        """How far stamps (n,) lie from where they should, seconds."""
        return times - expected - self.line.clock - self._centre

    def accept(self, expected: TimeArray, times: TimeArray | None) -> TimeArray:
        """Move on by the samples whose times are `expected` (n,); returns the times to give them.

        `times` are their own stamps, None where they are outliers.
        """
        n = len(expected)
        stamps: TimeArray = expected
        if self._squeezed:
            stamps = np.maximum(stamps, self._least(self._fill, n))
        if self._fill + n >= len(self._seen):
            self._seen = np.append(self._seen, np.full(self._fill + n, np.nan))
        if times is not None:
            self._seen[self._fill + 1 : self._fill + 1 + n] = times
        self._fill += n
        if self._fill >= self._block:
            self._close_block(stamps[-1])
        return stamps

    def newest_off(self) -> TimeArray:
        """How far off the line the last few stamps lay that end packets (n,), seconds."""
        seen = self._seen[: self._fill + 1]
        off = self.off(seen, self.expected(len(seen), ahead=-len(seen)))[:-1][ends(seen, self.line.period)]
        return np.append(self._ends_off, off[np.isfinite(off)])[-_NEAR:]

    def follow(self, by: float) -> None:
        """Let the line go to where stamps have drifted to, `by` seconds off it."""
        self.line.loosen(by)
        self._shifts, self._before = [], None

    def lower(self, by: float) -> None:
        """Move the line `by` seconds (below 0), to where samples come that it thought too early."""
        self.line.time += by
        self.line.loosen(by)
        self._shifts, self._before = [], None
        self._squeezed = True

    def set_clock(self) -> None:
        """Leave the line where it is, and learn how the stamps to come lie to it: their clock was set."""
        self.line.set_clock(self.limit)
        self._seen[:] = np.nan
        self._centre = 0.0
        self._shifts, self._before = [], None

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
        usual = max(_OFF_SAMPLES / self._rate_nominal, _OFF_S)
        beyond = _OFF_ENVELOPE * (1 + _YOUNG_S * self._rate_nominal / self._age)
        self.limit = min(max(usual, beyond * self.envelope), _OFF_MOST_S)
        self.early = min(max(usual, beyond * self._low), _OFF_MOST_S)

    def _close_block(self, last_given: float) -> None:
        """Let the block's stamps move the line, and see whether it still fits."""
        n = self._fill
        seen = self._seen[: n + 1]
        count = self._count if n == self._block else np.arange(-1, n)
        off = seen - (self.line.time + self.line.clock + self.line.period * count)
        low, high = off.min(), off.max()
        single = ends(seen, self.line.period)
        self._note_leaps(off[:-1][single & np.isfinite(off[:-1])])
        if math.isfinite(low) and np.count_nonzero(single) == n:
            self._follow(off[:-1], 0.5 * n - 1.5)
        else:
            usable = single & np.isfinite(off[:-1])
            if usable.any():
                self._follow(off[:-1][usable], float(count[:-1][usable].mean()))
            low, high = np.nanmin(off, initial=0.0), np.nanmax(off, initial=0.0)
        faded = math.exp(-n / (_ENVELOPE_MEMORY_S * self._rate_nominal))
        self._low = max(faded * self._low, self._centre - low)
        raised = self.envelope + (abs(high - self._centre) - self.envelope) / _ENVELOPE_RISE
        self.envelope = max(faded * self.envelope, raised, self._low)
        self._shifted += n
        self._age += n
        self.line.advance(n)
        if self._before is not None:
            self._before.advance(n)
        self._anchor = last_given
        self._squeezed = self.line.time <= self._anchor + _SQUEEZE * self.line.period
        self._begin_block(seen[-1])

    def _note_leaps(self, off: TimeArray) -> None:
        """Remember how far stamps leap, from one that ends a packet to the next; `off` the line, (n,)."""
        if not len(off):
            return
        both = np.concatenate((self._ends_off, off))
        leap = np.abs(off - both[-len(off) - 1 : -1]).max()
        self._leaps = [*self._leaps[-_SHIFT_BLOCKS:], float(leap)]
        self._ends_off = both[-_NEAR:]

    def _follow(self, off: TimeArray, k: float) -> None:
        """Move the line by a block's residuals, whose mean sample number is `k`."""
        spread = max(4 * self.scatter, 1e-9)
        if off.max() > self._centre + spread or off.min() < self._centre - spread:
            middle = float(np.median(off))
            off = np.clip(off, middle - spread, middle + spread)
        residual = float(np.add.reduce(off)) / len(off)
        deviation = float(np.add.reduce(np.minimum(np.abs(off), 5 * spread))) / len(off)
        self.scatter += (1.25 * deviation - self.scatter) / _SCATTER_MEMORY  # 1.25: mean |x| to sd
        self._watch_shift(residual, k)
        moved = self.line.update(residual, k)
        self.line.bound(1 / self._rate_nominal)
        self._centre = 0.5 * (self._centre + residual) - moved

    def _watch_shift(self, residual: float, k: float) -> None:
        """See whether the last blocks all lie to one side of the line as it was before them."""
        before = self._before
        from_before = residual
        if before is not None:
            from_before += (
                self.line.time
                + self.line.clock
                - before.time
                - before.clock
                + k * (self.line.period - before.period)
            )
        least = max(4 * (before or self.line).deviation(k), 0.3 * self.line.period)
        if abs(from_before) <= least or (self._shifts and self._shifts[-1] * from_before < 0):
            self._shifts, self._before = [], None
            if abs(residual) <= max(4 * self.line.deviation(k), 0.3 * self.line.period):
                return
            from_before = residual
        if self._before is None:
            self._before, self._shifted = replace(self.line), 0
        self._shifts.append(from_before)
        if len(self._shifts) >= _SHIFT_LEAST and self._shifted >= (_SHIFT_BLOCKS - 1) * self._block:
            self._judge_shift(residual)

    def _judge_shift(self, residual: float) -> None:
        """Say what it means: a step up is a gap, anything else a line to be moved."""
        shifts, before = np.array(self._shifts), self._before or self.line
        half = (len(shifts) + 1) // 2
        size = float(np.median(shifts))
        risen = abs(np.median(shifts[half:]) - np.median(shifts[:half]))
        error = shifts.std() / math.sqrt(len(shifts))
        leapt = max(self._leaps) >= LEAP * abs(size)
        level = leapt and risen < _LEVEL * abs(size) and error < 0.5 * _LEVEL * abs(size)
        level = level and is_whole(size, before, len(shifts))
        least = max(0.6 * self.line.period, _SHIFT_GAP_S) if size > 0 else _SET_LEAST_S
        if level and abs(size) > least:
            self.shifted, self.line = size, before
        else:
            self.line.loosen(residual)
        self._shifts, self._before = [], None


def is_whole(size: float, line: Line, n: int) -> bool:
    """Whether a step of the stamps by `size` seconds, seen in `n` blocks or more, may be samples missing.

    What is missing is missing whole; a sender that waited is late by any time. A longer step may be a headset
    that began again.
    """
    if not 0 < size < _RESTART_S:
        return True
    samples = size / line.period
    return abs(samples - round(samples)) <= max(_WHOLE, 4 * line.noise / math.sqrt(n) / line.period)
