"""What came out of a session: readings, events and feedback as arrays on the session's own time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.chance import LEAST_WINDOWS, wilson
from realtime.config import GridConfig
from realtime.feedback.controller import BASELINE_OVER, OFF, ON
from realtime.types import IndexArray
from recordings.session.session import Marker, Session
from recordings.session.tracks import stamps_on_session_clock
from recordings.xdf.index import XdfStream

Values = NDArray[np.float64]
_INTERVAL_S, _HALF_HOP_S = GridConfig().interval_s, GridConfig().hop_s / 2
_LIVE_MS = (0.0, 60_000.0)  # readings that came otherwise were computed afterwards


@dataclass(frozen=True)
class Readings:
    """What the program said, one entry for each interval.

    Attributes
    ----------
    name : str
        Of the stream.
    time : array of shape (n,), s since the session began
        Ends of the intervals.
    values : dict of str to array of shape (n,)
        similarity, match, chance_low, chance_high, percentile, two_way, …; nan where not known.
    latency_ms : array of shape (n,)
        From an interval's end to the moment its reading could be seen; empty where that was not live.
    """

    name: str
    time: Values
    values: dict[str, Values]
    latency_ms: Values

    def __getitem__(self, name: str) -> Values:
        """Return a quantity (n,) by its name, all nan where it was not recorded."""
        return self.values.get(name, np.full(len(self.time), np.nan))

    def last(self, name: str) -> float | None:
        """Return the last known value of a quantity."""
        known = self[name][np.isfinite(self[name])]
        return float(known[-1]) if len(known) else None

    def apart(self, name: str) -> IndexArray:
        """Choose readings (n_apart,) whose intervals do not overlap, from the first whose `name` is known."""
        chosen: list[int] = []
        for k in np.flatnonzero(np.isfinite(self[name])):
            if not chosen or self.time[k] - self.time[chosen[-1]] > _INTERVAL_S - _HALF_HOP_S:
                chosen.append(int(k))
        return np.array(chosen, np.int64)

    def beats_chance(self) -> bool:
        """Whether the session as a whole fits better than chance: its 2-way interval lies above a half.

        Of fewer than ten windows, or of readings whose count is not known, nothing is said.
        """
        found = self.accuracy()
        if found is None or found[1] < LEAST_WINDOWS or found[2] is None:
            return False
        return found[2][0] > 0.5

    def accuracy(self) -> tuple[float, int, tuple[float, float] | None] | None:
        """Return the running 2-way accuracy at the end: share, windows, and its 95 % interval (or None).

        The windows are not recorded but follow from their rule (`realtime.chance`). Where the share is not
        a whole number of them, it was running before the recording began.
        """
        share = self.last("two_way")
        if share is None:
            return None
        n = len(self.apart("two_way"))
        won = round(share * n)
        return share, n, wilson(won, n) if abs(won - share * n) < 1e-6 else None


@dataclass(frozen=True)
class PlacesAttended:
    """Which places of the main video were attended.

    Attributes
    ----------
    time : array of shape (n,), s since the session began
        Ends of the intervals.
    certainty : array of shape (n,)
        How surely the leading place stands out; nan where not known.
    places : array of shape (n, rows, columns)
        Shares.
    """

    time: Values
    certainty: Values
    places: Values

    def at(self, second: float, near_s: float) -> tuple[Values, float] | None:
        """Return places and certainty of the interval that shows this second; None where none is near.

        Returns
        -------
        places : array of shape (rows, columns)
        certainty : float
        """
        k = int(np.searchsorted(self.time, second))
        if k == len(self.time) or self.time[k] - second > near_s:
            return None
        return self.places[k], float(self.certainty[k])


@dataclass(frozen=True)
class FeedbackOutcome:
    """What feedback there was; times in seconds since the session began.

    Attributes
    ----------
    baseline_over : float or None
        When its baseline was over.
    spans : list of (float, float)
        Start and end of each; what never ended lasts to the session's end.
    latency_ms : array of shape (n,)
        From an interval's end to its sample on the wire, where the feedback's stream was recorded.
    parameters : str
        The controller's, as JSON; empty where they were not recorded.
    """

    baseline_over: float | None
    spans: list[tuple[float, float]]
    latency_ms: Values
    parameters: str

    def __bool__(self) -> bool:
        """Return whether there was any feedback."""
        return self.baseline_over is not None or bool(self.spans) or bool(len(self.latency_ms))


def all_readings(session: Session) -> list[Readings]:
    """Read the readings of a session: none, or one for each stream of them that has any."""
    return [
        _readings(session, stream)
        for stream in session.reader.streams.values()
        if stream.info.type == "Readings" and stream.n_samples
    ]


def places_attended(session: Session) -> PlacesAttended | None:
    """Read what was attended, where the network told places apart and it was recorded."""
    for stream in session.reader.streams.values():
        if stream.info.type == "Attention" and stream.n_samples:
            ends, values = _samples(session, stream)
            shape = [int(stream.info.text(f"desc/places/{side}") or 0) for side in ("rows", "columns")]
            if np.prod(shape) == values.shape[1] - 1:
                return PlacesAttended(ends - session.start, values[:, 0], values[:, 1:].reshape(-1, *shape))
    return None


def _readings(session: Session, stream: XdfStream) -> Readings:
    ends, rows = _samples(session, stream)
    labels = [c.findtext("label") or "" for c in stream.info.root.findall("desc/channels/channel")]
    values = {label: rows[:, k] for k, label in enumerate(labels[: rows.shape[1]])}
    latency = (values["emitted_s"] - ends) * 1e3 if "emitted_s" in values else np.zeros(0)
    return Readings(stream.info.name, ends - session.start, values, _if_live(latency))


def all_feedback(session: Session, events: list[Marker]) -> FeedbackOutcome:
    """Read the feedback of a session, from its events and, where it was recorded, its own stream."""
    begun, baseline, since, spans = session.start, None, None, []
    for stamp, text in events:
        if text == BASELINE_OVER:
            baseline = stamp - begun
        elif text == ON:
            since = stamp - begun
        elif text == OFF and since is not None:
            spans.append((since, stamp - begun))
            since = None
    if since is not None:
        spans.append((since, session.duration))
    latency, parameters = np.zeros(0), ""
    for stream in session.reader.streams.values():
        if stream.info.type == "Feedback" and stream.n_samples and stream.info.n_channels >= 4:
            ends, rows = _samples(session, stream)
            latency = _if_live((rows[:, 3] - ends) * 1e3)
            parameters = stream.info.text("desc/parameters")
    return FeedbackOutcome(baseline, spans, latency, parameters)


def events_once(session: Session) -> list[Marker]:
    """Return the session's events; one that was recorded by two streams counts once."""
    return list(dict.fromkeys(session.markers()))


def is_feedback(text: str) -> bool:
    """Whether an event tells of feedback, not of what was shown."""
    return text in (BASELINE_OVER, ON, OFF)


def _samples(session: Session, stream: XdfStream) -> tuple[Values, Values]:
    stamps, rows = session.reader.read(stream.info.stream_id)
    return stamps_on_session_clock(stream, stamps), np.asarray(rows, np.float64)


def _if_live(latency_ms: Values) -> Values:
    known = latency_ms[np.isfinite(latency_ms)]
    live = len(known) and _LIVE_MS[0] <= np.median(known) <= _LIVE_MS[1]
    return known if live else np.zeros(0)
