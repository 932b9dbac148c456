"""EEG from an LSL stream, through losses and returns of the headset."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import pylsl

from realtime.errors import ConfigError, StreamFormatError, StreamNotFound
from realtime.lsl.link import ClockMode, ClockUnmeasured, Link
from realtime.lsl.selector import StreamSelector, StreamSummary
from realtime.time.clock import LslClock
from realtime.types import EegHealth, EegInfo, RawChunk, StreamState

__all__ = ["LslEeg", "StreamSelector"]

_LIST_S = 1.0
_LOOK_S = 0.05  # between two looks at what the resolver has found
_RETRY_S = 1.0  # after a stream was found that then did not answer

_GONE = (pylsl.util.LostError, pylsl.util.TimeoutError)


class LslEeg:
    """A headset on the network, an `EegSource`.

    `open` may be called by another thread than the one that reads, so that errors show before anything
    starts; from the first `read` on all calls but `health` belong to one thread, `close` included.

    Parameters
    ----------
    selector : StreamSelector
    clock : {"check", "arrival"}
        "check" has LSL measure the sender's clock and refuses stamps more than a minute off; "arrival" sets
        the stamps against the time they arrive, for senders that stamp with Unix time.
    resolve_s, others_s : float
        How long `open` looks for the stream, and, once one has answered, for others that fit.
    stall_s, lost_s : float
        Without a sample for so long the stream is STALLED, then LOST.
    now : callable, optional
        Seconds on the LSL clock.
    """

    def __init__(
        self,
        selector: StreamSelector,
        *,
        clock: ClockMode | str = "check",
        resolve_s: float = 4.0,
        others_s: float = 0.5,
        stall_s: float = 0.5,
        lost_s: float = 10.0,
        now: Callable[[], float] | None = None,
    ):
        if clock not in ("check", "arrival"):
            raise ConfigError(f"clock {clock!r} is unknown: check or arrival")
        self._selector, self._clock = selector, clock
        self._resolve_s, self._others_s = resolve_s, others_s
        self._stall_s, self._lost_s = stall_s, lost_s
        self._now = now or LslClock().now
        self._info: EegInfo | None = None
        self._link: Link | None = None
        self._resolver: pylsl.ContinuousResolver | None = None
        self._reconnected = False
        self._look_at = -math.inf
        self._heard = -math.inf  # when the last sample came, or when the stream was first found
        self._samples = 0
        self._note = ""

    def open(self) -> EegInfo:
        """Find the stream, connect to it and say what it is.

        Raises
        ------
        StreamNotFound
            None fits, or several do.
        StreamFormatError
            It carries no samples at a regular rate, or its clock cannot be measured.
        """
        found = self._find()
        try:
            self._link = Link(found, self._clock, self._now)
        except _GONE:
            raise StreamNotFound(
                f"'{found.name()}' was found and then did not answer. Start its sender again; if that does "
                "not help, let LSL through the firewall."
            ) from None
        self._info = self._link.info
        self._heard = self._now()
        return self._info

    def read(self, timeout_s: float = 0.0) -> RawChunk | None:
        """Return what came since the last call, waiting up to `timeout_s` for a sample; None if none.

        Finds the stream again after it was lost.

        Raises
        ------
        StreamFormatError
            Its stamps are of another clock, or it came back as something else.
        """
        if self._link is None and not self._reconnect(timeout_s):
            return None
        assert self._link is not None
        try:
            pulled = self._link.pull(timeout_s)
        except pylsl.util.LostError:
            self._disconnect()
            return None
        if pulled is None:
            self._watch()
            return None
        self._heard, self._resolver = self._now(), None
        samples, stamps, offsets = pulled
        self._samples += len(stamps)
        self._note = self._link.note
        reconnected, self._reconnected = self._reconnected, False
        return RawChunk(samples, stamps, offsets, reconnected)

    def health(self) -> EegHealth:
        """State of the connection; any thread may ask, and a reader that hangs does not hide a stall."""
        info = self._info
        if info is None:
            return EegHealth(name=str(self._selector))
        age = self._now() - self._heard
        state = StreamState.LIVE
        if age > self._stall_s:
            state = StreamState.STALLED if age <= self._lost_s else StreamState.LOST
        return EegHealth(
            name=info.name, state=state, n_channels=info.n_channels, rate_nominal=info.rate_nominal,
            samples=self._samples, age_s=age, note=self._note,
        )  # fmt: skip

    @property
    def finished(self) -> bool:
        """Never: a headset may come back."""
        return False

    def close(self) -> None:
        """Let go of the stream."""
        self._resolver = None
        self._disconnect()

    def _find(self) -> pylsl.StreamInfo:
        found = self._resolve()
        present = [] if found else [StreamSummary.of(info) for info in pylsl.resolve_streams(_LIST_S)]
        return found[self._selector.choose([StreamSummary.of(info) for info in found], present)]

    def _resolve(self) -> list[pylsl.StreamInfo]:
        """All streams that fit; once one has answered the others get a little longer."""
        resolver = pylsl.ContinuousResolver(pred=self._selector.predicate)
        end = self._now() + self._resolve_s
        second_look = False
        while self._now() < end:
            if not second_look and resolver.results():
                second_look, end = True, self._now() + self._others_s
            time.sleep(_LOOK_S)
        found: list[pylsl.StreamInfo] = resolver.results()
        return found

    def _watch(self) -> None:
        """See, where no sample came, whether the headset was started again elsewhere, or is lost."""
        age = self._now() - self._heard
        if age <= self._stall_s:
            return
        assert self._link is not None
        uid = self._link.summary.uid
        if age > self._lost_s or any(info.uid() != uid for info in self._looked()):
            self._disconnect()

    def _looked(self) -> list[pylsl.StreamInfo]:
        """Return what was found so far of the stream we had, by its identity; begin to look if need be."""
        assert self._info is not None
        if self._resolver is None:
            info = self._info
            same = StreamSelector(source_id=info.source_id) if info.source_id else self._selector
            pinned = StreamSelector(name=info.name, type=info.type, source_id=same.source_id, host=same.host)
            self._resolver = pylsl.ContinuousResolver(pred=pinned.predicate, forget_after=2.0)
        found: list[pylsl.StreamInfo] = self._resolver.results()
        return found

    def _reconnect(self, timeout_s: float) -> bool:
        """Look for the stream for up to `timeout_s`; True once there is a new connection."""
        deadline = self._now() + timeout_s
        while True:
            if self._now() >= self._look_at and (found := self._looked()):
                newest = max(found, key=lambda info: info.created_at())
                self._look_at = self._now() + _RETRY_S
                try:
                    self._link = Link(newest, self._clock, self._now)
                except (*_GONE, ClockUnmeasured):
                    continue
                self._check_same(self._link.info)
                self._reconnected = True
                return True
            left = deadline - self._now()
            if left <= 0:
                return False
            time.sleep(min(left, _LOOK_S))

    def _check_same(self, info: EegInfo) -> None:
        before = self._info
        assert before is not None
        same = {key: getattr(before, key) for key in ("name", "type", "host", "source_id")}
        if replace(info, **same) != before:
            raise StreamFormatError(
                f"'{info.name}' came back with {info.n_channels} channels at {info.rate_nominal:g} Hz in "
                f"'{info.unit}', before it had {before.n_channels} at {before.rate_nominal:g} Hz in "
                f"'{before.unit}', or other labels. Start again to use it as it is now."
            )

    def _disconnect(self) -> None:
        if self._link is not None:
            self._link.close()
        self._link = None
