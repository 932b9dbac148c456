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


def moments(image: NDArray[np.uint8], shape: tuple[int, int] = SHAPE) -> NDArray[np.float32]:
    """Mean and mean square of the luminance (0 to 1) at each place of a frame: (2, places).

    Parameters
    ----------
    image : array of shape (height, width, 3), uint8 RGB
    shape : (int, int)
        Rows and columns of places.
    """
    rows, columns = shape
    grey = cv2.resize(luma(image), (columns * PLACE_PX, rows * PLACE_PX), interpolation=cv2.INTER_AREA)
    small = [cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA) for part in (grey, grey**2)]
    means: NDArray[np.float32] = np.stack(small).reshape(2, -1).astype(np.float32, copy=False)
    return means


def light_rows(
    image: NDArray[np.uint8], before: NDArray[np.float32] | None, places: tuple[int, int] | None = None
) -> NDArray[np.float32]:
    """Light and its square at each place, and the sums of all rises and of all falls so far: (P, 4).

    Parameters
    ----------
    image : array of shape (height, width, 3), uint8 RGB
    before : array of shape (P, 4), or None for the first frame
        The rows of the frame before.
    places : (int, int), optional
        Rows and columns of places; by default the whole frame is the only one.
    """
    light, square = moments(image).mean(axis=1, keepdims=True) if places is None else moments(image, places)
    rows = np.stack([light, square, np.zeros_like(light), np.zeros_like(light)], axis=1)
    if before is not None:
        step = rows[:, 0].astype(np.float64) - before[:, 0]
        rows[:, 2:] = (before[:, 2:] + np.maximum(np.stack([step, -step], axis=1), 0.0)) % _RING
    return rows


def light_on_show(rows: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Features of the frames on show: what rose and fell since the slot before stands at a slot.

    Parameters
    ----------
    rows : array of shape (n_slots, ..., 4), from `light_rows`
    valid : array of shape (n_slots,), bool

    Returns
    -------
    array of shape (n_slots, ..., 4)
    """
    light, square, *sums = np.moveaxis(rows.astype(np.float64), -1, 0)
    changes = [np.diff(part, axis=0, prepend=part[:1]) % _RING for part in sums]
    contrast = np.sqrt(np.maximum(square - light**2, 0))
    values = np.stack([light, *changes, contrast], axis=-1)
    known = valid & np.concatenate([valid[:1], valid[:-1]])
    values[~known, ..., 1:3] = 0.0
    values[~valid] = 0.0
    return values
