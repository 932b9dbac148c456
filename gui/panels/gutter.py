"""Channel names and the scale bar beside the EEG."""

from __future__ import annotations

import math
from collections.abc import Mapping

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.theme import LIGHT, SMALL_PX, font

AXIS_PX = 20  # height of the time axis under the traces
MARKERS_PX = 16  # height of the markers' words over the traces
_LEAST_BAR_PX = 24


class Gutter(QWidget):
    """Channel names and the scale bar, drawn again only when one of them changes."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self.labels: tuple[str, ...] = ()
        self._quality: dict[str, str] = {}
        self._scale_uv = 0
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    def show_channels(self, labels: tuple[str, ...], quality: Mapping[str, str], scale_uv: int) -> None:
        """Name these channels, each with its reason where it is bad, beside a scale bar in µV."""
        if (labels, quality, scale_uv) == (self.labels, self._quality, self._scale_uv):
            return
        self.labels, self._quality, self._scale_uv = labels, dict(quality), scale_uv
        metrics = QFontMetrics(font(SMALL_PX))
        widest = max((metrics.horizontalAdvance(self.words(name)) for name in labels), default=0)
        self.setFixedWidth(max(56, widest + 14, self.width() if self.isVisible() else 0))
        self.update()

    def words(self, name: str) -> str:
        """Return a channel's name, and beside it why it is bad."""
        return f"{name} {self._quality.get(name, '')}".strip()

    def rows(self) -> list[tuple[str, float, int]]:
        """Channels that are named: name, middle of the row and size of the letters, both in pixels.

        Where rows are too low for all names some are left out, bad channels last.
        """
        if not self.labels:
            return []
        height = self._row_px()
        px = int(min(SMALL_PX, max(9, height)))
        stride = max(1, math.ceil(1.15 * px / height))
        named: list[tuple[str, float, int]] = []
        for row in sorted(range(len(self.labels)), key=lambda row: not self._quality.get(self.labels[row])):
            name, middle = self.labels[row], MARKERS_PX + (row + 0.5) * height
            wanted = self._quality.get(name) or row % stride == 0
            if wanted and all(abs(middle - other) >= px for _, other, _ in named):
                named.append((name, middle, px))
        return named

    def _row_px(self) -> float:
        return (self.height() - AXIS_PX - MARKERS_PX) / len(self.labels)

    def paintEvent(self, event: object) -> None:
        """Paint the widget; Qt calls this."""
        painter = QPainter(self)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for name, middle, px in self.rows():
            painter.setFont(font(px))
            painter.setPen(self.theme.colour("warn" if self._quality.get(name) else "text"))
            painter.drawText(QRectF(0, middle - 10, self.width() - 12, 20), right, self.words(name))
        if self._scale_uv and self.labels:
            self._paint_scale(painter, self._row_px())

    def _paint_scale(self, painter: QPainter, row: float) -> None:
        """Draw a bar of whole rows at the lower right corner, and what it stands for under it."""
        spanned = max(1, math.ceil(_LEAST_BAR_PX / row))
        bottom = self.height() - AXIS_PX
        painter.setPen(QPen(self.theme.colour("text"), 2))
        painter.drawLine(QLineF(self.width() - 5, bottom - spanned * row, self.width() - 5, bottom))
        painter.setFont(font(11, bold=True))
        box = QRectF(0, bottom + 5, self.width() - 4, AXIS_PX - 5)
        painter.drawText(box, Qt.AlignmentFlag.AlignRight, f"{self._scale_uv * spanned} µV")
