"""One connection to one LSL stream: samples as they were sent, and how the sender's clock stands to ours."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal, TypeVar

import numpy as np
import pylsl

from realtime.eeg.channels import describe_channels, kinds_of
from realtime.eeg.makers import filled, manufacturer_in
from realtime.errors import StreamFormatError
from realtime.lsl.anchor import Anchor
from realtime.lsl.selector import StreamSummary
from realtime.types import ClockOffset, EegInfo, FloatArray, RawChunk, TimeArray

ClockMode = Literal["check", "arrival"]

INLET_S = 3600  # liblsl keeps this much for a reader that sleeps; the sender as much of it as it allows
_PULL_S = 0.5  # and this much is taken at a time at most
_BEHIND_S = 0.1  # where more than this waits, samples come late
_MEASURE_S = 5.0  # between two measurements of the clock
_ANSWER_S = 5.0  # within which a stream that was just found must answer
GONE = (pylsl.util.LostError, pylsl.util.TimeoutError)
"""What says that a stream does not answer any more."""
_TRIES = 3
_Found = TypeVar("_Found")
_TELL_APART_S = 1e-6  # puts a measurement after the sample before it
_FINE_UV = 0.1  # a step of float32 coarser than this is worth a note


class ClockUnmeasured(StreamFormatError):
    """A stream sends samples and does not answer what time it is."""


def persistently(connect: Callable[[], _Found], also: tuple[type[Exception], ...] = ()) -> _Found:
    """Connect to a stream that was found, trying again where a poor link loses its answers.

    Parameters
    ----------
    also : tuple of exception types
        Reasons to try again beside `GONE`; the last attempt's error is the caller's.
    """
    for _ in range(_TRIES - 1):
        with suppress(*GONE, *also):
            return connect()
    return connect()


class Link:
    """Pulls from a stream of its own inlet; used by one thread at a time.

    Parameters
    ----------
    found : pylsl.StreamInfo
        As resolved.
    clock : "check" or "arrival"
        Measure the sender's clock by LSL's exchange and check it; or set its stamps against their arrival.
    now : callable
        Our clock, seconds.
    first : bool
        Whether a clock other than LSL's is refused; in a session that runs it is re-anchored instead.

    Raises
    ------
    StreamFormatError
        Strings, no regular rate, or (`ClockUnmeasured`) no answer about the time.
    pylsl.TimeoutError, pylsl.util.LostError
        The stream does not answer any more.
    """

    def __init__(
        self, found: pylsl.StreamInfo, clock: ClockMode, now: Callable[[], float], *, first: bool = True
    ):
        self.summary = StreamSummary.of(found)
        _check_format(self.summary)
        self.note = ""
        self._now = now
        rate = self.summary.rate_nominal
        self._inlet: Any = pylsl.StreamInlet(found, max_buflen=INLET_S, recover=False)
        self.info = _eeg_info(self.summary, self._inlet.info(timeout=_ANSWER_S))
        self._inlet.open_stream(timeout=_ANSWER_S)
        self._buffer = np.empty(
            (max(32, math.ceil(rate * _PULL_S)), self.info.n_channels), self._inlet.np_dtype
        )
        self._clock = _ExchangedClock(self._inlet, self.summary) if clock == "check" else _ArrivalClock()
        self._anchor = Anchor(1 / rate, now, tolerant=clock != "check" or not first)
        self._last = -math.inf
        self._eeg = [i for i, kind in enumerate(kinds_of(self.info)) if kind == "eeg"]

    @property
    def events(self) -> list[str]:
        """What happened to the sender's clock, in sentences."""
        return self._anchor.events

    def pull(self, timeout_s: float) -> RawChunk | None:
        """Return samples, raw stamps, and clock offsets measured since the last ones.

        Waits up to `timeout_s` for the first sample; None if none came.

        Raises
        ------
        StreamFormatError
            The stamps are of another clock.
        pylsl.util.LostError
        """
        samples, stamps = self._inlet.pull_chunk(
            timeout_s, max_samples=len(self._buffer), dest_obj=self._buffer, min_samples=1, as_numpy=True
        )
        if not len(stamps):
            return None
        known = stamps[np.isfinite(stamps)]
        offsets = self._measured(known) if len(known) else ()
        raw = None if samples.dtype == np.float32 else samples.copy()
        return RawChunk(self._converted(samples), stamps.copy(), offsets, raw=raw)

    def _measured(self, stamps: TimeArray) -> tuple[ClockOffset, ...]:
        """Return what was measured of the sender's clock, in the order in which it takes effect."""
        now = self._now()
        value = self._clock.measure(now, stamps[-1])
        offsets = []
        if value is not None:
            offset = self._anchor.measured(value, float(stamps[-1]), self.summary.name)
            # it takes effect after every sample we had before, so a replay applies it at the same sample
            offsets.append(ClockOffset(max(now, self._last + offset + _TELL_APART_S), offset))
        if (was_set := self._anchor.watch(stamps, waited=self._behind())) is not None:
            offsets.append(was_set)
        self._last = float(stamps.max())
        return tuple(offsets)

    def _behind(self) -> bool:
        """Whether more samples wait than come in between two pulls: this program was away."""
        return bool(self._inlet.samples_available() > _BEHIND_S * self.info.rate_nominal)

    def close(self) -> None:
        """Let go of the inlet; it must not outlive its stream by long (liblsl's teardown)."""
        self._inlet = self._clock = None  # type: ignore[assignment]

    def _converted(self, samples: np.ndarray) -> FloatArray:
        """Return a copy in float32; where that is too coarse for the values, a note says so."""
        converted = samples.astype(np.float32)
        if samples.dtype != np.float32:
            largest = np.float32(np.abs(converted[:, self._eeg]).max(initial=0.0))
            if not np.isfinite(largest):
                self.note = "values beyond the range of float32, or not numbers"
            elif not self.note and np.spacing(largest) * _microvolts(self.info.unit) > _FINE_UV:
                self.note = (
                    f"an offset of {largest:.3g} {self.info.unit} leaves steps coarser than {_FINE_UV} µV"
                )
        return converted


class _ExchangedClock:
    """LSL's own exchange of stamps with the sender: better than 1 ms (liblsl's documentation)."""

    def __init__(self, inlet: Any, summary: StreamSummary):
        self._inlet, self._due = inlet, 0.0
        try:
            self._first: float | None = inlet.time_correction(timeout=_ANSWER_S)
        except pylsl.util.TimeoutError:
            raise ClockUnmeasured(
                f"the clock of '{summary.name}' on {summary.host} cannot be measured: no answer over UDP. "
                "Open UDP ports 16572-16604 in the firewall, or use --clock arrival."
            ) from None

    def measure(self, now: float, stamp: float) -> float | None:
        """Our clock less the sender's, every few seconds; None between. liblsl measures in its own thread."""
        if now < self._due:
            return None
        self._due = now + _MEASURE_S
        if self._first is not None:
            first, self._first = self._first, None
            return first
        try:
            return float(self._inlet.time_correction(timeout=0.02))
        except pylsl.util.TimeoutError:
            return None


class _ArrivalClock:
    """For senders with a clock LSL cannot measure: the shortest way from stamp to arrival in some seconds."""

    def __init__(self) -> None:
        self._given = self._shortest = math.inf
        self._due = 0.0

    def measure(self, now: float, stamp: float) -> float | None:
        """Believe a shorter way at once, a longer one when no shorter has been seen for a while."""
        self._shortest = min(self._shortest, now - stamp)
        if now < self._due and self._shortest > self._given - 1e-3:
            return None
        self._given, self._shortest, self._due = self._shortest, math.inf, now + _MEASURE_S
        return self._given


def _check_format(summary: StreamSummary) -> None:
    if summary.format in ("string", "undefined"):
        raise StreamFormatError(
            f"'{summary.name}' carries {summary.format}s, not samples: a marker stream, it seems. Choose the "
            "device's EEG stream."
        )
    if not summary.rate_nominal > 0:
        raise StreamFormatError(
            f"'{summary.name}' states no regular rate, and EEG needs one. Choose the device's EEG stream, "
            "have its sender state the rate, or record it as it is: `phosphene record FOLDER --stream "
            f"name={summary.name}`."
        )


def _eeg_info(summary: StreamSummary, full: pylsl.StreamInfo) -> EegInfo:
    """Each channel's facts from the stream's own description, as XDF's EEG meta-data lays it out."""
    rows: list[dict[str, str]] = []
    channel = full.desc().child("channels").child("channel")
    while not channel.empty() and len(rows) < summary.n_channels:
        rows.append({key: channel.child_value(key) for key in ("label", "unit", "type", "scaling_factor")})
        channel = channel.next_sibling("channel")
    found = describe_channels(rows, summary.n_channels)
    info = EegInfo(
        name=summary.name, rate_nominal=summary.rate_nominal, source_id=summary.source_id, host=summary.host,
        type=summary.type, header=full.as_xml(), **found._asdict(),
    )  # fmt: skip
    places = full.desc(), full.desc().child("acquisition")
    return filled(info, manufacturer_in(place.child_value("manufacturer") for place in places))


def _microvolts(unit: str) -> float:
    from realtime.eeg.units import microvolts_per_unit

    try:
        return microvolts_per_unit(unit)
    except StreamFormatError:
        return 0.0  # whoever conditions the samples will complain
