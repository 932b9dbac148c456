"""Listening to every stream of a kind, whenever it is there."""

from __future__ import annotations

from typing import Generic, TypeVar

import pylsl

from realtime.worker import Worker

FORGET_S = 5.0
ANSWER_S = 2.0

Opened = TypeVar("Opened")


class StreamListener(Generic[Opened]):
    """Looks for streams, opens each once, and asks them in turn for what is new, in a thread of its own.

    A subclass says how a stream is opened, and what is done with what it sends.

    Parameters
    ----------
    name : str
        Names the thread.
    predicate : str
        Which streams, as liblsl is asked.
    look_s : float
        Rest between two rounds.
    """

    def __init__(self, name: str, predicate: str, look_s: float):
        self._predicate, self._look_s = predicate, look_s
        self._resolver: pylsl.ContinuousResolver | None = None
        self._opened: dict[str, Opened | None] = {}
        self._worker = Worker(name, self._listen, on_exit=self._let_go)

    def launch(self) -> StreamListener[Opened]:
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

    def open(self, found: pylsl.StreamInfo) -> Opened | None:
        """Open a stream that was found; None where it is not wanted, for good."""
        raise NotImplementedError

    def take(self, opened: Opened) -> None:
        """Take what a stream has sent since the last round."""
        raise NotImplementedError

    def _listen(self) -> None:
        if self._resolver is None:
            self._resolver = pylsl.ContinuousResolver(pred=self._predicate, forget_after=FORGET_S)
        for info in self._resolver.results():
            if info.uid() not in self._opened:
                self._opened[info.uid()] = self.open(info)
        for uid, opened in list(self._opened.items()):
            if opened is None:
                continue
            try:
                self.take(opened)
            except (pylsl.util.LostError, pylsl.util.TimeoutError):
                self._opened.pop(uid)
        self._worker.wait(self._look_s)

    def _let_go(self) -> None:
        # Inlets go before whatever sends to them, and in the thread that made them (liblsl#220).
        self._opened.clear()
        self._resolver = None
