"""Virtual people on LSL: their EEG, markers of what they attend to, and an ear for feedback."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from realtime.lsl.outlet import open_outlet
from realtime.lsl.selector import StreamSelector
from realtime.time.clock import Clock
from realtime.types import FloatArray
from realtime.virtual import headset
from realtime.virtual.headset import HeadsetOptions
from realtime.virtual.subject.engagement import Phase
from realtime.virtual.subject.subject import Listening, PersonOptions, VirtualSubject, worn_by

if TYPE_CHECKING:
    import pylsl

_CHUNK = 5  # samples sent at a time; at 250 Hz one every 20 ms, as wireless headsets do
_SILENCE_S = 3.0  # feedback that is not repeated for so long is over


def serve(
    options: PersonOptions,
    clock: Clock,
    should_stop: Callable[[], bool],
    *,
    source_id: str = "",
    seconds: float | None = None,
    feedback: StreamSelector | None = None,
) -> int:
    """Stream somebody over LSL until asked to stop or for `seconds`; returns how many samples went.

    Beside the EEG goes a stream of type Markers, whose source id is that of the EEG and `-markers`: the phase
    that the first listener comes into and each change, `engaged` (of several objects: `attends N`, N from 0)
    or `drifting`. Called in the thread that is to stream; it blocks.

    Parameters
    ----------
    source_id : str
        Identity of the EEG stream; a new one by default.
    feedback : StreamSelector, optional
        The feedback stream to listen to (of `realtime.feedback.outlet`, or `realtime.feedback.attended` where
        there are several objects), whenever there is one. Attention then falls by itself, and feedback brings
        it back or holds it.
    """
    source_id = source_id or f"phosphene-subject-{uuid.uuid4().hex[:12]}"
    worn = worn_by(options, source_id=source_id, seconds=seconds, chunk=_CHUNK)
    start = clock.now()
    engagement, ear = options.truth(), None
    if feedback is not None:
        listening = options.listening(start)
        engagement, ear = listening.engagement, Ear(feedback, listening, clock)

    def wake() -> VirtualSubject:
        return VirtualSubject(options, start, engagement=engagement)

    return headset.serve(worn, clock, should_stop, _OnAir(wake, worn, ear), start)


class Ear:
    """Listens to a feedback stream, whenever there is one, and tells attention of it."""

    def __init__(self, stream: StreamSelector, listening: Listening, clock: Clock):
        import pylsl

        self._resolver = pylsl.ContinuousResolver(pred=stream.predicate)
        self._listening, self._clock = listening, clock
        self._inlet: pylsl.StreamInlet | None = None
        self.level: float | None = None
        self._heard = -np.inf

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
            self.level, self._heard = samples[-1][self._listening.channel], now
        if now - self._heard >= _SILENCE_S:
            self.level = None
        self._listening.hear(self.level, now)


class _OnAir:
    """A subject as the headset's signal; each reading also sends the markers that fall in it.

    The subject is made at the first reading, when its streams can already be found: it takes a second.
    """

    def __init__(self, wake: Callable[[], VirtualSubject], worn: HeadsetOptions, ear: Ear | None):
        import pylsl

        info = pylsl.StreamInfo(
            f"{worn.name} markers", "Markers", 1, pylsl.IRREGULAR_RATE, "string", f"{worn.source_id}-markers"
        )
        self._markers = open_outlet(info)
        self._wake, self._ear, self._taken = wake, ear, 0
        self._current: Phase | None = None

    @cached_property
    def _subject(self) -> VirtualSubject:
        subject = self._wake()
        self._current = (subject.start, subject.engagement.phase(subject.start))
        return subject

    def read(self, n: int) -> FloatArray:
        """Return the next `n` samples, array of shape (n, n_channels), µV."""
        if self._ear is not None:
            self._ear.listen()
        samples = self._subject.read(n)
        start, stop = self._subject.times(self._taken, n + 1)[[0, -1]]
        self._taken += n
        self._tell(self._subject.engagement.phases(start, stop))
        return samples

    def _tell(self, phases: list[Phase]) -> None:
        """Send the changes of phase; and to the first who listens, the one that it has come into."""
        if self._current is not None:
            self._current = [self._current, *phases][-1]
            if self._markers.have_consumers():
                phases = phases or [self._current]
                self._current = None
        for stamp, phase in phases:
            self._markers.push_sample([phase], stamp)
