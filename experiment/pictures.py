"""Pictures of what a live session will see, for networks that are calibrated on them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from realtime.sources import VideoSource

N_PICTURES = 32
_APART_S = 0.25  # between two pictures of a camera
_LONGEST_S = 20.0  # that a camera is watched


@runtime_checkable
class OnDisk(Protocol):
    """A video whose file can be read beside it."""

    @property
    def path(self) -> Path:
        """The file."""
        ...


def pictures_of(
    source: VideoSource, n: int = N_PICTURES, now: Callable[[], float] = time.monotonic
) -> list[NDArray[np.uint8]]:
    """Return pictures spread over a film, or those that a camera shows during the next seconds.

    Parameters
    ----------
    source : VideoSource
        Open; what is read of a camera here is not seen by the session.
    n : int
        How many, where there are so many.
    now : callable
        Seconds on any clock.

    Returns
    -------
    list of arrays of shape (height, width, 3), uint8 RGB

    Raises
    ------
    VideoError
        The file cannot be read.
    """
    if isinstance(source, OnDisk):
        from models.inference.examples import video_pictures

        return video_pictures(source.path, n)
    images: list[NDArray[np.uint8]] = []
    begin = due = now()
    while len(images) < n and now() - begin < _LONGEST_S and not source.finished:
        frame = source.read(_APART_S)
        if frame is not None and now() >= due:
            images.append(frame.image)
            due = now() + _APART_S
    return images
