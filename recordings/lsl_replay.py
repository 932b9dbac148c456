"""Streams a recorded session out again over LSL, so that any program that reads LSL can be fed with it.

Every stream of the file becomes an outlet with its name, type, rate, format, source id and whole description;
only what LSL sets itself (host, uid, time of creation) is new. Samples leave when they are due, bit by bit as
they were recorded. Their stamps are on the LSL clock of now: the session's time from its start on, so jitter,
gaps and what lies between streams stay as they were.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

from realtime.errors import ConfigError, SessionError
from realtime.lsl.outlet import open_outlet
from realtime.time.clock import Clock
from realtime.types import TimeArray
from recordings.session.session import Session
from recordings.session.stamps import StreamStamps, corrector
from recordings.xdf.format import Values
from recordings.xdf.index import StreamInfo, XdfStream
from recordings.xdf.reader import XdfReader
from recordings.xdf.sync import trusted

if TYPE_CHECKING:
    import pylsl

_BEAT_S = 0.01  # what is due is sent this often: a headset's usual chunks
_LONGEST_WAIT_S = 0.1  # a stop is noticed within this time
_SEAM_S = 1.0  # between the end and the beginning of a loop: plainly a gap, to every reader
_LINGER_S = 0.5  # outlets outlive their last sample so long, or it would not arrive
_BUFFER_S = 60


def serve_session(
    session: Session,
    clock: Clock,
    should_stop: Callable[[], bool],
    speed: float = 1.0,
    loop: bool = False,
    lead_s: float = 2.0,
) -> dict[str, int]:
    """Stream a session over LSL to its end, or until told to stop. Blocks in the caller's thread.

    Parameters
    ----------
    clock : Clock
        The LSL clock.
    should_stop : callable
        Asked at least every 0.1 s.
    speed : float
        Times real time. At another speed than 1 the stamps and the stated rates are that speed's too, so
        that every stream is true to what it says of itself.
    loop : bool
        Begin again at the end, after a gap of a second; stamps go on rising.
    lead_s : float
        The streams can be found and connected to for so long before the first sample goes.

    Returns
    -------
    dict of str to int
        Samples sent, by stream: name, type and number in the file.

    Raises
    ------
    ConfigError
        A speed that is not above 0, or not finite: LSL has no backlog that could hold a session.
    SessionError
        There is no sample to be sent, or a chunk of the file is damaged.
    """
    return LslReplay(session, speed).play(clock, should_stop, loop, lead_s)


class LslReplay:
    """The outlets of a session: they can be found from here on, and send once `play` is called.

    Parameters and errors as for `serve_session`.
    """

    def __init__(self, session: Session, speed: float = 1.0):
        if not (math.isfinite(speed) and speed > 0):
            raise ConfigError(f"a session cannot go out over LSL at speed {speed:g}: give a number above 0")
        self._start = _start(session)
        self._speed = speed
        self._senders = [_Sender(session.reader, s, speed) for s in session.reader.streams.values()]

    def play(
        self, clock: Clock, should_stop: Callable[[], bool], loop: bool = False, lead_s: float = 0.0
    ) -> dict[str, int]:
        """Send everything in its time; returns the samples sent by stream."""
        origin = clock.now() + lead_s
        while not should_stop():
            now = clock.now()
            due = self._send(now, origin)
            if math.isfinite(due):
                at = origin + (due - self._start) / self._speed
                clock.sleep_until(min(max(at, now + _BEAT_S), now + _LONGEST_WAIT_S))
            elif loop:
                origin = self._rewind()
            else:
                _rest(clock, now + _LINGER_S, should_stop)
                break
        return {sender.name: sender.n_sent for sender in self._senders}

    def _send(self, now: float, origin: float) -> float:
        """Send what is due, the session having begun at `origin`; the time of what comes next."""
        until = self._start + (now - origin) * self._speed
        shift = origin - self._start / self._speed
        for sender in self._senders:
            sender.send(until, shift)
        return min(sender.due for sender in self._senders)

    def _rewind(self) -> float:
        """Stand at the beginning; returns when it is to be played next."""
        for sender in self._senders:
            sender.rewind()
        return max(sender.last_stamp for sender in self._senders) + _SEAM_S


class _Sender:
    """One stream of the file on its way out through its own outlet.

    Attributes
    ----------
    due : float
        Time of the next sample on the session's clock, s; infinite at the end.
    last_stamp : float
        The latest stamp sent, s on the LSL clock.
    """

    def __init__(self, reader: XdfReader, stream: XdfStream, speed: float):

        info = stream.info
        self.name = f"{info.name} {info.type} {info.stream_id}"
        self.n_sent = 0
        self.last_stamp, self.due = -math.inf, math.inf
        self._speed = speed
        self._reader, self._stream = reader, stream
        self._times = self._dues = np.zeros(0)
        self._values: Values = []
        self._outlet = open_outlet(_description(info, speed), max_buffered=_BUFFER_S)
        self.rewind()

    def rewind(self) -> None:
        """Stand at the first sample."""
        self._pieces = _pieces(self._reader, self._stream)
        self._passed = -math.inf
        self._next_piece()

    def send(self, until: float, shift: float) -> None:
        """Send what is due by `until` (s, session's clock); a time t goes out as t / speed + `shift`."""
        while self.due <= until:
            n = int(np.searchsorted(self._dues, until, side="right"))
            stamps = self._times[:n] / self._speed + shift
            self._outlet.push_chunk(self._values[:n], stamps.tolist())
            self.n_sent += n
            self.last_stamp = max(self.last_stamp, float(stamps.max()))
            if n == len(self._dues):
                self._next_piece()
            else:
                self._times, self._dues, self._values = self._times[n:], self._dues[n:], self._values[n:]
                self.due = float(self._dues[0])

    def _next_piece(self) -> None:
        """Have the samples of the next chunk at hand.

        One that is stamped earlier than one before it is due with that one: the file's order stays.
        """
        self._times, self._values = next(self._pieces, (np.zeros(0), []))
        self._dues = np.maximum(np.maximum.accumulate(self._times), self._passed)
        self._passed = float(self._dues[-1]) if len(self._dues) else self._passed
        self.due = float(self._dues[0]) if len(self._dues) else math.inf


def _pieces(reader: XdfReader, stream: XdfStream) -> Iterator[tuple[TimeArray, Values]]:
    """Read times on the session's clock and values of each chunk that holds samples.

    What a regular stream's stamps miss is filled in; of an irregular one a sample without a time is left out.
    """
    on_session_clock, of_stream = corrector(stream), StreamStamps(reader, stream.info.stream_id)
    left = trusted(stream)[0]
    for k, (stamps, values) in enumerate(reader.iter_chunks(stream.info.stream_id)):
        n = min(len(stamps), left)
        left -= n
        if stream.info.rate_nominal > 0 and n:
            yield on_session_clock.correct(of_stream.of_chunk(k, stamps)[:n]), values[:n]
            continue
        known = np.flatnonzero(np.isfinite(stamps[:n])).tolist()
        if known:
            chosen = [values[i] for i in known] if isinstance(values, list) else values[known]
            yield on_session_clock.correct(stamps[known]), chosen


def _start(session: Session) -> float:
    """When the session begins on its own clock: with its EEG or video, else with any sample at all."""
    with contextlib.suppress(SessionError):
        return session.start
    firsts = [next(_pieces(session.reader, s), None) for s in session.reader.streams.values()]
    times = [float(piece[0][0]) for piece in firsts if piece is not None]
    if not times:
        raise SessionError(f"{session.path} holds no sample: there is nothing to stream")
    return min(times)


def _rest(clock: Clock, until: float, should_stop: Callable[[], bool]) -> None:
    while clock.now() < until and not should_stop():
        clock.sleep_until(min(until, clock.now() + _LONGEST_WAIT_S))


def _description(info: StreamInfo, speed: float) -> pylsl.StreamInfo:
    """Make the stream's header as an outlet gives it."""
    import pylsl

    made = pylsl.StreamInfo(
        info.name or f"stream {info.stream_id}",  # LSL has no stream without a name
        info.type, info.n_channels, info.rate_nominal * speed, info.format, info.source_id,
    )  # fmt: skip
    described = info.root.find("desc")
    if described is not None:
        _copy(described, made.desc())
    return made


def _copy(element: ElementTree.Element, node: pylsl.XMLElement) -> None:
    """Append an element's children and theirs to a node of LSL's."""
    for child in element:
        if len(child):
            _copy(child, node.append_child(child.tag))
        else:
            node.append_child_value(child.tag, child.text or "")
