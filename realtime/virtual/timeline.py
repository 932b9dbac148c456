"""Chance without memory: numbers that depend only on a seed and a place, and moments that never repeat.

Everything virtual is laid out in time by these two, so any process with the same seed knows what happens at
any moment of the clock without having been there from the start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import floor

_MASK = (1 << 64) - 1


def chance(*keys: int) -> float:
    """Draw a number in [0, 1) that depends on nothing but `keys` (splitmix64, Steele et al. 2014)."""
    state = 0x9E3779B97F4A7C15
    for key in keys:
        state = (state ^ (key & _MASK)) + 0x9E3779B97F4A7C15 & _MASK
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        state = (state ^ state >> 27) * 0x94D049BB133111EB & _MASK
        state ^= state >> 31
    return (state >> 11) / (1 << 53)


@dataclass(frozen=True)
class Moments:
    """An endless row of moments, one in each cell of `cell_s` seconds, each late by up to `jitter` cells.

    Two moments in a row lie `cell_s * (1 - jitter)` to `cell_s * (1 + jitter)` seconds apart.

    Parameters
    ----------
    cell_s : float
        Mean distance in seconds.
    jitter : float
        0 is a metronome; below 1, so that the row keeps its order.
    seed, row : int
        Which row: rows of the same seed are independent.
    """

    cell_s: float
    jitter: float
    seed: int
    row: int = 0

    def start(self, index: int) -> float:
        """Return when moment `index` comes, in seconds on the clock."""
        return _start(self, index)

    def index_at(self, time: float) -> int:
        """Return the last moment at or before `time`."""
        index = floor(time / self.cell_s)
        return index if self.start(index) <= time else index - 1

    def between(self, start: float, stop: float) -> Iterator[int]:
        """Give the moments in [start, stop), in order."""
        index = self.index_at(start)
        if self.start(index) < start:
            index += 1
        while self.start(index) < stop:
            yield index
            index += 1


@lru_cache(maxsize=4096)
def _start(moments: Moments, index: int) -> float:
    return (index + moments.jitter * chance(moments.seed, moments.row, index)) * moments.cell_s
