"""One LSL stream as it is, on its way into a recording: markers, eye trackers, accelerometers, other EEG."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pylsl

from realtime.errors import StreamNotFound
from realtime.lsl.link import GONE, INLET_S, persistently
from realtime.lsl.selector import StreamSummary
from realtime.time.clock import LslClock
from realtime.types import ClockOffset, StreamState
from realtime.worker import Worker
from recordings.recorder import Recorder

_MEASURE_S = 5.0  # between two measurements of the sender's clock
_ANSWER_S = 5.0  # within which a stream that was just found must answer
_LAST_S = 2.0  # that an end waits for a first measurement: liblsl takes two thirds of a second for it
_PULL_S = 0.2
_AT_ONCE = 4096  # samples of one chunk


class LslStream:
    """Copies an LSL stream into a recording, in a thread of its own.

    Description, stamps and format are its sender's. Texts are kept byte by byte, whatever their encoding.
    Where the sender breaks off, `renew` has another go on for it.

    Parameters
    ----------
    found : pylsl.StreamInfo
        As resolved.
    now : callable, optional
        Seconds on the LSL clock.

    Attributes
    ----------
    header : str
        XML as the sender gave it.

    Raises
    ------
    StreamNotFound
        It does not answer.
    """

    def __init__(self, found: pylsl.StreamInfo, now: Callable[[], float] | None = None):
        self.summary = StreamSummary.of(found)
        self.uid = self.summary.uid
        self.state = StreamState.SEARCHING
        self._now = now or LslClock().now
        self._inlet: Any = None
        self._next: pylsl.StreamInfo | None = None
        self._measure_at = 0.0
        self._worker: Worker | None = None
        self._recorder: Recorder | None = None
        try:
            self.header = persistently(lambda: str(self._connect(found).info(timeout=_ANSWER_S).as_xml()))
        except GONE:
            self._inlet = None
            raise StreamNotFound(
                f"'{found.name()}' was found and then did not answer. Start its sender again; if that does "
                "not help, let LSL through the firewall."
            ) from None

    @property
    def name(self) -> str:
        """What to feed it under: unlike a stream's own name, no two have the same."""
        return f"{self.summary.name} {self.summary.type} {self.summary.uid}"

    def feed(self, recorder: Recorder) -> None:
        """Begin to copy into a recording that was given the header."""
        self._recorder = recorder
        self._worker = Worker(f"LSL {self.summary.name}", self._step, on_exit=self._end)
        self._worker.start()

    @property
    def failure(self) -> BaseException | None:
        """What ended the copying, or None."""
        return self._worker.failure if self._worker is not None else None

    def takes(self, found: StreamSummary) -> bool:
        """Whether a stream that was found is this one, which broke off: it has its identity and shape."""
        mine = self.summary
        if self.state is not StreamState.LOST or (mine.n_channels, mine.format, mine.rate_nominal) != (
            found.n_channels, found.format, found.rate_nominal,
        ):  # fmt: skip
            return False
        if mine.source_id or found.source_id:
            return mine.source_id == found.source_id
        return (mine.name, mine.type, mine.host) == (found.name, found.type, found.host)

    def renew(self, found: pylsl.StreamInfo) -> None:
        """Have this sender go on for the one that broke off."""
        self._next, self.uid, self.state = found, found.uid(), StreamState.SEARCHING

    def close(self) -> None:
        """Stop copying and let go of the stream."""
        if self._worker is None:
            self._disconnect()
        else:
            self._worker.stop()

    def _step(self) -> None:
        assert self._recorder is not None
        assert self._worker is not None
        if self._inlet is None and not self._reconnect():
            self._worker.wait(_PULL_S)
            return
        try:
            values, stamps = self._inlet.pull_chunk(
                _PULL_S, max_samples=_AT_ONCE, min_samples=1, as_numpy=True
            )
            offsets = self._measured()
        except pylsl.util.LostError:
            self._disconnect()
            self.state = StreamState.LOST
            return
        if len(stamps) or offsets:
            self._recorder.samples(self.name, np.asarray(stamps, np.float64), values, offsets)

    def _measured(self) -> tuple[ClockOffset, ...]:
        """Measure the sender's clock against ours, every few seconds."""
        now = self._now()
        if now < self._measure_at:
            return ()
        return self._offset(_PULL_S)

    def _offset(self, timeout_s: float) -> tuple[ClockOffset, ...]:
        try:
            value = float(self._inlet.time_correction(timeout=timeout_s))
        except GONE:
            return ()
        now = self._now()
        self._measure_at = now + _MEASURE_S
        return (ClockOffset(now, value),)

    def _end(self) -> None:
        """Let go; a stream that was too short for its clock to be measured gets its measurement first."""
        if self._inlet is not None and self._recorder is not None and self._measure_at == 0.0:
            with suppress(pylsl.util.LostError):
                values, stamps = self._inlet.pull_chunk(0.0, max_samples=_AT_ONCE, as_numpy=True)
                offsets = self._offset(_LAST_S)
                self._recorder.samples(self.name, np.asarray(stamps, np.float64), values, offsets)
        self._disconnect()

    def _connect(self, found: pylsl.StreamInfo) -> Any:
        inlet = self._inlet = pylsl.StreamInlet(found, max_buflen=INLET_S, recover=False)
        inlet.open_stream(timeout=_ANSWER_S)
        self._measure_at = 0.0
        self.state = StreamState.LIVE
        return inlet

    def _reconnect(self) -> bool:
        """Connect to the sender that goes on for this one, if there is one."""
        found, self._next = self._next, None
        if found is None:
            return False
        try:
            self._connect(found)
        except GONE:
            self._disconnect()
            self.state = StreamState.LOST
            return False
        return True

    def _disconnect(self) -> None:
        self._inlet = None
