"""What a session shows during each slot, the mean of it: the same in every window, so made but once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.learning.data.cache import TableFile
from models.learning.data.frames import FrameFile
from realtime.align import slot_means

_BLOCK = 400  # slots at a time, so that little more is laid out than what is kept


class SlotMeans:
    """Means over the slots of a session, cut from its embedded frames when they are asked for, or once.

    Parameters
    ----------
    table : TableFile
    frames : FrameFile
    per_slot : int
        EEG points a slot.

    Attributes
    ----------
    n_bytes : int
        What they take in memory.
    """

    def __init__(self, table: TableFile, frames: FrameFile, per_slot: int) -> None:
        self._table, self._frames, self._per_slot = table, frames, per_slot
        self.n_bytes = 4 * table.n_slots * int(np.prod(frames.rows.shape[1:]))
        self._held: NDArray[np.float32] | None = None

    def hold(self) -> None:
        """Cut all of them now, and keep them."""
        n = self._table.n_slots
        self._held = np.concatenate([self._cut(i, min(i + _BLOCK, n)) for i in range(0, n, _BLOCK)])
        self._held.setflags(write=False)

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Means over slots [start, stop) of the table, (stop - start, P, Dv), not to be changed."""
        return self._cut(start, stop) if self._held is None else self._held[start:stop]

    def _cut(self, start: int, stop: int) -> NDArray[np.float32]:
        points = self._table.read("at_points", start * self._per_slot, stop * self._per_slot)
        return slot_means(points, stop - start, self._frames.held)
