"""Attention over patches as a picture to lay over the video."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage

from gui.theme import attention_table
from realtime.types import FloatArray

FULL_RATIO = 3.0  # times its even share at which a patch is shown strongest
_MOST_OPAQUE = 0.62
LEAST_COLOUR = 0.35  # the map is entered here: its dark end would darken the picture instead of marking it


def heat(patches: FloatArray) -> NDArray[np.uint8]:
    """Colour and opacity of each patch.

    The measure is the ratio to an even share, not to the largest patch: attention that is spread evenly
    leaves the picture as it is instead of being blown up to look like something.

    Parameters
    ----------
    patches : array of shape (rows, columns), summing to 1

    Returns
    -------
    array of shape (rows, columns, 4), uint8 RGBA
    """
    ratio = patches.astype(np.float64) * patches.size
    strength = np.clip((ratio - 1) / (FULL_RATIO - 1), 0, 1)
    rgba = np.empty((*patches.shape, 4), np.uint8)
    rgba[..., :3] = attention_table()[
        np.round(255 * (LEAST_COLOUR + (1 - LEAST_COLOUR) * strength)).astype(int)
    ]
    rgba[..., 3] = np.round(255 * _MOST_OPAQUE * np.sqrt(strength))
    return rgba


def rgba_image(rgba: NDArray[np.uint8]) -> QImage:
    """Copy an array of shape (rows, columns, 4), uint8 RGBA, into a QImage."""
    rgba = np.ascontiguousarray(rgba)
    return QImage(
        rgba.data, rgba.shape[1], rgba.shape[0], 4 * rgba.shape[1], QImage.Format.Format_RGBA8888
    ).copy()


def rgb_image(image: NDArray[np.uint8]) -> QImage:
    """Copy an array of shape (height, width, 3), uint8 RGB, into a QImage.

    Four bytes a pixel: Qt scales those four times as fast as three.
    """
    image = np.ascontiguousarray(image)
    height, width = image.shape[:2]
    packed = QImage(image.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return packed.convertToFormat(QImage.Format.Format_RGB32)


def fitted(width: float, height: float, into: QRectF) -> QRectF:
    """Return the largest rectangle of the shape width : height in the middle of `into`."""
    scale = min(into.width() / width, into.height() / height)
    w, h = width * scale, height * scale
    return QRectF(into.x() + (into.width() - w) / 2, into.y() + (into.height() - h) / 2, w, h)
