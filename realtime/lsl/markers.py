"""Events from LSL marker streams, as they come."""

from __future__ import annotations

from collections.abc import Callable

import pylsl

from realtime.lsl.listener import ANSWER_S, StreamListener
from realtime.lsl.selector import StreamSelector

_LOOK_S = 0.1  # markers are asked for ten times a second

Heard = Callable[[float, str], None]


class MarkerListener(StreamListener[pylsl.StreamInlet]):
    """Listens to every marker stream that fits a selection, whenever it is there.

    Parameters
    ----------
    selector : StreamSelector
        Of streams of strings or numbers; `type=Markers` takes them all.
    heard : callable
        Given the stamp (seconds on our LSL clock) and the text, in the listener's thread.
    """

    def __init__(self, selector: StreamSelector, heard: Heard):
        super().__init__("markers", selector.predicate, _LOOK_S)
        self._heard = heard

    def open(self, found: pylsl.StreamInfo) -> pylsl.StreamInlet:
        """Open a stream that was found."""
        return pylsl.StreamInlet(found, max_buflen=60, recover=False)

    def take(self, opened: pylsl.StreamInlet) -> None:
        """Hand on what the stream has sent."""
        samples, stamps = opened.pull_chunk(timeout=0.0, as_numpy=True)
        if not len(stamps):
            return
        offset = opened.time_correction(timeout=ANSWER_S)
        for values, stamp in zip(samples, stamps, strict=True):
            self._heard(float(stamp) + offset, ",".join(map(_text, values)))


def _text(value: object) -> str:
    """Read a text of any encoding: what is not UTF-8 is read as Latin-1, which reads every byte."""
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
