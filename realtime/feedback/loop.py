"""The closed loop: each reading becomes feedback, and feedback leaves by every outlet that was given."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from realtime.feedback.config import FeedbackConfig
from realtime.feedback.controller import Feedback, FeedbackController
from realtime.latest import Latest
from realtime.taps import Taps
from realtime.types import Reading


class Outlet(Protocol):
    """Where feedback goes: an LSL stream, OSC, a stimulus."""

    def send(self, feedback: Feedback) -> None:
        """Send one feedback; must not block."""
        ...

    def close(self) -> None:
        """Close every outlet."""
        ...


class FeedbackLoop:
    """Runs a controller on a pipeline's readings. Attach `take` to the pipeline's taps.

    Parameters
    ----------
    config : FeedbackConfig
    outlets : sequence of Outlet
        Called in the scoring thread, so they must not block.
    effect : callable, optional
        Given the level (0 to 1) at each reading: what the participant sees of it.
    quality : callable, optional
        Returns the verdict on each channel (empty: good); feedback stops while most of them are bad.

    Attributes
    ----------
    latest : Latest of Feedback
        For the window.
    events : int
        How often feedback began.
    """

    def __init__(
        self,
        config: FeedbackConfig,
        outlets: Sequence[Outlet] = (),
        effect: Callable[[float], None] | None = None,
        quality: Callable[[], Mapping[str, str]] | None = None,
    ):
        self.config = config
        self.latest: Latest[Feedback] = Latest()
        self.events = 0
        self.taps: Taps[Feedback] = Taps()
        self._controller = FeedbackController(config)
        self._outlets = tuple(outlets)
        self._effect = effect
        self._quality = quality

    def take(self, reading: Reading) -> None:
        """Turn a reading into feedback."""
        self._send(self._controller.update(reading, self._trusted()))

    def watch(self, now: float) -> None:
        """End feedback that nobody measures any more; to be called now and then, in the thread of `take`."""
        ended = self._controller.expire(now)
        if ended is not None:
            self._send(ended)

    def parameters(self) -> str:
        """Return the configuration as JSON, for the recording."""
        return json.dumps(self.config.model_dump(mode="json"))

    def close(self) -> None:
        """Close every outlet."""
        for outlet in self._outlets:
            outlet.close()

    def _trusted(self) -> bool:
        verdicts = list(self._quality().values()) if self._quality is not None else []
        return sum(map(bool, verdicts)) <= len(verdicts) / 2

    def _send(self, feedback: Feedback) -> None:
        before = self.latest.get()
        self.events += feedback.level > 0 and (before is None or before.value.level == 0)
        self.latest.put(feedback)
        for outlet in self._outlets:
            outlet.send(feedback)
        if self._effect is not None:
            self._effect(feedback.level)
        self.taps(feedback)
