"""The LSL streams that are recorded beside a session: all that fit, whenever they are there."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pylsl

from realtime.errors import StreamNotFound
from realtime.lsl.selector import StreamSelector, StreamSummary
from realtime.types import StreamState
from realtime.worker import Worker
from recordings.lsl_stream import LslStream
from recordings.recorder import Recorder

_LOOK_S = 0.25
_LIST_S = 1.0
_SETTLE_S = 1.0  # after one has answered, for the others that fit
_FORGET_S = 5.0
_OWN = ("phosphene-feedback-", "phosphene-attended-")  # source ids of what a session sends out itself


class LslStreams:
    """Records every stream that fits one of the selections, from the start on or from when it joins.

        streams = LslStreams([StreamSelector.parse("type=Markers")])
        headers = streams.open()                          # before the recorder, which is given the headers
        recorder = Recorder(folder, …, others=headers).start()
        streams.feed(recorder)
        …
        streams.close()                                   # before the recorder

    A stream that broke off goes on where a sender of its identity and shape comes back; one that comes back
    with another shape is recorded as a stream of its own.

    Parameters
    ----------
    selectors : sequence of StreamSelector
    everything : bool
        Take every stream on the network, too; else every stream of markers or gaze is taken, chosen or not.
    but_not : sequence of StreamSelector
        Streams that are recorded otherwise. The program's own feedback never is recorded this way.
    resolve_s : float
        How long `open` looks for a stream of each selection.
    """

    def __init__(
        self,
        selectors: Sequence[StreamSelector],
        *,
        everything: bool = False,
        but_not: Sequence[StreamSelector] = (),
        resolve_s: float = 4.0,
    ):
        self.warnings: list[str] = []
        self._selectors, self._everything = tuple(selectors), everything
        self._but_not, self._resolve_s = tuple(but_not), resolve_s
        self._streams: list[LslStream] = []
        self._refused: set[str] = set()
        self._broken: set[str] = set()
        self._resolver: pylsl.ContinuousResolver | None = None
        self._recorder: Recorder | None = None
        self._worker: Worker | None = None

    def open(self) -> dict[str, str]:
        """Find the streams; returns the XML of each one's header by the name it is fed under.

        Raises
        ------
        StreamNotFound
            None fits one of the selections, or one that does does not answer.
        """
        self._resolver = pylsl.ContinuousResolver(forget_after=_FORGET_S)
        if not self._selectors and not self._everything:
            return {}  # markers join by themselves
        found = self._found_at_first()
        for selector in self._selectors:
            if not any(selector.matches(StreamSummary.of(info)) for info in found):
                present = [StreamSummary.of(info) for info in pylsl.resolve_streams(_LIST_S)]
                selector.choose([], present)  # raises, and names what there is
        self._streams = [LslStream(info) for info in found if self._is_wanted(StreamSummary.of(info))]
        return {stream.name: stream.header for stream in self._streams}

    def feed(self, recorder: Recorder) -> None:
        """Begin to copy into a recording that was given the headers, and let further streams join."""
        self._recorder = recorder
        for stream in self._streams:
            stream.feed(recorder)
        if self._resolver is not None:
            self._worker = Worker("LSL streams", self._look)
            self._worker.start()

    def close(self) -> None:
        """Stop copying and let go of every stream."""
        if self._worker is not None:
            self._worker.stop()
        self._resolver = None
        for stream in self._streams:
            stream.close()
            if stream.failure is not None:
                self._say(f"recording {stream.summary} ended: {stream.failure}")

    def _found_at_first(self) -> list[pylsl.StreamInfo]:
        assert self._resolver is not None
        end = time.monotonic() + (self._resolve_s if self._selectors else _SETTLE_S)
        settled = False
        while time.monotonic() < end:
            found = [StreamSummary.of(info) for info in self._resolver.results()]
            if not settled and all(any(map(selector.matches, found)) for selector in self._selectors):
                settled, end = True, min(end, time.monotonic() + _SETTLE_S)
            time.sleep(_LOOK_S / 5)
        results: list[pylsl.StreamInfo] = self._resolver.results()
        return results

    def _is_wanted(self, summary: StreamSummary) -> bool:
        own = summary.source_id.startswith(_OWN)
        if own or any(selector.matches(summary) for selector in self._but_not):
            return False
        return self._everything or _belong(summary) or self._is_chosen(summary)

    def _is_chosen(self, summary: StreamSummary) -> bool:
        return any(selector.matches(summary) for selector in self._selectors)

    def _look(self) -> None:
        """Look once for streams that join or come back. Runs in a thread of its own."""
        assert self._resolver is not None
        assert self._worker is not None
        known = {stream.uid for stream in self._streams} | self._refused
        for info in self._resolver.results():
            summary = StreamSummary.of(info)
            if summary.uid not in known and self._is_wanted(summary):
                self._join(info, summary)
        for stream in self._streams:
            if stream.state is StreamState.LOST and stream.uid not in self._broken:
                self._broken.add(stream.uid)
                self._say(f"{stream.summary} broke off")
        self._worker.wait(_LOOK_S)

    def _join(self, info: pylsl.StreamInfo, summary: StreamSummary) -> None:
        assert self._recorder is not None
        if (lost := next((stream for stream in self._streams if stream.takes(summary)), None)) is not None:
            lost.renew(info)
            self._say(f"{summary} came back, and goes on where it was")
            return
        try:
            stream = LslStream(info)
        except StreamNotFound as silent:
            self._refused.add(summary.uid)
            self._say(str(silent))
            return
        self._recorder.add_stream(stream.name, stream.header)
        stream.feed(self._recorder)
        self._streams = [*self._streams, stream]
        if self._everything or self._is_chosen(summary):
            self._say(f"{summary} joined while it was recorded")

    def _say(self, sentence: str) -> None:
        self.warnings.append(sentence)
        if self._recorder is not None:
            self._recorder.warnings.append(sentence)


def _belong(summary: StreamSummary) -> bool:
    """Say whether streams of this type are recorded whether they were chosen or not: events and gaze."""
    return summary.type.lower() in ("markers", "gaze")
