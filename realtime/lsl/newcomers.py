"""Streams that may be the headset that was lost: a user says whether they are, where there is one to ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pylsl

from realtime.lsl.selector import StreamSummary


class Newcomers:
    """Holds back streams that fit the user's selection without being surely the same headset.

    Until `ask` is called nothing is held back. `sift` belongs to the thread that reads the stream; any other
    thread may look at `offered` and answer.

    Attributes
    ----------
    offered : StreamSummary or None
        The stream that waits for an answer.
    """

    def __init__(self) -> None:
        self.offered: StreamSummary | None = None
        self._asks = False
        self._taken: set[str] = set()
        self._left: set[str] = set()

    def ask(self) -> None:
        """Hold back from now on: there is a user who answers."""
        self._asks = True

    def answer(self, uid: str, *, take: bool) -> None:
        """Have a stream taken, or left alone for good."""
        (self._taken if take else self._left).add(uid)
        self.offered = None

    def sift(
        self, found: Sequence[pylsl.StreamInfo], is_sure: Callable[[pylsl.StreamInfo], bool]
    ) -> list[pylsl.StreamInfo]:
        """Return those of the streams found that may be taken, and offer the newest of the others."""
        if not self._asks:
            return list(found)
        may = [info for info in found if is_sure(info) or info.uid() in self._taken]
        others = [info for info in found if info not in may and info.uid() not in self._left]
        newest = max(others, key=lambda info: info.created_at()) if others and not may else None
        self.offered = None if newest is None else StreamSummary.of(newest)
        return may

    def forget(self) -> None:
        """Take the offer back: the headset itself goes on."""
        self.offered = None
