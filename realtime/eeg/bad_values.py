"""Values of an EEG channel that are none: what an amplifier or a sender writes where it measured nothing.

They are missing where they are, on their own channel, and told by kind. Causal, the same for any chunking:
that a value stands still is known a tenth of a second after it began to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from realtime.types import BoolArray, TimeArray

KINDS = ("not_a_number", "out_of_range", "constant", "railing")
"""NaN and infinite; beyond what any amplifier takes; the same for `STILL_S`; at an end of the range."""

LIMIT_UV = 1e6  # amplifiers of the field take less than ±0.5 V
RAIL_FROM_UV = 400.0  # a value that stands so far from zero may be the end of the amplifier's range
STILL_S = 0.1
_STILL_LEAST = 10  # samples: at low rates a few equal ones mean nothing
_AT_RAIL = 3  # equal samples in a row at the channel's own extreme


class Judged(NamedTuple):
    """Samples and what is wrong with them.

    Attributes
    ----------
    microvolt : array of shape (n_samples, n_channels), float64
        As they came; the last value that was one in place of what is none (not a number, out of range).
    bad : array of shape (n_samples, n_channels), bool
        Missing: of any of `KINDS`.
    again : array of shape (n_samples, n_channels), bool
        The first good value of a channel after a stretch without: what came before does not join on.
    """

    microvolt: TimeArray
    bad: BoolArray
    again: BoolArray


class BadValues:
    """Finds them in a stream of samples in µV, and keeps count.

    Parameters
    ----------
    n_channels : int
    rate : float
        Samples a second.

    Attributes
    ----------
    counts : array of shape (4, n_channels), int64
        How many values of each channel were of each of `KINDS`; each value counts once, as the first.
    """

    def __init__(self, n_channels: int, rate: float):
        self.counts = np.zeros((len(KINDS), n_channels), np.int64)
        self._still = max(_STILL_LEAST, round(STILL_S * rate))
        self._last = np.full(n_channels, np.nan)  # the newest value, as it came
        self._run = np.zeros(n_channels, np.int64)  # how often it had come before, in a row
        self._bad_run = np.zeros(n_channels, np.int64)  # for how many samples it has been bad
        self._held = np.zeros(n_channels)  # the newest that is one
        self._ends = np.stack([np.full(n_channels, RAIL_FROM_UV), np.full(n_channels, RAIL_FROM_UV)])

    def push(self, microvolt: TimeArray) -> Judged:
        """Judge samples (n_samples, n_channels) in µV."""
        finite = np.isfinite(microvolt)
        within = finite & (np.abs(np.where(finite, microvolt, 0.0)) <= LIMIT_UV)
        run = self._runs(microvolt)
        kinds = [~finite, ~within, run >= self._still, self._at_rail(microvolt, within, run)]
        bad = np.zeros(microvolt.shape, bool)
        for row, kind in enumerate(kinds):
            self.counts[row] += np.count_nonzero(kind & ~bad, axis=0)
            bad |= kind
        return Judged(self._holding(microvolt, within), bad, self._again(bad))

    def _runs(self, x: TimeArray) -> NDArray[np.int64]:
        """How many equal values came directly before each (n_samples, n_channels)."""
        before = np.concatenate([self._last[None], x[:-1]])
        run = _streak(x == before, self._run)
        self._last, self._run = x[-1].copy(), run[-1].copy()
        return run

    def _at_rail(self, x: TimeArray, sane: BoolArray, run: NDArray[np.int64]) -> BoolArray:
        """Whether each value stands at the highest or lowest of its channel so far, far from zero."""
        found = np.zeros(x.shape, bool)
        for row, sign in enumerate((1, -1)):
            side = np.where(sane, sign * x, -np.inf)
            end = np.maximum(np.maximum.accumulate(side, axis=0), self._ends[row])
            found |= (side >= end) & (run >= _AT_RAIL - 1)
            self._ends[row] = end[-1]
        return found

    def _holding(self, x: TimeArray, sane: BoolArray) -> TimeArray:
        """Repeat the last value that is one (n_samples, n_channels)."""
        if not sane.all():
            rows = np.where(sane, np.arange(len(x))[:, None], -1)
            last = np.maximum.accumulate(rows, axis=0)
            x = np.where(last < 0, self._held, np.take_along_axis(x, np.maximum(last, 0), axis=0))
        self._held = x[-1].copy()
        return x

    def _again(self, bad: BoolArray) -> BoolArray:
        """Where a channel is good again (n_samples, n_channels) after it was bad for `STILL_S` and more."""
        if not (bad.any() or self._bad_run.any()):
            return bad
        run = _streak(bad, self._bad_run)
        before = np.concatenate([self._bad_run[None], run[:-1]])
        self._bad_run = run[-1].copy()
        return np.asarray(~bad & (before >= self._still))


def _streak(mask: BoolArray, before: NDArray[np.int64]) -> NDArray[np.int64]:
    """How long `mask` (n_samples, n_channels) has been true in a row, `before` (n_channels,) it begins."""
    number = np.arange(len(mask))[:, None]
    broken = np.maximum.accumulate(np.where(mask, -1, number), axis=0)
    return np.asarray(np.where(broken >= 0, number - broken, number + 1 + before), np.int64)


def in_words(labels: Sequence[str], counts: NDArray[np.int64], n_samples: int) -> list[str]:
    """Say of each channel what was bad and is taken for missing; nothing of a channel without.

    Parameters
    ----------
    labels : sequence of str
    counts : array of shape (4, n_channels), int64
    """
    words = ("no numbers", "beyond 1 V", "standing still", "at the end of the amplifier's range")
    found = []
    for label, column in zip(labels, counts.T, strict=True):
        if column.any():
            parts = [f"{n} {word}" for n, word in zip(column, words, strict=True) if n]
            found.append(f"{label}: of {n_samples} values {', '.join(parts)}: taken for missing")
    return found
