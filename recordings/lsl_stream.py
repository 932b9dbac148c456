"""Any LSL stream as it is, on its way into a recording: markers, eye trackers, accelerometers, other EEG."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pylsl

from realtime.errors import StreamFormatError, StreamNotFound
from realtime.lsl.selector import StreamSelector, StreamSummary
from realtime.time.clock import LslClock
from realtime.types import ClockOffset, StreamState
from realtime.worker import Worker
from recordings.recorder import Recorder

_MEASURE_S = 5.0  # between two measurements of the sender's clock
_ANSWER_S = 5.0  # within which a stream that was just found must answer
_PULL_S = 0.2
_LIST_S = 1.0
_INLET_S = 60  # liblsl keeps this much while the recorder is busy
_AT_ONCE = 4096  # samples of one chunk


class LslStream:
    """Copies an LSL stream into a recording, in a thread of its own, with its stamps and format unchanged.

        stream = LslStream(StreamSelector.parse("type=Markers"))
        header = stream.open()                            # before the recorder, which needs all headers
        recorder = Recorder(folder, …, others={stream.name: header}).start()
        stream.feed(recorder)
        …
        stream.close()                                    # before the recorder

    A stream that is lost is looked for by its identity until it is back.

    Parameters
    ----------
    selector : StreamSelector
    resolve_s : float
        How long `open` looks for the stream.
    now : callable, optional
        Seconds on the LSL clock.
    """

    def __init__(
        self, selector: StreamSelector, resolve_s: float = 4.0, now: Callable[[], float] | None = None
    ):
        self.state = StreamState.SEARCHING
        self._selector, self._resolve_s = selector, resolve_s
        self._now = now or LslClock().now
        self._inlet: Any = None
        self._resolver: pylsl.ContinuousResolver | None = None
        self._measure_at = 0.0
        self._worker: Worker | None = None
        self._recorder: Recorder | None = None

    def open(self) -> str:
        """Find the stream and connect; returns the XML of its header.

        Raises
        ------
        StreamNotFound
            None fits, several do, or the one that does not answer.
        """
        found = pylsl.resolve_bypred(self._selector.predicate, minimum=1, timeout=self._resolve_s)
        present = [] if found else [StreamSummary.of(info) for info in pylsl.resolve_streams(_LIST_S)]
        chosen = found[self._selector.choose([StreamSummary.of(info) for info in found], present)]
        self._summary = StreamSummary.of(chosen)
        try:
            self._connect(chosen)
            return str(self._inlet.info(timeout=_ANSWER_S).as_xml())
        except (pylsl.util.TimeoutError, pylsl.util.LostError):
            self._inlet = None
            raise StreamNotFound(
                f"'{chosen.name()}' was found and then did not answer. Start its sender again; if that does "
                "not help, let LSL through the firewall."
            ) from None

    @property
    def name(self) -> str:
        """What to feed it under: unlike a stream's own name, no two have the same."""
        return f"{self._summary.name} {self._summary.type} {self._summary.uid}"

    def feed(self, recorder: Recorder) -> None:
        """Begin to copy into a recording that was given the header `open` returned."""
        self._recorder = recorder
        self._worker = Worker(f"LSL {self._summary.name}", self._step, on_exit=self._disconnect).start()

    @property
    def failure(self) -> BaseException | None:
        """Why copying ended by itself; None while it runs."""
        return self._worker.failure if self._worker is not None else None

    def close(self) -> None:
        """Stop copying and let go of the stream."""
        if self._worker is None:
            self._disconnect()
        else:
            self._worker.stop()

    def _step(self) -> None:
        if self._inlet is None and not self._reconnect():
            return
        try:
            values, stamps = self._inlet.pull_chunk(
                _PULL_S, max_samples=_AT_ONCE, min_samples=1, as_numpy=self._summary.format != "string"
            )
            offsets = self._measured()
        except pylsl.util.LostError:
            self._disconnect()
            self.state = StreamState.LOST
            return
        if len(stamps) or offsets:
            assert self._recorder is not None
            self._recorder.samples(self.name, np.asarray(stamps, np.float64), values, offsets)

    def _measured(self) -> tuple[ClockOffset, ...]:
        """Measure the sender's clock against ours, every few seconds."""
        now = self._now()
        if now < self._measure_at:
            return ()
        try:
            value = float(self._inlet.time_correction(timeout=_PULL_S))
        except pylsl.util.TimeoutError:
            return ()
        self._measure_at = now + _MEASURE_S
        return (ClockOffset(self._now(), value),)

    def _connect(self, found: pylsl.StreamInfo) -> None:
        self._inlet = pylsl.StreamInlet(found, max_buflen=_INLET_S, recover=False)
        self._inlet.open_stream(timeout=_ANSWER_S)
        self._measure_at = 0.0
        self.state = StreamState.LIVE

    def _reconnect(self) -> bool:
        """One look for the stream that was lost."""
        if self._resolver is None:
            s = self._summary
            same = StreamSelector(name=s.name, type=s.type, source_id=s.source_id or None, host=s.host)
            self._resolver = pylsl.ContinuousResolver(pred=same.predicate, forget_after=2.0)
        found = self._resolver.results()
        if not found:
            time.sleep(_PULL_S)
            return False
        back = StreamSummary.of(found[0])
        if (back.n_channels, back.format) != (self._summary.n_channels, self._summary.format):
            raise StreamFormatError(
                f"'{back.name}' came back with {back.n_channels} × {back.format}, before it had "
                f"{self._summary.n_channels} × {self._summary.format}: begin a new recording"
            )
        try:
            self._connect(found[0])
        except (pylsl.util.TimeoutError, pylsl.util.LostError):
            return False
        self._resolver = None
        return True

    def _disconnect(self) -> None:
        self._inlet = self._resolver = None
