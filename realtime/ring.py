"""History in fixed memory, written by index: one writer, any number of readers that copy out.

A reader never blocks the writer. It copies what it asked for and then looks whether the writer has lapped it
meanwhile; what was overwritten comes back as invalid, never as somebody else's values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.types import BoolArray, FloatArray


class GridRing:
    """Rows at consecutive whole-number positions (points of a time grid), some of them possibly missing.

    Parameters
    ----------
    capacity : int
        Rows kept; the oldest are overwritten.
    width : int
        Values a row.
    """

    def __init__(self, capacity: int, width: int):
        self.capacity = capacity
        self.width = width
        self.first: int | None = None  # position of the first row ever written
        self.head = 0  # one past the newest position
        self._rows = np.zeros((capacity, width), np.float32)
        self._valid = np.zeros((capacity, width), bool)

    def write(self, start: int, rows: FloatArray, valid: BoolArray | None = None) -> None:
        """Write `rows` of shape (n, width) from position `start`; positions stepped over become invalid.

        `valid` (n, width) says which values are there; all by default.

        Raises
        ------
        ValueError
            If `start` lies before the newest position: history is not rewritten.
        """
        if self.first is None:
            self.first = self.head = start
        if start < self.head:
            raise ValueError(f"position {start} was already passed (newest {self.head})")
        for where, _ in self._places(max(self.head, start - self.capacity), start):
            self._valid[where] = False
        stop = start + len(rows)
        kept = rows[-self.capacity :]
        there = None if valid is None else valid[-self.capacity :]
        for where, part in self._places(stop - len(kept), stop):
            self._rows[where] = kept[part]
            self._valid[where] = True if there is None else there[part]
        self.head = stop

    def read(self, start: int, stop: int) -> tuple[FloatArray, BoolArray]:
        """Copy positions [start, stop): rows (n, width), 0 where missing, and which are valid (n, width)."""
        positions = np.arange(start, stop)
        where = positions % self.capacity
        head_before = self.head
        rows = self._rows[where]
        valid = self._valid[where]
        first = self.first if self.first is not None else self.head
        oldest = max(first, self.head - self.capacity)
        valid &= ((positions >= oldest) & (positions < head_before))[:, None]
        rows[~valid] = 0.0
        return rows, valid

    def _places(self, start: int, stop: int) -> Iterator[tuple[slice, slice]]:
        """Where positions [start, stop), at most `capacity` of them, lie: in the ring and in the rows."""
        first, n = start % self.capacity, stop - start
        before_end = min(n, self.capacity - first)
        if n > 0:
            yield slice(first, first + before_end), slice(0, before_end)
        if n > before_end:
            yield slice(0, n - before_end), slice(before_end, n)


class SequenceRing:
    """Rows in order of arrival, each under a running number from 0; holds the newest `capacity` of them.

    Arrays of any one-row shape; `columns` maps a name to (shape, dtype).
    """

    def __init__(self, capacity: int, columns: dict[str, tuple[tuple[int, ...], type]]):
        self.capacity = capacity
        self.count = 0
        self._columns: dict[str, NDArray[Any]] = {
            name: np.zeros((capacity, *shape), dtype) for name, (shape, dtype) in columns.items()
        }

    @property
    def oldest(self) -> int:
        """Number of the oldest row still held."""
        return max(0, self.count - self.capacity)

    def append(self, **row: object) -> int:
        """Write one row and return its number."""
        number = self.count
        for name, value in row.items():
            self._columns[name][number % self.capacity] = value
        self.count = number + 1
        return number

    def tail(self, name: str) -> tuple[int, NDArray[Any]]:
        """Return a copy of one column (n,), oldest row first, and the number of its first row.

        One row less than the ring holds is handed out, so that the writer can be inside the oldest.
        """
        stop = self.count
        start = max(0, stop - self.capacity + 1)
        values = self._columns[name][np.arange(start, stop) % self.capacity]
        lost = max(0, self.count - self.capacity + 1 - start)
        return start + lost, values[lost:]

    def clear(self) -> None:
        """Forget everything; numbers begin at 0 again."""
        self.count = 0
