"""Listeners of a stream that may come and go while other threads go through them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

T = TypeVar("T")


class Taps(Generic[T]):
    """Callables that are given every item of a stream, in the order in which they were attached.

    Any thread may attach, detach and call. The tuple of taps is replaced, never changed, so a call goes
    through those that were there when it began: a tap is called by no call that begins after its `detach`
    has returned, and one call in progress may still reach it. Taps must not block.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taps: tuple[list[Callable[[T], object]], ...] = ()  # a list of one each: told apart by identity

    def attach(self, tap: Callable[[T], object]) -> Callable[[], None]:
        """Give `tap` every item from now on; returns what detaches it (calling that twice is harmless)."""
        entry = [tap]
        with self._lock:
            self._taps = (*self._taps, entry)
        return partial(self._detach, entry)

    def __call__(self, item: T) -> None:
        """Give an item to every tap. What a tap raises is raised here, and later taps miss the item."""
        for (tap,) in self._taps:
            tap(item)

    def __len__(self) -> int:
        """How many taps are attached."""
        return len(self._taps)

    def _detach(self, entry: list[Callable[[T], object]]) -> None:
        with self._lock:
            self._taps = tuple(each for each in self._taps if each is not entry)
