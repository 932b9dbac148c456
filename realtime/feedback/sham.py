"""Sham: feedback that does not follow the signal, and a level to go with it, so that nobody can tell."""

from __future__ import annotations

from math import exp

from realtime.feedback.config import FeedbackConfig
from realtime.virtual.timeline import Moments, chance

_TIMES, _LEVEL = 501, 502
_CELL_S, _NOISE = 0.5, 0.5


class Sham:
    """When sham feedback is on, and what a bar shows meanwhile; times in s since the baseline was over."""

    def __init__(self, config: FeedbackConfig):
        self._config = config
        self._position = 0.5

    def on(self, since: float, lead: float) -> bool:
        """Whether it is on, or will be within `lead`: so it can be held as long as a real one."""
        config = self._config
        if config.sham == "yoked":
            return any(start - lead <= since < stop for start, stop in config.yoked)
        moments = Moments(60 / config.sham_per_min, 0.6, config.seed, _TIMES)
        index = moments.index_at(since + lead)
        return index >= 0 and since < moments.start(index) + config.sham_on_s

    def position(self, since: float, step_s: float) -> float:
        """Make up a `Feedback.position` that wanders, and crosses the threshold where feedback is on."""
        config = self._config
        threshold = config.percentile / 100
        low = self.on(since, config.hold_s) == (config.when == "below")
        noise = _NOISE * (chance(config.seed, _LEVEL, int(since / _CELL_S)) - 0.5)
        aim = min(max((threshold / 2 if low else (1 + threshold) / 2) + noise, 0.0), 1.0)
        pace = 1 - exp(-step_s / config.smoothing_s) if config.smoothing_s > 0 else 1.0
        self._position += pace * (aim - self._position)
        return self._position
