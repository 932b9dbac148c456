"""Times taken in turns, so that a busy moment of the machine meets everything that is compared."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from realtime.errors import ConfigError

Times = dict[str, list[float]]
_DIGITS = 4  # of a number that is told


@dataclass(frozen=True)
class Goal:
    """One number beside what it should be.

    Attributes
    ----------
    value : float
        As measured.
    goal : float
    most : bool
        Whether the goal is the most it may be, and not the least.
    """

    name: str
    value: float
    goal: float
    unit: str = "×"
    most: bool = False

    @property
    def met(self) -> bool:
        """Whether the value is on the right side of the goal."""
        return self.value <= self.goal if self.most else self.value >= self.goal

    def told(self) -> dict[str, Any]:
        """Give the goal as plain values, with whether it is met."""
        return {**asdict(self), "value": rounded(self.value), "met": self.met}


def interleaved(runs: Mapping[str, Callable[[], object]], seconds: float, rounds: int = 3) -> Times:
    """Milliseconds of each run, in turns, for `seconds` and at least `rounds`, after one uncounted turn."""
    if not runs:
        raise ConfigError("nothing to measure: no backend can be used here")
    for run in runs.values():
        run()
    times: Times = {name: [] for name in runs}
    stop = time.perf_counter() + seconds
    while time.perf_counter() < stop or any(len(taken) < rounds for taken in times.values()):
        for name, run in runs.items():
            begin = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - begin) * 1e3)
    return times


def ratio(times: Times, slow: str, fast: str) -> list[float]:
    """How many times faster `fast` is, turn by turn."""
    return [one / other for one, other in zip(times[slow], times[fast], strict=True)]


def middle(values: Sequence[float]) -> float:
    """Give the median."""
    return float(np.median(values))


def told(name: str, values: Sequence[float]) -> dict[str, Any]:
    """Give a median under `name`, and under `name_spread` what four of five values lie between."""
    low, median, high = np.percentile(values, [10, 50, 90])
    return {name: rounded(median), f"{name}_spread": [rounded(low), rounded(high)]}


def rounded(value: float) -> float:
    """To four significant digits."""
    return float(f"{float(value):.{_DIGITS}g}")
