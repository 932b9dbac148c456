"""The EEG's traces over the axis of time, with markers, what the model saw last, and a cursor."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from gui.eeg.channels import TraceRow
from gui.eeg.gutter import AXIS_PX, MARKERS_PX
from gui.eeg.strip_chart import StripChart, TraceStyle
from gui.theme import LIGHT, font
from realtime.types import FloatArray, TimeArray

SECONDS = 10.0


class TraceCanvas(QWidget):
    """The traces, the time under them, markers, and a bracket under what the model looked at last."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self.rows: tuple[TraceRow, ...] = ()  # none until there is enough EEG to choose a scale
        self.seconds = SECONDS
        self.hover: QPointF | None = None
        self.reads = ""
        self._chart = StripChart(SECONDS)
        self._markers: list[tuple[float, str]] = []
        self._interval: tuple[float, float] | None = None
        self._now = 0.0
        self.setMinimumSize(120, 60)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)

    def set_seconds(self, seconds: float) -> None:
        """Show so many seconds from now on."""
        if seconds != self.seconds:
            self.seconds, self._chart = seconds, StripChart(seconds)

    def begin_again(self) -> None:
        """Forget what is drawn: other channels come."""
        self._chart = StripChart(self.seconds)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Put the cursor under the mouse; Qt calls this."""
        self.hover = event.position()

    def leaveEvent(self, event: object) -> None:
        """Take the cursor away; Qt calls this."""
        self.hover, self.reads = None, ""

    @property
    def traces_box(self) -> QRectF:
        """Where the traces are drawn, between the markers' words and the axis of time."""
        return QRectF(0, MARKERS_PX, self.width(), self.height() - AXIS_PX - MARKERS_PX)

    def time_at(self, x: float) -> float:
        """Return the time at a column, seconds on the session's clock."""
        return self._now - self.seconds * (1 - x / max(self.width(), 1))

    def row_at(self, y: float) -> TraceRow | None:
        """Return the channel whose row is at this height, pixels."""
        box = self.traces_box
        n = int((y - box.top()) // (box.height() / max(len(self.rows), 1)))
        return self.rows[n] if 0 <= n < len(self.rows) and box.height() > 0 else None

    def prepare(self, now: float, rows: tuple[TraceRow, ...], filtered: str) -> float:
        """Take over the size and the rows; return the seconds of EEG that are still to be drawn."""
        if [row.name for row in rows] != [row.name for row in self.rows]:
            self.begin_again()
        self.rows = rows
        ratio = self.devicePixelRatioF()
        height = self.height() - AXIS_PX - MARKERS_PX
        style = TraceStyle(
            size=(max(round(self.width() * ratio), 1), max(round(height * ratio), 1)),
            scales=tuple(row.scale for row in rows),
            bad=tuple(bool(row.why) for row in rows),
            trace=self.theme.trace,
            quiet=self.theme.quiet,
            filtered=filtered,
            line_px=max(1, round(ratio)),
        )
        return self._chart.prepare(now, style)

    def show_samples(self, now: float, times: TimeArray, samples: FloatArray) -> None:
        """Add what came since the last call: samples (n, n_channels) at times (n,)."""
        self._now = now
        self._chart.draw(now, times, samples)
        self.update()

    def traces(self) -> QPixmap:
        """Return the picture of the traces as it is shown, without axes and markers."""
        return self._chart.pixmap.copy(self._chart.shown.toRect())

    def show_marks(self, markers: list[tuple[float, str]], interval: tuple[float, float] | None) -> None:
        """Markers as (stamp, text), and start and end of the EEG that the newest reading was made of."""
        self._markers, self._interval = markers, interval

    def _x(self, t: float) -> float:
        return (t - self._now + self.seconds) / self.seconds * self.width()

    def paintEvent(self, event: object) -> None:
        """Paint the widget; Qt calls this."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.theme.colour("panel"))
        plot = self.traces_box
        self._paint_axis(painter, plot)
        self._paint_markers(painter, plot)
        if self.rows:
            painter.drawPixmap(plot, self._chart.pixmap, self._chart.shown)
        self._paint_interval(painter, plot)
        self._paint_cursor(painter, plot)

    def _paint_cursor(self, painter: QPainter, plot: QRectF) -> None:
        """Draw a line under the mouse, and what the channel there measures."""
        if self.hover is None or not self.reads:
            return
        x = self.hover.x()
        painter.setPen(QPen(self.theme.colour("accent"), 1))
        painter.drawLine(QLineF(x, plot.top(), x, plot.bottom()))
        painter.setFont(font(11))
        width = painter.fontMetrics().horizontalAdvance(self.reads) + 12
        left = x + 6 if x + 6 + width < self.width() else x - 6 - width
        plate = QRectF(left, max(self.hover.y() - 24, plot.top()), width, 19)
        painter.fillRect(plate, self.theme.colour("panel", 0.9))
        painter.setPen(self.theme.colour("text"))
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, self.reads)

    def _paint_axis(self, painter: QPainter, plot: QRectF) -> None:
        painter.setFont(font(11))
        step = self.seconds / 5
        for second in np.arange(0, self.seconds + 0.5 * step, step):
            x = round(plot.width() * (1 - second / self.seconds))
            painter.setPen(self.theme.colour("grid"))
            painter.drawLine(QLineF(x, plot.top(), x, plot.bottom()))
            painter.setPen(self.theme.colour("muted"))
            text = f"−{second:g} s" if second else "now"
            left = min(max(x - 30, 0), plot.width() - 60)
            align = Qt.AlignmentFlag.AlignHCenter
            if second == 0:
                align = Qt.AlignmentFlag.AlignRight
            elif second >= self.seconds:
                align = Qt.AlignmentFlag.AlignLeft
            painter.drawText(QRectF(left, plot.bottom() + 5, 60, AXIS_PX - 5), align, text)

    def _paint_markers(self, painter: QPainter, plot: QRectF) -> None:
        """Draw a line each, and the word where it does not run into the one before."""
        painter.setFont(font(11))
        free_from = -math.inf
        for stamp, text in self._markers:
            x = self._x(stamp)
            shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, 90)
            width = painter.fontMetrics().horizontalAdvance(shown)
            left = x + 3 if x + 3 + width <= plot.right() else x - 3 - width  # never cut at the edge
            worded = left >= free_from
            painter.setPen(QPen(self.theme.colour("quiet"), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QLineF(x, 2 if worded else plot.top(), x, plot.bottom()))
            if worded:
                painter.setPen(self.theme.colour("muted"))
                painter.drawText(QPointF(left, 11), shown)
                free_from = left + width + 9

    def _paint_interval(self, painter: QPainter, plot: QRectF) -> None:
        """Draw a bracket under the EEG that the newest reading was made of."""
        if self._interval is None:
            return
        start, end = (self._x(t) for t in self._interval)
        y = plot.bottom() + 1
        painter.setPen(QPen(self.theme.colour("accent"), 2))
        painter.drawLine(QLineF(max(start, 0), y, max(end, 0), y))
