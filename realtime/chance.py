"""What chance gives in this very session: the current EEG against video this brain was not watching."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from realtime.types import Chance, FloatArray

LEAST_WINDOWS = 10  # that an accuracy stands on; of fewer none is shown
LEAST_IMPOSTORS = 40  # before this the band would be noise
IMPOSTOR_GAP_S = 4.0
"""Impostors start at least so long before or after the true window: nearer ones share too much with it."""
_Z95 = 1.959964  # two-sided 95 % of a standard normal


def wilson(successes: int, n: int) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson 1927, J. Am. Stat. Assoc. 22:209)."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = successes / n, _Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    # of none or of all of n one end is the share itself; rounding may put it a digit beyond
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def auc(
    positive: Sequence[float] | NDArray[np.floating], negative: Sequence[float] | NDArray[np.floating]
) -> float | None:
    """Probability that a positive (n,) exceeds a negative (m,), ties half; None where one is empty."""
    if not len(positive) or not len(negative):
        return None
    ordered, values = np.sort(np.asarray(negative)), np.asarray(positive)
    below = np.searchsorted(ordered, values, side="left")
    upto = np.searchsorted(ordered, values, side="right")
    return float((below + upto).mean() / (2 * len(ordered)))


class ChanceTracker:
    """Collects impostor similarities and the running 2-way accuracy of one session.

    Parameters
    ----------
    hops_per_interval : int
        Windows nearer than this share samples; only every such one counts for the accuracy.
    memory : int
        Impostor similarities the band is taken over.
    """

    def __init__(self, hops_per_interval: int, memory: int = 2000):
        self._apart = hops_per_interval
        self._impostors: deque[float] = deque(maxlen=memory)
        self._last_counted: int | None = None
        self._wins = 0
        self._n = 0

    def update(self, index: int, similarity: float, impostors: FloatArray) -> Chance:
        """Take one interval's similarity and its impostors (n,); give the state of chance after it."""
        self._impostors.extend(float(x) for x in impostors)
        independent = self._last_counted is None or index - self._last_counted >= self._apart
        if len(impostors) and independent:
            # One impostor a window, picked by the window's number: repeatable, and a plain binomial.
            rival = float(impostors[(index * 2654435761) % len(impostors)])
            self._wins += similarity > rival
            self._n += 1
            self._last_counted = index
        return self._state(similarity)

    def _state(self, similarity: float) -> Chance:
        accuracy = self._wins / self._n if self._n else None
        interval = wilson(self._wins, self._n) if self._n else None
        if len(self._impostors) < LEAST_IMPOSTORS:
            return Chance(None, None, accuracy, interval, self._n)
        values = np.fromiter(self._impostors, np.float64)
        low, high = np.quantile(values, [0.05, 0.95])
        return Chance(
            (float(low), float(high)), float(np.mean(values < similarity)), accuracy, interval, self._n
        )
