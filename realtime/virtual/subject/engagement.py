"""How engaged the virtual subject is, from 0 (its mind is elsewhere) to 1: by the clock, or by feedback."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from realtime.virtual.timeline import Moments

Times = NDArray[np.float64]
Phase = tuple[float, str]
"""When engagement passed the middle, and what it is from then on: `engaged` or `drifting`."""


class Engagement(Protocol):
    """How much of its attention a subject gives to what is on the screen."""

    def at(self, times: Times) -> NDArray[np.float64]:
        """Return how engaged the subject is.

        Parameters
        ----------
        times : array of shape (n_times,), float64
            Seconds on the LSL clock, rising, never before those asked for earlier.

        Returns
        -------
        array of shape (n_times,), float64, 0 to 1
            Where one of several objects is attended (`realtime.virtual.subject.focus`): (n_times, n_objects).
        """
        ...

    def phase(self, time: float) -> str:
        """Name the phase that `time` falls in."""
        ...

    def phases(self, start: float, stop: float) -> list[Phase]:
        """List the changes of phase in [start, stop)."""
        ...


class AlwaysEngaged:
    """Engagement that never falls, for tests and for learning curves."""

    def at(self, times: Times) -> NDArray[np.float64]:
        """Return 1 at all `times` (n,)."""
        return np.ones(np.shape(times))

    def phase(self, time: float) -> str:
        """Name the one phase there is."""
        return "engaged"

    def phases(self, start: float, stop: float) -> list[Phase]:
        """List no change."""
        return []


class ScheduledEngagement:
    """Rises and falls by the clock alone, so whoever knows the seed knows the truth at any time.

    Parameters
    ----------
    phase_s : float
        Mean length of a phase; each lasts two thirds to four thirds of it, and a rise and a fall take two.
    ramp_s : float
        Time a rise or a fall takes.
    """

    def __init__(self, seed: int = 0, phase_s: float = 15.0, ramp_s: float = 2.0):
        self._turns = Moments(phase_s, 1 / 3, seed, row=101)
        self._ramp_s = ramp_s

    def at(self, times: Times) -> NDArray[np.float64]:
        """Return engagement at `times`, array of shape (n_times,)."""
        times = np.asarray(times, np.float64)
        level = np.empty(times.shape)
        turn = self._turns.index_at(float(times.min()))
        while self._turns.start(turn) <= times.max():
            since = times >= self._turns.start(turn)
            ramp = np.clip((times[since] - self._turns.start(turn)) / self._ramp_s, 0, 1)
            rise = ramp * ramp * (3 - 2 * ramp)
            level[since] = rise if turn % 2 == 0 else 1 - rise
            turn += 1
        return level

    def phase(self, time: float) -> str:
        """Name the phase that `time` falls in."""
        return "engaged" if self.at(np.array([time]))[0] >= 0.5 else "drifting"

    def phases(self, start: float, stop: float) -> list[Phase]:
        """List the changes of phase in [start, stop)."""
        half = self._ramp_s / 2
        turns = self._turns.between(start - half, stop - half)
        return [(self._turns.start(i) + half, "drifting" if i % 2 else "engaged") for i in turns]


class ResponsiveEngagement:
    """Falls by itself, and feedback brings it back: the other half of a closed loop.

        d/dt e = −e / fall_s  +  (1 − e) · feedback(t − delay_s) / rise_s

    on a grid of 20 ms from `start`; between its points the level is interpolated.

    Parameters
    ----------
    start : float
        Seconds on the LSL clock; engagement is 1 there.
    fall_s, rise_s : float
        Time constants without feedback, and under full feedback.
    delay_s : float
        Time from the feedback to its first effect.
    """

    _STEP_S = 0.02

    def __init__(self, start: float, fall_s: float = 12.0, rise_s: float = 1.5, delay_s: float = 2.0):
        self._start, self._fall_s, self._rise_s, self._delay_s = start, fall_s, rise_s, delay_s
        self._levels = [1.0]
        self._first = 0  # number on the grid of the oldest level that is kept
        self._feedback: list[tuple[float, float]] = [(-np.inf, 0.0)]
        self._phases: list[Phase] = [(-np.inf, "engaged")]

    def feedback(self, level: float, time: float) -> None:
        """Give feedback of strength 0 to 1 from `time` on; what has been asked for already stays."""
        level = min(max(level, 0.0), 1.0)
        if level != self._feedback[-1][1]:
            self._feedback.append((time, level))

    def at(self, times: Times) -> NDArray[np.float64]:
        """Return engagement at `times`, array of shape (n_times,)."""
        times = np.asarray(times, np.float64)
        grid = np.maximum((times - self._start) / self._STEP_S, self._first)
        while self._first + len(self._levels) <= grid.max() + 1:
            self._levels.append(self._next(self._levels[-1], self._first + len(self._levels)))
        levels: Times = np.interp(grid - self._first, np.arange(len(self._levels)), self._levels)
        keep = int(grid.min()) - self._first
        del self._levels[:keep]
        self._first += keep
        return levels

    def phase(self, time: float) -> str:
        """Name the phase that `time` falls in."""
        return [name for since, name in self._phases if since <= time][-1]

    def phases(self, start: float, stop: float) -> list[Phase]:
        """List the changes of phase in [start, stop)."""
        return [phase for phase in self._phases if start <= phase[0] < stop]

    def _next(self, level: float, number: int) -> float:
        time = self._start + number * self._STEP_S
        while len(self._feedback) > 1 and self._feedback[1][0] <= time - self._delay_s:
            self._feedback.pop(0)
        push = self._feedback[0][1]
        rate = 1 / self._fall_s + push / self._rise_s
        goal = push / self._rise_s / rate
        level = goal + (level - goal) * np.exp(-rate * self._STEP_S)
        if (level > 0.55 and self._phases[-1][1] == "drifting") or (
            level < 0.45 and self._phases[-1][1] == "engaged"
        ):
            self._phases.append((time, "engaged" if level > 0.5 else "drifting"))
        return float(level)
