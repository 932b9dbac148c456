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
_OWN_BAR_PX = 14  # of a row, from which on its kind's bar has room beside its name


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
            "average. The bar spans so many µV"
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
        """Return a channel's name, and beside it why it is bad."""
        row = next((row for row in self.shown if row.name == name), None)
        return f"{name} {row.why}".strip() if row is not None else name

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
        self._paint_scales(painter)

    def _paint_scales(self, painter: QPainter) -> None:
        """Draw the bar of each kind at its last row; the one at the bottom says so under it."""
        for n, row in enumerate(self.shown):
            last = n + 1 == len(self.shown)
            if row.scale and (last or self.shown[n + 1].kind != row.kind):
                self._paint_scale(painter, row, n + 1, under=last)

    def _paint_scale(self, painter: QPainter, row: TraceRow, n_rows: int, *, under: bool) -> None:
        """Draw a bar of whole rows, and what it stands for under it (or over the next kind's names)."""
        height = self._row_px()
        of_kind = sum(other.kind == row.kind for other in self.shown)
        spanned = max(1, min(math.ceil(_LEAST_BAR_PX / height), of_kind))
        bottom = MARKERS_PX + n_rows * height
        painter.setPen(QPen(self.theme.colour("text"), 2))
        painter.drawLine(
            QLineF(self.width() - 5, bottom - spanned * height + 1, self.width() - 5, bottom - 1)
        )
        painter.setFont(font(11, bold=True))
        words = f"{row.scale * spanned} {row.unit}".strip()
        if under:
            box = QRectF(0, self.height() - AXIS_PX + 5, self.width() - 4, AXIS_PX - 5)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight, words)
        elif height > 2 * _OWN_BAR_PX:
            box = QRectF(0, bottom - _OWN_BAR_PX, self.width() - 10, _OWN_BAR_PX)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight, words)
