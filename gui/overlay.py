"""Attention over patches as a picture to lay over the video."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QImage

from experiment.state import View
from gui.theme import attention_table
from realtime.types import Attention, FloatArray, Rectangle

FULL_RATIO = 3.0  # times its even share at which a patch is shown strongest
_MOST_OPAQUE, _FAINT = 0.62, 0.22
_GREY = 190
SURE = 0.95  # certainty from which on a place stands out: chance leads so far once in twenty times
LEAST_COLOUR = 0.35  # the map is entered here: its dark end would darken the picture instead of marking it


def stands_out(attention: Attention) -> bool:
    """Say whether the place that is attended most stands out from what chance gives."""
    return attention.certainty is not None and attention.certainty >= SURE


def may_tell(view: View) -> bool:
    """Say whether certainty may be told: not in a blind session, nor where the network is untrained."""
    return not view.blind and view.card.weights != "untrained"


def told(attention: Attention, view: View) -> Attention:
    """Take the certainty away where it may not be told or means nothing."""
    return attention if may_tell(view) else replace(attention, certainty=None)


def heat(places: FloatArray, *, sure: bool = True) -> NDArray[np.uint8]:
    """Colour and opacity of each place.

    The measure is the ratio to an even share, not to the largest place: attention that is spread evenly
    leaves the picture as it is instead of being blown up to look like something. What does not stand out
    from chance is a faint grey.

    Parameters
    ----------
    places : array of shape (rows, columns), summing to 1 at most
    sure : bool
        It stands out from chance.

    Returns
    -------
    array of shape (rows, columns, 4), uint8 RGBA
    """
    ratio = places.astype(np.float64) * places.size
    strength = np.clip((ratio - 1) / (FULL_RATIO - 1), 0, 1)
    rgba = np.empty((*places.shape, 4), np.uint8)
    rgba[..., :3] = attention_table()[
        np.round(255 * (LEAST_COLOUR + (1 - LEAST_COLOUR) * strength)).astype(int)
    ]
    if not sure:
        rgba[..., :3] = _GREY
    rgba[..., 3] = np.round(255 * (_MOST_OPAQUE if sure else _FAINT) * np.sqrt(strength))
    return rgba


def choice(places: FloatArray) -> Rectangle | None:
    """Return the place that is attended most as a part of the picture; None where there is no attention.

    Parameters
    ----------
    places : array of shape (rows, columns)
    """
    if not places.max(initial=0.0) > 0:
        return None
    rows, columns = places.shape
    row, column = divmod(int(places.argmax()), columns)
    return Rectangle(column / columns, row / rows, (column + 1) / columns, (row + 1) / rows)


def part(of: QRectF, rectangle: Rectangle) -> QRectF:
    """Return where a part of a picture lies that is shown in the box `of`."""
    corner = QPointF(of.left() + rectangle.left * of.width(), of.top() + rectangle.top * of.height())
    width, height = rectangle.right - rectangle.left, rectangle.bottom - rectangle.top
    return QRectF(corner, QSizeF(width * of.width(), height * of.height()))


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
