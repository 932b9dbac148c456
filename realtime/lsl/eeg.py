"""EEG from an LSL stream, through losses and returns of the headset."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import pylsl

from realtime.errors import ConfigError, StreamFormatError, StreamNotFound
from realtime.lsl.link import GONE, ClockMode, ClockUnmeasured, Link, persistently
from realtime.lsl.newcomers import Newcomers
from realtime.lsl.selector import StreamSelector, StreamSummary
from realtime.time.clock import LslClock
from realtime.types import EegHealth, EegInfo, RawChunk, StreamState

__all__ = ["LslEeg", "StreamSelector"]

_LIST_S = 1.0
_LOOK_S = 0.05  # between two looks at what the resolver has found
_RETRY_S = 1.0  # after a stream was found that then did not answer


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

    Attributes
    ----------
    newcomers : Newcomers
        What is taken for the headset when it was lost; after `newcomers.ask()`, only by a user's word where
        the source id does not say that it is the same one.
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
        self._events: list[str] = []
        self.newcomers = Newcomers()
        self._left: set[str] = set()  # streams that were had before, or that are not what is recorded

    def open(self) -> EegInfo:
        """Find the stream, connect to it and say what it is.

        Raises
        ------
        StreamNotFound
            None fits, or several do.
        StreamFormatError
            It carries no samples at a regular rate, or its clock cannot be measured.
        """
        self._link = self._connect(self._find())
        self._info = self._link.info
        self._heard = self._now()
        return self._info

    def read(self, timeout_s: float = 0.0) -> RawChunk | None:
        """Return what came since the last call, waiting up to `timeout_s` for a sample; None if none.

        Finds the stream again after it was lost.

        Raises
        ------
        StreamFormatError
            Its stamps are of another clock from the start.
        """
        if self._link is None and not self._reconnect(timeout_s):
            return None
        assert self._link is not None
        try:
            pulled = self._link.pull(timeout_s)
        except pylsl.util.LostError:
            self._left.add(self._link.summary.uid)
            self._disconnect()
            return None
        if pulled is None:
            self._watch()
            return None
        self._heard, self._resolver = self._now(), None
        self.newcomers.forget()
        self._samples += len(pulled.stamps)
        self._note = self._link.note
        reconnected, self._reconnected = self._reconnected, False
        return replace(pulled, reconnected=reconnected)

    def health(self) -> EegHealth:
        """State of the connection; any thread may ask, and a reader that hangs does not hide a stall."""
        info = self._info
        if info is None:
            return EegHealth(name=str(self._selector))
        age = self._now() - self._heard
        state = StreamState.LIVE
        if age > self._stall_s:
            state = StreamState.STALLED if age <= self._lost_s else StreamState.LOST
        events = (*self._events, *(self._link.events if self._link is not None else ()))
        return EegHealth(
            name=info.name, state=state, n_channels=info.n_channels, rate_nominal=info.rate_nominal,
            samples=self._samples, age_s=age, note=self._note or "".join(events[-1:]), warnings=events,
        )  # fmt: skip

    @property
    def finished(self) -> bool:
        """Never: a headset may come back."""
        return False

    def close(self) -> None:
        """Let go of the stream; its health can still be asked for."""
        self._resolver = None
        self._disconnect()

    def _connect(self, found: pylsl.StreamInfo) -> Link:
        """Connect to a stream that was found."""
        try:
            return persistently(lambda: Link(found, self._clock, self._now), (ClockUnmeasured,))
        except GONE:
            raise StreamNotFound(
                f"'{found.name()}' was found and then did not answer. Start its sender again; if that does "
                "not help, let LSL through the firewall."
            ) from None

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
        """See, where no sample came, whether the headset was started again; the old link stays beside.

        A sender that was stopped, a link that is cut and this machine when it slept all go on where they
        were: what liblsl still holds for us comes then.
        """
        if self._now() - self._heard > self._stall_s and (link := self._newcomer()) is not None:
            self._take(link)

    def _reconnect(self, timeout_s: float) -> bool:
        """Look for a stream that broke off for up to `timeout_s`; True once there is a new connection."""
        deadline = self._now() + timeout_s
        while True:
            if (link := self._newcomer()) is not None:
                self._take(link)
                return True
            left = deadline - self._now()
            if left <= 0:
                return False
            time.sleep(min(left, _LOOK_S))

    def _newcomer(self) -> Link | None:
        """Connect to what the user's own selection finds now, the same headset before another one."""
        assert self._info is not None
        if self._resolver is None:
            self._resolver = pylsl.ContinuousResolver(pred=self._selector.predicate, forget_after=2.0)
        if self._now() < self._look_at:
            return None
        lost = self._now() - self._heard > self._lost_s
        here = "" if self._link is None else self._link.summary.uid
        found = [info for info in self._resolver.results() if info.uid() not in {here, *self._left}]
        found = [info for info in found if lost or self._is_same(info)]
        found = self.newcomers.sift(found, self._is_surely_same)
        if not found:
            return None
        self._look_at = self._now() + _RETRY_S
        best = max(found, key=lambda info: (self._is_same(info), info.created_at()))
        try:
            link = Link(best, self._clock, self._now, first=False)
        except (*GONE, ClockUnmeasured):
            return None
        except StreamFormatError as unfit:
            self._refuse(best, str(unfit))
            return None
        if (unlike := self._unlike(link.info)) is not None:
            link.close()
            self._refuse(best, unlike)
            return None
        return link

    def _is_same(self, info: pylsl.StreamInfo) -> bool:
        """Whether it is the headset we had: by its source id, or its name where it has none."""
        had = self._info
        assert had is not None
        if had.source_id or info.source_id():
            return bool(info.source_id() == had.source_id)
        return bool((info.name(), info.type()) == (had.name, had.type))

    def _is_surely_same(self, info: pylsl.StreamInfo) -> bool:
        return bool(info.source_id()) and self._is_same(info)

    def _take(self, link: Link) -> None:
        """Go on with another link."""
        if self._link is not None:
            self._left.add(self._link.summary.uid)
        self._disconnect()
        self._link, self._reconnected = link, True
        self._events.append(f"connected again, to {link.summary}")

    def _refuse(self, found: pylsl.StreamInfo, reason: str) -> None:
        self._left.add(found.uid())
        self._events.append(reason)

    def _unlike(self, info: EegInfo) -> str | None:
        """Say why a stream that came cannot go on for the one we had; None where it can."""
        before = self._info
        assert before is not None
        same = {key: getattr(before, key) for key in ("name", "type", "host", "source_id")}
        if replace(info, **same) == before:
            return None
        return (
            f"'{info.name}' came back with {info.n_channels} channels at {info.rate_nominal:g} Hz in "
            f"'{info.unit}', before it had {before.n_channels} at {before.rate_nominal:g} Hz in "
            f"'{before.unit}', or other labels: it is not used. Start again to use it as it is now."
        )

    def _disconnect(self) -> None:
        if self._link is not None:
            self._events += self._link.events
            self._link.close()
        self._link = None
