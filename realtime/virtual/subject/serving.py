"""The virtual subject on LSL: its EEG, markers of its engagement, and an ear for feedback."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from realtime.feedback.outlet import CHANNELS
from realtime.lsl.selector import StreamSelector
from realtime.time.clock import Clock
from realtime.types import FloatArray
from realtime.virtual import headset
from realtime.virtual.film.film import Film
from realtime.virtual.headset import HeadsetOptions
from realtime.virtual.subject.engagement import ResponsiveEngagement, phase_at
from realtime.virtual.subject.subject import SubjectOptions, VirtualSubject, engagement_of, watching, worn_by

if TYPE_CHECKING:
    import pylsl

_CHUNK = 5  # samples sent at a time; at 250 Hz one every 20 ms, as wireless headsets do
_SILENCE_S = 3.0  # feedback that is not repeated for so long is over


def serve(
    options: SubjectOptions,
    clock: Clock,
    should_stop: Callable[[], bool],
    *,
    source_id: str = "",
    seconds: float | None = None,
    feedback: StreamSelector | None = None,
) -> int:
    """Stream the subject over LSL until told to stop or for `seconds`; returns how many samples went.

    Beside the EEG goes a stream of type Markers, whose source id is that of the EEG and `-markers`: `engaged`
    or `drifting` at the start and at each change. Called in the thread that is to stream; it blocks.

    Parameters
    ----------
    source_id : str
        Identity of the EEG stream; a new one by default.
    feedback : StreamSelector, optional
        The feedback stream to listen to (`realtime.feedback.outlet`), whenever there is one. Engagement then
        no longer follows the clock: it falls by itself, and feedback brings it back.
    """
    source_id = source_id or f"phosphene-subject-{uuid.uuid4().hex[:12]}"
    worn = worn_by(options, source_id=source_id, seconds=seconds, chunk=_CHUNK)
    start = clock.now()
    film = watching(Film(options.film_seed), sees=options.sees)
    engagement, ear = engagement_of(options), None
    if feedback is not None:
        engagement = responsive = ResponsiveEngagement(start)
        ear = Ear(feedback, responsive, clock)
    subject = VirtualSubject(options, start, film, engagement)
    return headset.serve(worn, clock, should_stop, _OnAir(subject, worn, ear), start)


class Ear:
    """Listens to a feedback stream, whenever there is one, and tells engagement of it."""

    def __init__(self, stream: StreamSelector, engagement: ResponsiveEngagement, clock: Clock):
        import pylsl

        self._resolver = pylsl.ContinuousResolver(pred=stream.predicate)
        self._engagement, self._clock = engagement, clock
        self._inlet: pylsl.StreamInlet | None = None
        self.level, self._heard = 0.0, -np.inf

    def listen(self) -> None:
        """Take what has come; never waits."""
        import pylsl

        now = self._clock.now()
        if self._inlet is None and (found := self._resolver.results()):
            self._inlet = pylsl.StreamInlet(found[0], max_buflen=5, recover=False)
        try:
            samples = self._inlet.pull_chunk(timeout=0.0)[0] if self._inlet is not None else []
        except pylsl.util.LostError:
            self._inlet, samples = None, []
        if samples:
            self._heard = now
        level = samples[-1][CHANNELS.index("feedback")] if samples else self.level
        self._tell(level if now - self._heard < _SILENCE_S else 0.0, now)

    def _tell(self, level: float, now: float) -> None:
        if level != self.level:
            self.level = level
            self._engagement.feedback(level, now)


class _OnAir:
    """A subject as the headset's signal; each reading also sends the markers that fall in it."""

    def __init__(self, subject: VirtualSubject, worn: HeadsetOptions, ear: Ear | None):
        import pylsl

        info = pylsl.StreamInfo(
            f"{worn.name} markers", "Markers", 1, pylsl.IRREGULAR_RATE, "string", f"{worn.source_id}-markers"
        )
        self._markers = pylsl.StreamOutlet(info)
        self._subject, self._ear, self._taken = subject, ear, 0
        stamp, phase = phase_at(subject.engagement, subject.start)
        self._markers.push_sample([phase], stamp)

    def read(self, n: int) -> FloatArray:
        if self._ear is not None:
            self._ear.listen()
        samples = self._subject.read(n)
        start, stop = self._subject.times(self._taken, n + 1)[[0, -1]]
        self._taken += n
        for stamp, phase in self._subject.engagement.phases(start, stop):
            self._markers.push_sample([phase], stamp)
        return samples
