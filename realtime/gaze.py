"""Where the participant looks: gaze streams as Pupil Labs' LSL relays send them, on the picture.

Type `Gaze`, channels `norm_pos_x` and `norm_pos_y` from 0 to 1 with the origin at the lower left, and
`confidence` from 0 to 1 where it is known (github.com/labstreaminglayer/App-PupilLabs, README, "LSL outlet").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TYPE = "Gaze"
LEAST_CONFIDENCE = 0.6  # what Pupil's own tools leave out below
_X, _Y, _SURE = "norm_pos_x", "norm_pos_y", "confidence"


class GazePoint(NamedTuple):
    """Where somebody looked at `stamp` (s): x from the picture's left, y from its top, both 0 to 1."""

    stamp: float
    x: float
    y: float


class GazeChannels(NamedTuple):
    """Which channels of a stream hold the gaze."""

    x: int
    y: int
    confidence: int | None

    @classmethod
    def of(cls, labels: Sequence[str]) -> GazeChannels | None:
        """Find them by their labels; None where the stream has none of them."""
        names = [label.strip().lower() for label in labels]
        if _X not in names or _Y not in names:
            return None
        return cls(names.index(_X), names.index(_Y), names.index(_SURE) if _SURE in names else None)

    def points(self, stamps: NDArray[np.float64], samples: NDArray[np.float64]) -> list[GazePoint]:
        """Return what is sure enough and on the picture, y turned to run from the top.

        Parameters
        ----------
        stamps : array of shape (n,), s
        samples : array of shape (n, n_channels)
        """
        x, y = samples[:, self.x], 1.0 - samples[:, self.y]
        good = (x >= 0) & (x <= 1) & (y >= 0) & (y <= 1)
        if self.confidence is not None:
            good &= samples[:, self.confidence] >= LEAST_CONFIDENCE
        return [
            GazePoint(float(t), float(a), float(b))
            for t, a, b in zip(stamps[good], x[good], y[good], strict=True)
        ]
