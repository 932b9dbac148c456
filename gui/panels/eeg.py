"""EEG traces: time runs in from the right, channels from top to bottom, bad ones grey with the reason."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from experiment.state import View
from gui import captions
from gui.panel import Panel, set_text, tool_button
from gui.panels.gutter import AXIS_PX, MARKERS_PX, Gutter
from gui.panels.strip_chart import StripChart, TraceStyle
from gui.panels.traces import fitting_scale, next_scale
from gui.panels.view_filter import AS_THE_MODEL, FILTERS, ViewFilter
from gui.theme import LIGHT, Theme, font
from realtime.config import GridConfig
from realtime.types import FloatArray, TimeArray

SECONDS = 10.0
_SETTLE_S = 2.0  # the scale is fitted once, on this much EEG


class TraceCanvas(QWidget):
    """The traces, the time under them, markers, and a bracket under what the model looked at last."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self.scale_uv = 0  # µV that one row spans; 0 until there is enough EEG to choose it
        self._chart = StripChart(SECONDS)
        self._markers: list[tuple[float, str]] = []
        self._interval: tuple[float, float] | None = None
        self._now = 0.0
        self.setMinimumSize(120, 60)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def prepare(self, now: float, bad: tuple[bool, ...], filtered: str) -> float:
        """Take over the size and the look; return the seconds of EEG that are still to be drawn."""
        ratio = self.devicePixelRatioF()
        height = self.height() - AXIS_PX - MARKERS_PX
        style = TraceStyle(
            size=(max(round(self.width() * ratio), 1), max(round(height * ratio), 1)),
            scale_uv=self.scale_uv,
            bad=bad,
            trace=self.theme.trace,
            quiet=self.theme.quiet,
            filtered=filtered,
            line_px=max(1, round(ratio)),
        )
        return self._chart.prepare(now, style)

    def show_samples(self, now: float, times: TimeArray, samples: FloatArray) -> None:
        """Add what came since the last call."""
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
        return (t - self._now + SECONDS) / SECONDS * self.width()

    def paintEvent(self, event: object) -> None:
        """Paint the widget; Qt calls this."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.theme.colour("panel"))
        plot = QRectF(0, MARKERS_PX, self.width(), self.height() - AXIS_PX - MARKERS_PX)
        self._paint_axis(painter, plot)
        self._paint_markers(painter, plot)
        if self.scale_uv:
            painter.drawPixmap(plot, self._chart.pixmap, self._chart.shown)
        self._paint_interval(painter, plot)

    def _paint_axis(self, painter: QPainter, plot: QRectF) -> None:
        painter.setFont(font(11))
        for second in range(0, int(SECONDS) + 1, 2):
            x = round(plot.width() * (1 - second / SECONDS))
            painter.setPen(self.theme.colour("grid"))
            painter.drawLine(QLineF(x, plot.top(), x, plot.bottom()))
            painter.setPen(self.theme.colour("muted"))
            text = f"−{second} s" if second else "now"
            left = min(max(x - 30, 0), plot.width() - 60)
            align = Qt.AlignmentFlag.AlignHCenter
            if second == 0:
                align = Qt.AlignmentFlag.AlignRight
            elif second == SECONDS:
                align = Qt.AlignmentFlag.AlignLeft
            painter.drawText(QRectF(left, plot.bottom() + 5, 60, AXIS_PX - 5), align, text)

    def _paint_markers(self, painter: QPainter, plot: QRectF) -> None:
        """Draw a line each, and the word where it does not run into the one before."""
        painter.setFont(font(11))
        free_from = -math.inf
        for stamp, text in self._markers:
            x = self._x(stamp)
            worded = x >= free_from
            painter.setPen(QPen(self.theme.colour("quiet"), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QLineF(x, 2 if worded else plot.top(), x, plot.bottom()))
            if worded:
                shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, 90)
                painter.setPen(self.theme.colour("muted"))
                painter.drawText(QPointF(x + 3, 11), shown)
                free_from = x + 12 + painter.fontMetrics().horizontalAdvance(shown)

    def _paint_interval(self, painter: QPainter, plot: QRectF) -> None:
        """Draw a bracket under the EEG that the newest reading was made of."""
        if self._interval is None:
            return
        start, end = (self._x(t) for t in self._interval)
        y = plot.bottom() + 1
        painter.setPen(QPen(self.theme.colour("accent"), 2))
        painter.drawLine(QLineF(max(start, 0), y, max(end, 0), y))


class EegPanel(Panel):
    """Ten seconds of EEG."""

    def __init__(self) -> None:
        super().__init__(captions.EEG)
        self.gutter, self.canvas = Gutter(), TraceCanvas()
        self.filter = AS_THE_MODEL
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.gutter)
        row.addWidget(self.canvas, 1)
        self.set_content(body)
        self.filter_button = tool_button("")
        self.filter_button.setToolTip("Filter of this view (V); what the model is fed stays the same")
        self.filter_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.filter_button)
        for choice in FILTERS:
            menu.addAction(choice.name, partial(self.set_filter, choice))
        self.filter_button.setMenu(menu)
        self.add_to_header(self.filter_button)

    def set_filter(self, choice: ViewFilter, *_: object) -> None:
        """Draw the EEG through this filter from now on."""
        self.filter = choice

    def next_filter(self) -> None:
        """Draw through the next filter of the list."""
        self.filter = FILTERS[(FILTERS.index(self.filter) + 1) % len(FILTERS)]

    def refresh(self, view: View) -> None:
        """Take what is new; called by the drawing timer."""
        now, quality = view.now(), view.channel_quality()
        bad = tuple(bool(quality.get(name)) for name in view.labels)
        if not self.canvas.scale_uv:
            self._choose_scale(view)
        if not self.has_content:
            return
        self.gutter.show_channels(view.labels, quality, self.canvas.scale_uv)
        self.canvas.show_marks(view.markers(SECONDS), self._interval(view))
        if self.canvas.scale_uv:
            self._draw_new(view, now, bad)
        low, high = self.filter.band_hz or view.card.band_hz
        set_text(self.filter_button, f"{low:g} – {high:g} Hz")
        self.note.say(f"{sum(bad)} of {len(bad)} channels bad" if any(bad) else "")

    def _draw_new(self, view: View, now: float, bad: tuple[bool, ...]) -> None:
        wanted = self.canvas.prepare(now, bad, self.filter.name)
        times, samples = view.eeg_window(wanted + self.filter.warm_up_s)
        samples = self.filter(samples, view.grid.eeg_hz)
        begins = max(len(times) - round(wanted * view.grid.eeg_hz), 0)
        self.canvas.show_samples(now, times[begins:], samples[begins:])

    def _choose_scale(self, view: View) -> None:
        """Once, on the first seconds of EEG; from then on the axis stays as it is."""
        _, samples = view.eeg_window(SECONDS)
        known = int(np.isfinite(samples).any(axis=1).sum())
        self.show_content(there=known > 0)
        if known >= _SETTLE_S * view.grid.eeg_hz:
            self.canvas.scale_uv = fitting_scale(samples)

    @staticmethod
    def _interval(view: View) -> tuple[float, float] | None:
        newest = view.readings.get()
        if newest is None:
            return None
        grid: GridConfig = view.grid
        return newest.value.end - grid.interval_s - grid.lag_s, newest.value.end

    def change_scale(self, step: int) -> None:
        """Coarser (`step` > 0) or finer."""
        if self.canvas.scale_uv:
            self.canvas.scale_uv = next_scale(self.canvas.scale_uv, step)
            self.canvas.update()

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        super().apply_theme(theme)
        self.gutter.theme = self.canvas.theme = theme
        self.gutter.update()
        self.canvas.update()
