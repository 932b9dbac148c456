"""Events from LSL marker streams, as they come."""

from __future__ import annotations

from collections.abc import Callable

import pylsl

from realtime.lsl.selector import StreamSelector
from realtime.worker import Worker

_LOOK_S = 0.1  # markers are asked for ten times a second
_FORGET_S = 5.0
_ANSWER_S = 2.0

Heard = Callable[[float, str], None]


class MarkerListener:
    """Listens to every marker stream that fits a selection, whenever it is there.

    Parameters
    ----------
    selector : StreamSelector
        Of streams of strings or numbers; `type=Markers` takes them all.
    heard : callable
        Given the stamp (seconds on our LSL clock) and the text, in the listener's thread.
    """

    def __init__(self, selector: StreamSelector, heard: Heard):
        self._selector, self._heard = selector, heard
        self._resolver: pylsl.ContinuousResolver | None = None
        self._inlets: dict[str, pylsl.StreamInlet] = {}
        self._worker = Worker("markers", self._listen, on_exit=self._let_go)

    def launch(self) -> MarkerListener:
        """Begin to listen, in a thread."""
        self._worker.start()
        return self

    def stop(self) -> None:
        """Stop listening and let go of the streams."""
        self._worker.stop()

    @property
    def failure(self) -> BaseException | None:
        """What ended the listener, or None."""
        return self._worker.failure

    def _listen(self) -> None:
        if self._resolver is None:
            self._resolver = pylsl.ContinuousResolver(pred=self._selector.predicate, forget_after=_FORGET_S)
        for info in self._resolver.results():
            if info.uid() not in self._inlets:
                self._inlets[info.uid()] = pylsl.StreamInlet(info, max_buflen=60, recover=False)
        for uid, inlet in list(self._inlets.items()):
            try:
                self._take(inlet)
            except (pylsl.util.LostError, pylsl.util.TimeoutError):
                self._inlets.pop(uid)
        self._worker.wait(_LOOK_S)

    def _take(self, inlet: pylsl.StreamInlet) -> None:
        samples, stamps = inlet.pull_chunk(timeout=0.0, as_numpy=True)
        if not len(stamps):
            return
        offset = inlet.time_correction(timeout=_ANSWER_S)
        for values, stamp in zip(samples, stamps, strict=True):
            self._heard(float(stamp) + offset, ",".join(map(_text, values)))

    def _let_go(self) -> None:
        # Inlets go before whatever sends to them, and in the thread that made them (liblsl#220).
        self._inlets.clear()
        self._resolver = None


def _text(value: object) -> str:
    """Read a text of any encoding: what is not UTF-8 is read as Latin-1, which reads every byte."""
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
