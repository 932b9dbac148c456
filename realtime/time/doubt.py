"""Samples that lie off the line: whether something is missing, a clock was set, or they are only late.

Only the last sample of a packet says where the line is (`realtime.time.timeline.ends`). After a pause of the
link its backlog comes at once: each sample is late by a period less than the one before, down to one that is
not late at all if nothing is missing. What stays late, and equally late, tells of a gap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from realtime.time.timeline import AT_ONCE
from realtime.types import TimeArray

_WAIT_S = 0.25  # samples that do not agree for so long are late, not lost,
_WAIT_PACKETS = 4  # and for so many packets more,
_WAIT_MOST_S = 3.0  # but never longer than this,
_MOST_S = 10.0  # and never more samples than in this time
_AGREE = 8  # so many samples make a new line,
_AGREE_PACKETS = 3  # or so many packets,
_LEVEL = 0.25  # if they do not come nearer to it by more than this share of a period each
LEAP = (
    0.5  # a stream leaps where it does so by this share of how far off it stays, from one stamp to the next
)
_PACKETS = 0.7  # share of samples that end a packet, below which they come in packets


@dataclass
class _End:
    """The last sample of a packet so far: its position among the samples in doubt, and how far it is off."""

    position: int
    off: float


class Doubt:
    """Weighs samples that lie off the line, one by one.

    Parameters
    ----------
    time, off : float
        Stamp of the first one, and how far it lies off the line; seconds.
    rate : float
        Samples a second the sender claims.
    limit : float
        How far a stamp of this stream may lie off the line, seconds.
    before : array of shape (n_before,)
        How far off the line the last stamps before them lay that end packets, seconds.
    """

    def __init__(self, time: float, off: float, rate: float, limit: float, before: TimeArray):
        self.n = 1
        self._before = before
        self._rate, self._limit = rate, limit
        self._time = time
        self._ends = [_End(0, off)]
        self._waited = self._longest = 0.0
        agree = max(_AGREE, math.ceil(2 * limit * rate))
        self._n_agree = min(agree, max(_AGREE, round(_WAIT_S * rate)))

    def add(self, time: float, off: float) -> None:
        """Take one more sample into account: its stamp, and how far it lies off the line, seconds."""
        step = time - self._time
        if 0 <= step < AT_ONCE / self._rate:
            self._ends[-1] = _End(self.n, off)
        else:
            self._ends.append(_End(self.n, off))
            self._waited += min(max(step, 0.0), 1.0)
            self._longest = max(self._longest, min(step, 1.0))
        self._time = time
        self.n += 1

    @property
    def given_up(self) -> bool:
        """They do not agree and there was time enough: they are late."""
        wait = min(_WAIT_S + _WAIT_PACKETS * self._longest, _WAIT_MOST_S)
        return self._waited >= wait or self.n >= _MOST_S * self._rate

    def leaps(self, by: float) -> bool:
        """Whether they came to lie so far off (seconds) between two of them, and did not drift there."""
        steps = np.diff([*self._before, *(end.off for end in self._ends)])
        return bool((steps * math.copysign(1, by)).max() >= LEAP * abs(by))

    def jump(self) -> tuple[float, int] | None:
        """Find how far off the newest samples agree to lie.

        Returns
        -------
        jump : float
            Seconds; above 0: something is missing.
        first : int
            The first sample that may belong to the new line, counted among those in doubt.
        """
        if len(self._ends) < _PACKETS * self.n:
            return self._jump_of_packets()
        first = self.n - self._n_agree
        if first < 0:
            return None
        agreeing = [end for end in self._ends if end.position >= first]
        off = np.array([end.off for end in agreeing])
        if np.ptp(off) > 2 * self._limit or not _is_level(agreeing, 1 / self._rate):
            return None
        return float(np.median(off)), first

    def _jump_of_packets(self) -> tuple[float, int] | None:
        *before, newest = self._ends
        complete = len(before) > 0 and newest.off <= max(end.off for end in before[-_AGREE_PACKETS:])
        whole = self._ends if complete else before  # a packet's first samples are later than its last
        if len(whole) < _AGREE_PACKETS:
            return None
        agreeing = whole[-_AGREE_PACKETS:]
        while agreeing[-1].position - agreeing[0].position < self._n_agree:
            if len(agreeing) == len(whole):
                return None
            agreeing = whole[-len(agreeing) - 1 :]
        off = np.array([end.off for end in agreeing])
        if np.ptp(off) > self._limit or not _is_level(agreeing, 1 / self._rate):
            return None
        return float(np.median(off)), 0


def _is_level(ends: list[_End], period: float) -> bool:
    """Whether samples keep their distance from the line, and are not a backlog that is being delivered."""
    half = (len(ends) + 1) // 2
    early, late = ends[:half], ends[-half:]
    fallen = np.median([end.off for end in late]) - np.median([end.off for end in early])
    between = np.mean([end.position for end in late]) - np.mean([end.position for end in early])
    return bool(abs(fallen) <= max(_LEVEL * between * period, 1e-4))
