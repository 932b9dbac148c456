"""Light and contrast of each place of a session's film: what linear models see by place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.learning.data.cues import cover
from models.learning.data.dataset import Recordings, Windows
from models.learning.data.features import session_light
from models.light_features import SHAPE
from recordings.session.session import Session

Floats = NDArray[np.float64]


class Light:
    """Light, rises, falls and contrast of any window of recordings, by place or over a part of the frame.

    Parameters
    ----------
    recordings : Recordings
    shape : (int, int)
        Rows and columns of places.
    """

    def __init__(self, recordings: Recordings, shape: tuple[int, int] = SHAPE) -> None:
        self.recordings, self.shape = recordings, shape
        self._of_frames = []
        for path in recordings.paths:
            with Session(path) as session:
                self._of_frames.append(
                    session_light(session, recordings.cache, recordings.selectors[1], shape)
                )

    def by_place(self, windows: Windows) -> Floats:
        """Features (n, G, places, 4) of every place by itself."""
        return self._seen(windows, None)

    def over(self, windows: Windows, boxes: Floats) -> Floats:
        """Features (n, G, 4) of one rectangle a window, (n, 4) in fractions; NaN means the whole frame."""
        weights = cover(boxes, self.shape)
        weights[weights.sum(axis=1) == 0] = 1 / weights.shape[1]
        return self._seen(windows, weights)[:, :, 0]

    def whole(self, windows: Windows) -> Floats:
        """Features (n, G, 4) of the whole frame."""
        return self.over(windows, np.full((len(windows.end), 4), np.nan))

    def _seen(self, windows: Windows, weights: Floats | None) -> Floats:
        positions, shown = self.recordings.positions(windows)
        found = []
        for i, session in enumerate(windows.session):
            rows = self._of_frames[session]
            first, last = int(np.maximum(positions[i], 0).min()), int(positions[i].max())
            used = rows[first : max(last, first) + 1].astype(np.float64)
            if weights is not None:
                used = used @ weights[i][:, None]
            found.append(on_slots(used, positions[i] - first, shown[i]))
        return np.stack(found)


def on_slots(rows: Floats, position: NDArray[np.int64], shown: NDArray[np.bool_]) -> Floats:
    """Features (n_slots, places, 4) of the frames on show.

    Light and contrast are held; every rise and fall of a frame's light since the slot before adds up at the
    slot, so a flicker faster than the slots is not lost.

    Parameters
    ----------
    rows : array of shape (n_frames, 2, places)
        Mean and mean square of the light.
    position : array of shape (n_slots,)
        The frame on show, negative where none.
    shown : array of shape (n_slots,), bool
    """
    light, square = rows[:, 0], rows[:, 1]
    steps = np.diff(light, axis=0, prepend=light[:1])
    summed = [np.cumsum(np.maximum(sign * steps, 0), axis=0) for sign in (1, -1)]
    at = np.maximum(position, 0)
    before = np.concatenate([at[:1], at[:-1]])
    changes = [part[at] - part[np.minimum(before, at)] for part in summed]
    contrast = np.sqrt(np.maximum(square - light**2, 0))[at]
    values = np.stack([light[at], *changes, contrast], axis=2)
    values[~shown | (position < 0)] = 0.0
    return values
