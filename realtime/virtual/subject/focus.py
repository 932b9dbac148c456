"""Which of several objects the virtual subject attends: by the clock, and held or lost by feedback."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.virtual.subject.engagement import Phase, ResponsiveEngagement, Times
from realtime.virtual.timeline import Moments, chance

_TURNS, _ORDER, _OBJECT, _DRIFT = range(601, 605)
_SHIFT_S = 0.4  # attention takes about so long to go from one place to another
DRIFTING = "drifting"


class ScheduledFocus:
    """Attends one object after another, and now and then none, by the clock alone.

    A turn lasts two thirds to four thirds of `turn_s`; no object has two turns in a row.

    Parameters
    ----------
    seed : int
    n_objects : int
        At least 2.
    turn_s : float
        Mean length of a turn: 15 gives 10 to 20 s.
    drifts : float
        Share of turns in which no object is attended, 0 to 1/3.
    """

    def __init__(self, seed: int = 0, n_objects: int = 4, turn_s: float = 15.0, drifts: float = 0.15):
        self.n_objects = n_objects
        self.turns = Moments(turn_s, 1 / 3, seed, _TURNS)
        self._seed, self._drifts = seed, drifts
        order = sorted(range(n_objects), key=lambda index: chance(seed, _ORDER, index))
        self._halves = order[: n_objects // 2], order[n_objects // 2 :]  # even turns, odd turns

    def object_of(self, turn: int) -> int | None:
        """Return which object is attended in a turn; None where the mind is elsewhere."""
        if turn % 3 == 2 and chance(self._seed, _DRIFT, turn) < 3 * self._drifts:
            return None
        half = self._halves[turn % 2]
        return half[int(chance(self._seed, _OBJECT, turn) * len(half))]

    def turn_at(self, time: float) -> int:
        """Return the turn that `time` falls in; it begins in the middle of the shift of attention."""
        return self.turns.index_at(time - _SHIFT_S / 2)

    def begin(self, turn: int) -> float:
        """Return when a turn begins, seconds on the LSL clock."""
        return self.turns.start(turn) + _SHIFT_S / 2

    def at(self, times: Times) -> NDArray[np.float64]:
        """Return how much of the attention each object has.

        Parameters
        ----------
        times : array of shape (n_times,), float64
            Seconds on the LSL clock.

        Returns
        -------
        array of shape (n_times, n_objects), float64
            0 to 1, and at most 1 over all objects.
        """
        times = np.asarray(times, np.float64)
        attention = np.zeros((times.size, self.n_objects))
        turn = self.turns.index_at(float(times.min())) - 1  # a shift from the turn before may be on its way
        while (start := self.turns.start(turn)) <= times.max():
            end = self.turns.start(turn + 1)
            if (index := self.object_of(turn)) is not None:
                attention[:, index] += _shifted(times - start) - _shifted(times - end)
            turn += 1
        return attention

    def phase(self, time: float) -> str:
        """Name the phase that `time` falls in: `attends N`, N from 0, or `drifting`."""
        return _named(self.object_of(self.turn_at(time)))

    def phases(self, start: float, stop: float) -> list[Phase]:
        """List the changes of phase in [start, stop)."""
        half = _SHIFT_S / 2
        turns = self.turns.between(start - half, stop - half)
        return [(self.begin(turn), _named(self.object_of(turn))) for turn in turns]


class ResponsiveFocus:
    """Attends one object after another by the clock; in each turn attention fades unless feedback holds it.

    Parameters
    ----------
    schedule : ScheduledFocus
    start : float
        Seconds on the LSL clock; nothing is asked for before.
    """

    def __init__(self, schedule: ScheduledFocus, start: float):
        self.schedule = schedule
        self._turn = schedule.turn_at(start)
        self._engagement = ResponsiveEngagement(start)
        self._past: list[Phase] = [(start, schedule.phase(start))]

    def feedback(self, level: float, time: float) -> None:
        """Give feedback of strength 0 to 1 from `time` on: how surely the attended object is lit up."""
        self._engagement.feedback(level, time)

    def at(self, times: Times) -> NDArray[np.float64]:
        """Return how much of the attention each object has, array of shape (n_times, n_objects)."""
        times = np.asarray(times, np.float64)
        held = np.empty(times.size)
        turns = np.array([self.schedule.turn_at(float(time)) for time in times])
        for turn in np.unique(turns):
            if turn != self._turn:
                self._begin(int(turn))
            held[turns == turn] = self._engagement.at(times[turns == turn])
            self._take_phases(int(turn), float(times[turns == turn][-1]))
        return self.schedule.at(times) * held[:, None]

    def phase(self, time: float) -> str:
        """Name the phase that `time` falls in."""
        return [name for since, name in self._past if since <= time][-1]

    def phases(self, start: float, stop: float) -> list[Phase]:
        """List the changes of phase in [start, stop), as far as attention has been asked for."""
        return [phase for phase in self._past if start <= phase[0] < stop]

    def _begin(self, turn: int) -> None:
        """Begin a turn with all of the attention."""
        begin = self.schedule.begin(turn)
        self._turn, self._engagement = turn, ResponsiveEngagement(begin)
        self._past.append((begin, _named(self.schedule.object_of(turn))))

    def _take_phases(self, turn: int, until: float) -> None:
        named = _named(self.schedule.object_of(turn))
        for time, name in self._engagement.phases(self._past[-1][0] + 1e-9, until):
            self._past.append((time, named if name == "engaged" else DRIFTING))


def _named(index: int | None) -> str:
    return DRIFTING if index is None else f"attends {index}"


def _shifted(since: Times) -> NDArray[np.float64]:
    """Return how far attention has gone from one place to the next, 0 to 1."""
    way = np.clip(since / _SHIFT_S, 0, 1)
    return np.asarray(way * way * (3 - 2 * way))
