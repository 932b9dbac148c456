"""Pictures of a video source, and what is known of it. All are frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Frame:
    """One picture.

    Attributes
    ----------
    image : array of shape (height, width, 3), uint8 RGB
    stamp : float
        When it was captured (or shown), seconds on the LSL clock.
    seq : int
        Its number in its source; a step of more than one tells how many were lost.
    """

    image: NDArray[np.uint8]
    stamp: float
    seq: int


class Rectangle(NamedTuple):
    """A part of a picture; x runs from 0 (left) to 1 (right), y from 0 (top) to 1 (bottom)."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a video source before its first frame.

    Attributes
    ----------
    stamp_source : str
        Where the frames' times come from.
    offset_s, offset_spread_s : float
        How much later than the light the source stamps its frames, and the standard deviation of that, as
        calibrated; 0 where nobody measured it. Frames carry the source's own stamps; whoever puts them on
        the grid subtracts the offset, live (`realtime.video.intake`) as from a recording
        (`recordings.session.tracks`).
    """

    name: str
    width: int
    height: int
    fps_nominal: float
    stamp_source: str
    offset_s: float = 0.0
    offset_spread_s: float = 0.0
