"""Light of a film's frames, by place: what responses to rises and falls of light are fitted to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.film_features import luma
from realtime.video.opencv import cv2

FEATURES = ("light", "rises", "falls", "contrast")
SHAPE = (8, 8)
"""Rows and columns of places, whatever the frame's shape."""
PLACE_PX = 8  # pixels of a place's side that are looked at
_RING = 64.0  # sums of rises and falls go round, so that small numbers tell them exactly for hours


def moments(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean and mean square of the luminance (0 to 1) at each place of a frame: (2, places).

    Parameters
    ----------
    image : array of shape (height, width, 3), uint8 RGB
    """
    rows, columns = SHAPE
    grey = cv2.resize(luma(image), (columns * PLACE_PX, rows * PLACE_PX), interpolation=cv2.INTER_AREA)
    parts = np.stack([grey, grey**2]).reshape(2, rows, PLACE_PX, columns, PLACE_PX)
    means: NDArray[np.float32] = parts.mean(axis=(2, 4)).reshape(2, -1)
    return means


def light_row(image: NDArray[np.uint8], before: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """Light and its square of the whole frame, and the sums of all rises and of all falls so far: (4,).

    Parameters
    ----------
    image : array of shape (height, width, 3), uint8 RGB
    before : array of shape (4,), or None for the first frame
        The row of the frame before.
    """
    light, square = moments(image).mean(axis=1)
    if before is None:
        return np.array([light, square, 0.0, 0.0], np.float32)
    step = float(light) - float(before[0])
    rises, falls = float(before[2]) + max(step, 0.0), float(before[3]) + max(-step, 0.0)
    return np.array([light, square, rises % _RING, falls % _RING], np.float32)


def light_on_show(rows: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Features (n_slots, 4) of the frames on show: what rose and fell since the slot before stands at a slot.

    Parameters
    ----------
    rows : array of shape (n_slots, 4), from `light_row`
    valid : array of shape (n_slots,), bool
    """
    light, square, *sums = rows.astype(np.float64).T
    changes = [np.diff(part, prepend=part[:1]) % _RING for part in sums]
    contrast = np.sqrt(np.maximum(square - light**2, 0))
    values = np.stack([light, *changes, contrast], axis=1)
    known = valid & np.concatenate([valid[:1], valid[:-1]])
    values[:, 1:3] *= known[:, None]
    values[~valid] = 0.0
    return values
