"""The embeddings of the newest frames of one path, by the frame's number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from realtime.types import BoolArray, IndexArray


class EmbeddingRing:
    """Fixed memory for the newest `capacity` frames; what was overwritten is not there any more.

    Written by one thread, read by another: a row that is overwritten while it is read has its number changed.

    Parameters
    ----------
    capacity : int
        As many as the frames' own history keeps.

    Attributes
    ----------
    newest : int
        Number of the newest frame with an embedding of its own; -1 before the first.
    """

    def __init__(self, capacity: int):
        self.newest = -1
        self._rows: NDArray[np.float32] | None = None
        self._number = np.full(capacity, -1, np.int64)

    def write(self, numbers: Sequence[int], rows: NDArray[np.float32]) -> None:
        """Keep `rows`, of shape (n, n_patches, width), of the frames with these numbers, in rising order."""
        if self._rows is None:
            self._rows = np.zeros((len(self._number), *rows.shape[1:]), np.float32)
        for number, row in zip(numbers, rows, strict=True):
            self._rows[number % len(self._number)] = row
            self._number[number % len(self._number)] = number
        self.newest = numbers[-1]

    def stand_in(self, due: Sequence[int], before: int) -> int:
        """Give each due frame that has none the embedding of the one before it.

        `before` is the newest that had one when the first of `due` came. Returns how many had none.
        """
        without, capacity = 0, len(self._number)
        for number in due:
            if self._holds(number):
                before = number
                continue
            without += 1
            if self._rows is not None and before >= 0 and self._holds(before):
                self._rows[number % capacity] = self._rows[before % capacity]
                self._number[number % capacity] = number
        return without

    def read(self, wanted: IndexArray) -> tuple[NDArray[np.float32] | None, BoolArray]:
        """Copy the embeddings of the frames numbered `wanted`, of shape (n,).

        Returns
        -------
        rows : array of shape (n, n_patches, width), or None
            0 where there is none; None before the first embedding.
        there : array of shape (n,), bool
        """
        where = wanted % len(self._number)
        there: BoolArray = (wanted >= 0) & (self._number[where] == wanted)
        if self._rows is None:
            return None, there
        rows = self._rows[where]
        rows[~there] = 0.0
        return rows, there

    def _holds(self, number: int) -> bool:
        return bool(self._number[number % len(self._number)] == number)
