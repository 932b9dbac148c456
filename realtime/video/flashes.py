"""How often a film flashes: general flashes as WCAG 2.2 counts them (success criterion 2.3.1)."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.types import TimeArray
from realtime.video.demux import Decoder, open_container
from realtime.video.frames import shrink
from realtime.video.opencv import cv2

MOST = 3  # flashes within any second that WCAG allows
_GRID = 4  # the picture in 4 × 4 parts: WCAG's area is a quarter of them
_CHANGE, _DARK = 0.1, 0.8  # of relative luminance: a change that counts, and how dark one of its ends must be
_LIGHT = np.array([0.2126, 0.7152, 0.0722])


def film_flashes(path: str | Path, budget_s: float = 4.0) -> float:
    """Return the most flashes within one second of a film, as far as it can be looked at in `budget_s`.

    Raises
    ------
    VideoError
        See `realtime.video.demux.open_container`.
    """
    container, stream = open_container(path)
    end = time.monotonic() + budget_s
    times, levels = [], []
    with container:
        for frame in Decoder(container, stream):
            times.append(float(frame.time or 0.0))
            image = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            levels.append(_luminance(shrink(image, 4 * _GRID)))
            if time.monotonic() > end:
                break
    return most_flashes(np.array(times), np.array(levels).reshape(len(times), -1))


def most_flashes(times: TimeArray, levels: NDArray[np.float64]) -> float:
    """Return the most flashes within one second that a quarter of the picture has.

    Parameters
    ----------
    times : array of shape (n,), s
    levels : array of shape (n, n_parts), relative luminance of each part, 0 to 1
    """
    worst = sorted((_flashes(times, part) for part in levels.T), reverse=True)
    quarter = max(1, len(worst) // 4)
    return worst[quarter - 1] if worst else 0.0


def _flashes(times: TimeArray, level: NDArray[np.float64]) -> float:
    """Most flashes within a second of one part: two opposite changes are one flash."""
    turns = np.array([times[i] for i in _turns(level)])
    if not len(turns):
        return 0.0
    within = np.searchsorted(turns, turns + 1.0, side="right") - np.arange(len(turns))
    return float(within.max()) / 2


def _turns(level: NDArray[np.float64]) -> list[int]:
    """Find where each change ended that was large enough and had a dark enough end."""
    found: list[int] = []
    low = high = level[0] if len(level) else 0.0
    rising = falling = True  # which way the next change may go
    for n, value in enumerate(level):
        low, high = min(low, value), max(high, value)
        if rising and value - low >= _CHANGE and low < _DARK:
            found.append(n)
            low, high, rising, falling = value, value, False, True
        elif falling and high - value >= _CHANGE and value < _DARK:
            found.append(n)
            low, high, rising, falling = value, value, True, False
    return found


def _luminance(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Relative luminance of the parts of a picture (height, width, 3): array of shape (16,)."""
    small = cv2.resize(image, (_GRID, _GRID), interpolation=cv2.INTER_AREA).reshape(-1, 3) / 255
    linear = np.where(small <= 0.04045, small / 12.92, ((small + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ _LIGHT, np.float64)
