"""Words on black, as a picture for the participant's screen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from gui.theme import font

_WIDTH, _HEIGHT = 960, 540


def picture_of(words: str, px: int = 22) -> NDArray[np.uint8]:
    """Write words, `px` pixels high, in the middle of a picture: array of shape (540, 960, 4), blue first."""
    image = QImage(_WIDTH, _HEIGHT, QImage.Format.Format_RGB32)
    image.fill(QColor("#000000"))
    painter = QPainter(image)
    painter.setPen(QColor("#c3cad1"))
    painter.setFont(font(px))
    how = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
    painter.drawText(QRect(80, 0, _WIDTH - 160, _HEIGHT), how, words)
    painter.end()
    return np.frombuffer(image.constBits(), np.uint8).reshape(_HEIGHT, _WIDTH, 4).copy()
