"""`Latest`: one slot with a sequence number, for state that is only worth having fresh."""

from __future__ import annotations

import threading
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Stamped(NamedTuple, Generic[T]):
    """A value with the number of writes up to and including its own (1 for the first)."""

    seq: int
    value: T


class Latest(Generic[T]):
    """Hands over the newest value; an unread older one is overwritten, and the numbers tell how many were.

    Written by one thread, read by any. A writer never waits for a reader.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slot: Stamped[T] | None = None
        self._seq = 0

    def put(self, value: T) -> int:
        """Replace the value and return its sequence number."""
        with self._lock:
            self._seq += 1
            self._slot = Stamped(self._seq, value)
            return self._seq

    def clear(self) -> None:
        """Take the value away, as after a jump in a recording; the numbers go on."""
        with self._lock:
            self._slot = None

    def get(self) -> Stamped[T] | None:
        """Return the newest value, or None where there is none (yet)."""
        return self._slot

    def newer_than(self, seq: int) -> Stamped[T] | None:
        """Return the newest value if it came after number `seq`, else None."""
        slot = self._slot
        return slot if slot is not None and slot.seq > seq else None
