"""The attention's colours with a word at either end."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QImage, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.overlay import rgb_image
from gui.theme import LIGHT, SMALL_PX, Theme, attention_table, font

_RAMP_PX = 48


def ramp_image(start: float = 0.0) -> QImage:
    """Return the colours from `start` (0 to 1) to the end, one pixel high."""
    return rgb_image(attention_table()[np.linspace(255 * start, 255, _RAMP_PX).astype(int)][None])


class Ramp(QWidget):
    """A colour scale of one line: low end, colours, high end."""

    def __init__(self) -> None:
        super().__init__()
        self.theme: Theme = LIGHT
        self._ends = ("", "")
        self._widest = 0
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def set_ends(self, low: str, high: str) -> None:
        """Write these words at the two ends."""
        if (low, high) != self._ends:
            self._ends = (low, high)
            # Grows with its words and never shrinks, so that a changing number moves nothing beside it.
            metrics = QFontMetrics(font(SMALL_PX))
            words = sum(metrics.horizontalAdvance(word) for word in self._ends)
            self._widest = max(self._widest, words + _RAMP_PX + 14)
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        """Return the size it wants; Qt asks."""
        return QSize(self._widest, 18)

    def minimumSizeHint(self) -> QSize:
        """Give way where there is no room; Qt asks."""
        return QSize(0, 18)

    def paintEvent(self, event: object) -> None:
        """Paint the widget; Qt calls this."""
        if self.width() < self._widest:
            return  # half a scale would say something else
        painter = QPainter(self)
        painter.setFont(font(SMALL_PX))
        painter.setPen(self.theme.colour("muted"))
        middle = Qt.AlignmentFlag.AlignVCenter
        high = painter.fontMetrics().horizontalAdvance(self._ends[1])
        colours = QRectF(self.width() - high - 6 - _RAMP_PX, self.height() / 2 - 3, _RAMP_PX, 6)
        painter.drawImage(colours, ramp_image())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignRight | middle, self._ends[1])
        low = QRectF(0, 0, colours.left() - 6, self.height())
        painter.drawText(low, Qt.AlignmentFlag.AlignRight | middle, self._ends[0])
