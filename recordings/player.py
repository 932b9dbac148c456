"""Drives a pipeline over a recorded session: play, pause, step, seek, speed, loop.

The player moves the session's clock and then brings the pipeline up to it, in one thread. No interval is
skipped however fast the clock goes: a machine that cannot keep up plays more slowly. So the speed decides
when a reading appears and never what it says.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence

from realtime.pipeline import Pipeline
from realtime.time.clock import ManualClock
from realtime.worker import Worker
from recordings.replay import ReplayEeg, ReplayVideo
from recordings.survey import Survey

_BEAT_S = 0.005  # how finely the clock follows wall time
_EEG_LEAD_S = 12.0  # EEG read before a place that is sought: what a window shows, and for filters to settle
_READINGS_LEAD_S = 1.0  # readings made before it


class Player:
    """Plays a session through a pipeline.

    Parameters
    ----------
    pipeline : Pipeline
        Built on `sources`.
    sources : sequence of ReplayEeg and ReplayVideo
        Of one session, all reading `clock`.
    clock : ManualClock
        The session's clock; the player alone moves it.
    span : (float, float)
        What is played: start and end, seconds on the session's clock.
    speed : float
        Times real time; `inf` for as fast as the machine can.
    survey : Survey, optional
        Reads the session through for its gaps, once they are asked for.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        sources: Sequence[ReplayEeg | ReplayVideo],
        clock: ManualClock,
        span: tuple[float, float],
        speed: float = 1.0,
        *,
        loop: bool = False,
        survey: Survey | None = None,
    ):
        self.pipeline = pipeline
        self.clock = clock
        self._survey = survey
        self.start_time, self.end = span
        self.speed = speed
        self.loop = loop
        self.playing = True
        self._stay = False
        self._sources = tuple(sources)
        self._wake = threading.Event()
        self._steps = 0
        self._seek: float | None = self.start_time
        self._worker = Worker("replay", self._beat, on_exit=pipeline.close)
        self._anchor: tuple[float, float, float] | None = None  # wall, session, speed

    # What the window's transport bar calls; any thread.

    @property
    def start(self) -> float:
        """Where playing begins, seconds on the session's clock."""
        return self.start_time

    @property
    def position(self) -> float:
        """Seconds on the recording's clock."""
        return min(self.clock.now(), self.end)

    @property
    def gaps(self) -> Sequence[tuple[float, float]]:
        """Where EEG is missing, as far as that is known; asking begins to look for them."""
        return () if self._survey is None else self._survey.start().gaps

    @property
    def recorded(self) -> Sequence[tuple[float, float]]:
        """Time and similarity of the readings that were recorded with the session."""
        return () if self._survey is None else self._survey.start().similarity

    def play(self) -> None:
        """Go on; at the end, from the start."""
        if self.at_end:
            self._seek = self.start_time
        self.playing = True
        self._wake.set()

    def pause(self) -> None:
        """Stand still where the session is."""
        self.playing = False

    def step(self) -> None:
        """Stand still, one hop further."""
        self.playing = False
        self._steps += 1
        self._wake.set()

    def seek(self, t: float) -> None:
        """Go on from `t` (seconds on the recording's clock), with the EEG and the reading of that place.

        There is no reading within the first interval of the session, nor where a stream is missing.
        """
        self._seek = min(max(t, self.start_time), self.end)
        self._wake.set()

    # What a command calls.

    def launch(self) -> Player:
        """Begin to play in a thread of its own."""
        self._worker.start()
        return self

    def stop(self) -> None:
        """End the playing and wait for its thread."""
        self._wake.set()
        self._worker.stop()
        if self._survey is not None:
            self._survey.stop()

    def hold_at_end(self) -> None:
        """Stand still at the end, to be played again or sought, instead of being finished."""
        self._stay = True

    @property
    def failure(self) -> BaseException | None:
        """Why the playing ended by itself; None while it runs."""
        return self._worker.failure

    def raise_failure(self) -> None:
        """Raise what ended the playing, if anything did."""
        self._worker.raise_failure()

    @property
    def finished(self) -> bool:
        """Whether the playing has ended."""
        return not self._worker.alive

    def run(self) -> None:
        """Play to the end in the caller's thread, as fast as it goes (speed max, no loop)."""
        while self._beat() is not False:
            pass

    def _beat(self) -> bool | None:
        self._wake.clear()
        sought, self._seek = self._seek, None  # before the jump: another place may be sought meanwhile
        if sought is not None:
            self._jump(sought)
        if self.at_end:
            return self._begin_again()
        if self.playing:
            self._follow()
        elif self._steps:
            self._steps -= 1
            self._go(self.clock.now() + self.pipeline.grid.hop_s)
        else:
            self._anchor = None
            self._wake.wait(0.1)
        return None

    @property
    def at_end(self) -> bool:
        """Whether all was played."""
        return self.clock.now() >= self._last_moment

    @property
    def _last_moment(self) -> float:
        """When the last interval is sure to have been released, on the recording's clock."""
        return self.end + self.pipeline.grid.lateness_s + self.pipeline.grid.hop_s

    def _follow(self) -> None:
        """Go as far as wall time and speed allow, at most one hop at a time."""
        here = self.clock.now()
        hop = self.pipeline.grid.hop_s
        if math.isinf(self.speed):
            self._anchor = None
            self._go(here + hop)
            return
        wall = time.monotonic()
        if self._anchor is None or self._anchor[2] != self.speed:
            self._anchor = (wall, here, self.speed)
        target = self._anchor[1] + (wall - self._anchor[0]) * self.speed
        if target > here + hop:  # behind: play more slowly from here on instead of rushing
            self._anchor = (wall, here + hop, self.speed)
            target = here + hop
        self._go(target)
        self._wake.wait(_BEAT_S)

    def _go(self, now: float) -> None:
        now = min(now, self._last_moment)
        self.clock.sleep_until(now)
        self.pipeline.advance(now)

    def _begin_again(self) -> bool | None:
        if self.loop:
            self._jump(self.start_time)
        elif not self._stay:
            return False
        else:
            self.playing = False
            self._wake.wait(0.1)
        return None

    def _jump(self, position: float) -> None:
        """Stand at `position` with what the streams held just before it."""
        self.clock.set(position)
        self._anchor = None
        grid = self.pipeline.grid
        since = position - _READINGS_LEAD_S
        frames_from = since - grid.hop_s - grid.interval_s - grid.lag_s - grid.max_hold_s
        for source in self._sources:
            source.seek(position - _EEG_LEAD_S if isinstance(source, ReplayEeg) else frames_from)
        self.pipeline.restart(since)
        self.pipeline.advance(position)
