"""Channel names and the scale bars beside the EEG."""

from __future__ import annotations

import math

from PySide6.QtCore import QLineF, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetrics, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.eeg.channels import TraceRow
from gui.theme import LIGHT, SMALL_PX, font

AXIS_PX = 20  # height of the time axis under the traces
MARKERS_PX = 16  # height of the markers' words over the traces
_LEAST_BAR_PX = 24


class Gutter(QWidget):
    """Channel names and the scale bars, drawn again only when one of them changes."""

    clicked = Signal(str, bool)  # a channel, and whether Ctrl was held

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self.shown: tuple[TraceRow, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(
            "Click a name: the channel is bad, or good again. Ctrl and click: it is chosen for spectrum and "
            "average. The bar spans so many µV; ↕ is what a row of another kind spans"
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the rows, from the top."""
        return tuple(row.name for row in self.shown)

    def show_channels(self, rows: tuple[TraceRow, ...]) -> None:
        """Name these rows, each with its reason where it is bad, beside a scale bar for each kind."""
        if rows == self.shown:
            return
        self.shown = rows
        metrics = QFontMetrics(font(SMALL_PX))
        widest = max((metrics.horizontalAdvance(self.words(row.name)) for row in rows), default=0)
        self.setFixedWidth(max(56, widest + 14, self.width() if self.isVisible() else 0))
        self.update()

    def words(self, name: str) -> str:
        """Return a channel's name, and why it is bad, or what a row spans where it is no electrode."""
        row = next((row for row in self.shown if row.name == name), None)
        if row is None:
            return name
        if row.kind != "eeg" and row.scale:
            return f"{name} ↕ {row.scale} {row.unit}".strip()
        return f"{name} {row.why}".strip()

    def rows(self) -> list[tuple[str, float, int]]:
        """Channels that are named: name, middle of the row and size of the letters, both in pixels.

        Where rows are too low for all names some are left out, bad channels last.
        """
        if not self.shown:
            return []
        height = self._row_px()
        px = int(min(SMALL_PX, max(9, height)))
        stride = max(1, math.ceil(1.15 * px / height))
        named: list[tuple[str, float, int]] = []
        for n in sorted(range(len(self.shown)), key=lambda n: not self.shown[n].why):
            name, middle = self.shown[n].name, MARKERS_PX + (n + 0.5) * height
            wanted = self.shown[n].why or n % stride == 0
            if wanted and all(abs(middle - other) >= px for _, other, _ in named):
                named.append((name, middle, px))
        return named

    def _row_px(self) -> float:
        return (self.height() - AXIS_PX - MARKERS_PX) / len(self.shown)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Say which channel was clicked; Qt calls this."""
        n = int((event.position().y() - MARKERS_PX) // self._row_px()) if self.shown else -1
        if 0 <= n < len(self.shown):
            held = event.modifiers() & Qt.KeyboardModifier.ControlModifier
            self.clicked.emit(self.shown[n].name, bool(held))

    def paintEvent(self, event: object) -> None:
        """Paint the widget; Qt calls this."""
        painter = QPainter(self)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        by_name = {row.name: row for row in self.shown}
        for name, middle, px in self.rows():
            row = by_name[name]
            painter.setFont(font(px, bold=row.chosen))
            painter.setPen(self.theme.colour("warn" if row.why else "text"))
            sign = "• " if row.chosen else ""
            box = QRectF(0, middle - 10, self.width() - 12, 20)
            painter.drawText(box, right, sign + self.words(name))
        electrodes = [row for row in self.shown if row.kind == "eeg"]
        if electrodes and electrodes[-1].scale:
            self._paint_scale(painter, electrodes[-1].scale, len(electrodes))

    def _paint_scale(self, painter: QPainter, scale_uv: int, n_rows: int) -> None:
        """Draw a bar of whole rows at the lowest electrodes, and under all rows what it stands for."""
        height = self._row_px()
        spanned = max(1, min(math.ceil(_LEAST_BAR_PX / height), n_rows))
        bottom = MARKERS_PX + n_rows * height
        painter.setPen(QPen(self.theme.colour("text"), 2))
        painter.drawLine(QLineF(self.width() - 5, bottom - spanned * height, self.width() - 5, bottom))
        painter.setFont(font(11, bold=True))
        box = QRectF(0, self.height() - AXIS_PX + 5, self.width() - 4, AXIS_PX - 5)
        painter.drawText(box, Qt.AlignmentFlag.AlignRight, f"{scale_uv * spanned} µV")
