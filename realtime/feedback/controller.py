"""From readings to feedback: when it begins, when it ends, and when there shall be none.

Only the time of the readings counts (their interval's end), never the clock, so a recorded session gives the
same feedback again, at any speed. What follows this is in `realtime.feedback.outlet`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from math import exp

import numpy as np

from realtime.feedback.config import FeedbackConfig
from realtime.feedback.sham import Sham
from realtime.types import Reading

ON, OFF, BASELINE_OVER = "feedback on", "feedback off", "baseline over"
"""Events, as they stand in the marker stream and in the recording."""

_EPSILON = 1e-9  # ends are multiples of the hop, and their differences a rounding error off it


class FeedbackState(Enum):
    """Where the controller stands.

        BASELINE ──baseline_s of good EEG──▶ READY ──beyond──▶ HOLDING ──still, after hold_s──▶ ACTIVE
                                              ▲ ▲                 │                               │
                                              │ └──back, or bad───┘        back past hysteresis,  │
                                              └──after refractory_s── RESTING ◀──bad, longest_s───┘
        any ──time runs backwards──▶ BASELINE

    "Beyond" is below the threshold, or above it where `when` says so. "Bad" is EEG or video that is missing
    or that the caller does not trust, and a pause in the readings.
    """

    BASELINE = "BASELINE"
    READY = "READY"
    HOLDING = "HOLDING"
    ACTIVE = "ACTIVE"
    RESTING = "RESTING"


@dataclass(frozen=True)
class Feedback:
    """What one reading led to. Times in seconds on the LSL clock.

    Attributes
    ----------
    value : float
        The smoothed signal.
    threshold : float or None
        None until the baseline is over.
    position : float
        Share of the window that `value` exceeds, 0 to 1: for a bar that is always in range. In a sham run
        it is made up to go with the feedback.
    level : float
        1 while there is feedback, else 0.
    events : tuple of str
        What has just changed.
    good : bool
        Enough of the EEG and the video was there, and the caller trusts it.
    """

    end: float
    emitted: float
    similarity: float
    match: float
    value: float
    threshold: float | None
    position: float
    level: float
    state: FeedbackState
    events: tuple[str, ...] = ()
    good: bool = True


class FeedbackController:
    """Decides on feedback, one reading at a time. Called by one thread."""

    def __init__(self, config: FeedbackConfig | None = None):
        self.config = config or FeedbackConfig()
        self._begin()

    def _begin(self) -> None:
        self.state = FeedbackState.BASELINE
        self._since = self._last = -np.inf
        self._value: float | None = None
        self._watched_s = 0.0
        self._baseline_over = 0.0
        self._from_baseline: float | None = None
        self._told: Feedback | None = None
        self._history: deque[tuple[float, float]] = deque()
        self._sham = Sham(self.config)

    def update(self, reading: Reading, trusted: bool = True) -> Feedback:
        """Take a reading in; `trusted` False says that its EEG is known to be bad.

        A reading that ends before the last one (a replay that begins again) begins a new baseline.
        """
        if reading.end < self._last:
            self._begin()
        step = reading.end - self._last
        good = trusted and min(reading.eeg_valid_share, reading.video_valid_share) >= self.config.min_valid
        paused = step > self.config.stale_s
        self._last = reading.end
        if good:
            self._watch(reading, step, paused)
        threshold, spread = self._threshold()
        events = self._advance(reading.end, threshold, spread, good and not paused)
        self._told = self._tell(reading, threshold, events, step, good)
        return self._told

    def expire(self, now: float) -> Feedback | None:
        """End feedback if no reading has come for `stale_s` by `now`; None where there is nothing to end.

        To be asked while readings stay away: feedback that nobody measures any more may not go on.
        """
        if self._told is None or self.state is not FeedbackState.ACTIVE:
            return None
        if now - self._told.emitted <= self.config.stale_s:
            return None
        self._enter(FeedbackState.RESTING, self._told.end)
        self._told = replace(self._told, level=0.0, state=self.state, events=(OFF,), good=False)
        return self._told

    def _watch(self, reading: Reading, step: float, paused: bool) -> None:
        config, value = self.config, float(getattr(reading, self.config.signal))
        if self._value is None or paused or config.smoothing_s == 0:
            self._value = value
        else:
            self._value += (1 - exp(-step / config.smoothing_s)) * (value - self._value)
        self._watched_s += 0.0 if paused else step
        self._history.append((reading.end, self._value))
        while self._history[0][0] < reading.end - config.window_s:
            self._history.popleft()

    def _threshold(self) -> tuple[float | None, float]:
        """Return the threshold, None where there is nothing yet to take it from, and the signal's spread."""
        values = np.array([value for _, value in self._history] or [0.0])
        if not isinstance(self.config.threshold, str):
            return self.config.threshold, float(values.std())
        if not self._history:
            return None, 0.0
        known = self._from_baseline if self.config.threshold == "baseline" else None
        threshold = float(np.percentile(values, self.config.percentile)) if known is None else known
        return threshold, float(values.std())

    def _advance(self, end: float, threshold: float | None, spread: float, good: bool) -> tuple[str, ...]:
        """Follow the arrows of `FeedbackState`, more than one where the times between are 0."""
        state, config, spent = FeedbackState, self.config, end - self._since + _EPSILON
        events: list[str] = []
        if self.state is state.BASELINE and self._watched_s + _EPSILON >= config.baseline_s and good:
            self._baseline_over, self._from_baseline = end, threshold
            self._enter(state.READY, end)
            events.append(BASELINE_OVER)
        beyond, back = self._sides(end, threshold, spread)
        if self.state is state.ACTIVE and (not good or back or spent >= config.longest_s):
            self._enter(state.RESTING, end)
            return (*events, OFF)
        if self.state is state.RESTING and spent >= config.refractory_s:
            self._enter(state.READY, end)
        if self.state is state.HOLDING and not (good and beyond):
            self._enter(state.READY, end)
        if self.state is state.READY and good and beyond:
            self._enter(state.HOLDING, end)
        if self.state is state.HOLDING and end - self._since + _EPSILON >= config.hold_s:
            self._enter(state.ACTIVE, end)
            events.append(ON)
        return tuple(events)

    def _sides(self, end: float, threshold: float | None, spread: float) -> tuple[bool, bool]:
        """Whether the signal is beyond the threshold, and whether it has come back past the hysteresis."""
        if self.config.sham != "off":
            since = end - self._baseline_over + _EPSILON
            return self._sham.on(since, self.config.hold_s), not self._sham.on(since, 0.0)
        if threshold is None or self._value is None:
            return False, True
        depth = (threshold - self._value) * (1 if self.config.when == "below" else -1)
        return depth > 0, depth < -self.config.hysteresis * spread

    def _enter(self, state: FeedbackState, end: float) -> None:
        self.state, self._since = state, end

    def _tell(
        self, reading: Reading, threshold: float | None, events: tuple[str, ...], step: float, good: bool
    ) -> Feedback:
        value = self._value if self._value is not None else float(getattr(reading, self.config.signal))
        baseline = self.state is FeedbackState.BASELINE
        return Feedback(
            end=reading.end,
            emitted=reading.emitted,
            similarity=reading.similarity,
            match=reading.match,
            value=value,
            threshold=None if baseline else threshold,
            position=0.5 if baseline else self._position(value, reading.end, step),
            level=float(self.state is FeedbackState.ACTIVE),
            state=self.state,
            events=events,
            good=good,
        )

    def _position(self, value: float, end: float, step: float) -> float:
        if self.config.sham != "off":
            return self._sham.position(end - self._baseline_over + _EPSILON, step)
        below = sum(old < value for _, old in self._history)
        return below / len(self._history) if self._history else 0.5


def from_markers(markers: Iterable[tuple[float, str]]) -> tuple[tuple[float, float], ...]:
    """Return times of a session's feedback for yoked sham, from its markers (stamp, text).

    Returns
    -------
    tuple of (float, float)
        Start and end of each, seconds since the baseline was over. Feedback that never ended is left out.
    """
    zero: float | None = None
    start: float | None = None
    spans: list[tuple[float, float]] = []
    for stamp, text in markers:
        if text == BASELINE_OVER:
            zero, start, spans = stamp, None, []
        elif text == ON and zero is not None:
            start = stamp - zero
        elif text == OFF and zero is not None and start is not None:
            spans.append((start, stamp - zero))
            start = None
    return tuple(spans)
