"""Which film a session shows when: so that the same moment of a film is never taken for another one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.learning.data.cache import content_id, digest
from recordings.session.session import Session

Indices = NDArray[np.int64]
ITEMS = ("film: ", "picture: ", "question: ", "blank")
"""How markers of a playlist's items begin (docs/howto/window.md)."""


@dataclass(frozen=True)
class Showings:
    """Which film a session shows from which slot on.

    Attributes
    ----------
    starts : array of shape (n,), int64
        Slots of the session's table at which a film begins, rising.
    films : array of shape (n,), int64
        A number for each that is the same wherever the same film is shown.
    """

    starts: Indices
    films: Indices

    @classmethod
    def of(cls, session: Session, video: str, first: int, slots_hz: int) -> Showings:
        """Read a session's: a playlist's items by the markers that name them, else one film throughout.

        That one is known by the content of its file. `first` is the first slot of the session's table.
        """
        track = session.video(video or None)
        begun = [(float(track.times[0]), content_id(track.path))]
        items = [m for m in session.markers() if m.text.startswith(ITEMS)]
        if any(marker.text.startswith("film: ") for marker in items):
            begun = [(min(begun[0][0], items[0].stamp) - 1, begun[0][1])]  # before the first item
            begun += [(marker.stamp, digest(marker.text)) for marker in items]
        starts = [round(stamp * slots_hz) - first for stamp, _ in begun]
        return cls(np.array(starts, np.int64), np.array([int(name[:15], 16) for _, name in begun], np.int64))

    def at(self, slot: int) -> tuple[int, int]:
        """Return the film on show at a slot, and how many slots of it have passed."""
        number = max(0, int(np.searchsorted(self.starts, slot, side="left")) - 1)
        return int(self.films[number]), slot - int(self.starts[number])
