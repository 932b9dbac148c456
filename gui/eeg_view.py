"""EEG traces: time runs in from the right, channels from top to bottom, bad ones grey with the reason."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from gui import captions
from gui.panel import Panel, set_text
from gui.state import View
from gui.strip_chart import StripChart, TraceStyle
from gui.theme import LIGHT, SMALL_PX, Theme, font
from gui.traces import fitting_scale, next_scale
from realtime.config import GridConfig
from realtime.types import FloatArray, TimeArray

SECONDS = 10.0
_AXIS_PX = 20  # height of the time axis
_MARKERS_PX = 16  # height of the markers' words over the traces
_LEAST_BAR_PX = 24
_SETTLE_S = 2.0  # the scale is fitted once, on this much EEG


class Gutter(QWidget):
    """Channel names and the scale bar, drawn anew only when one of them changes."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self._labels: tuple[str, ...] = ()
        self._quality: dict[str, str] = {}
        self._scale_uv = 0
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    def show_channels(self, labels: tuple[str, ...], quality: Mapping[str, str], scale_uv: int) -> None:
        if (labels, quality, scale_uv) == (self._labels, self._quality, self._scale_uv):
            return
        self._labels, self._quality, self._scale_uv = labels, dict(quality), scale_uv
        metrics = QFontMetrics(font(SMALL_PX))
        widest = max((metrics.horizontalAdvance(self.words(name)) for name in labels), default=0)
        self.setFixedWidth(max(56, widest + 14, self.width() if self.isVisible() else 0))
        self.update()

    def words(self, name: str) -> str:
        """A channel's name, and beside it why it is bad."""
        return f"{name} {self._quality.get(name, '')}".strip()

    def rows(self) -> list[tuple[str, float, int]]:
        """Channels that are named: name, middle of the row and size of the letters, both in pixels.

        Where rows are too low for all names some are left out, bad channels last.
        """
        if not self._labels:
            return []
        height = self._row_px()
        px = int(min(SMALL_PX, max(9, height)))
        stride = max(1, math.ceil(1.15 * px / height))
        named: list[tuple[str, float, int]] = []
        for row in sorted(range(len(self._labels)), key=lambda row: not self._quality.get(self._labels[row])):
            name, middle = self._labels[row], _MARKERS_PX + (row + 0.5) * height
            wanted = self._quality.get(name) or row % stride == 0
            if wanted and all(abs(middle - other) >= px for _, other, _ in named):
                named.append((name, middle, px))
        return named

    def _row_px(self) -> float:
        return (self.height() - _AXIS_PX - _MARKERS_PX) / len(self._labels)

    def paintEvent(self, event: object) -> None:
        painter = QPainter(self)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for name, middle, px in self.rows():
            painter.setFont(font(px))
            painter.setPen(self.theme.colour("warn" if self._quality.get(name) else "text"))
            painter.drawText(QRectF(0, middle - 10, self.width() - 12, 20), right, self.words(name))
        if self._scale_uv and self._labels:
            self._paint_scale(painter, self._row_px())

    def _paint_scale(self, painter: QPainter, row: float) -> None:
        """A bar of whole rows at the lower right corner, and what it stands for under it."""
        spanned = max(1, math.ceil(_LEAST_BAR_PX / row))
        bottom = self.height() - _AXIS_PX
        painter.setPen(QPen(self.theme.colour("text"), 2))
        painter.drawLine(QLineF(self.width() - 5, bottom - spanned * row, self.width() - 5, bottom))
        painter.setFont(font(11, bold=True))
        box = QRectF(0, bottom + 5, self.width() - 4, _AXIS_PX - 5)
        painter.drawText(box, Qt.AlignmentFlag.AlignRight, f"{self._scale_uv * spanned} µV")


class Canvas(QWidget):
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

    def prepare(self, now: float, bad: tuple[bool, ...]) -> float:
        """Take over the size and the look; return the seconds of EEG that are still to be drawn."""
        ratio = self.devicePixelRatioF()
        height = self.height() - _AXIS_PX - _MARKERS_PX
        style = TraceStyle(
            size=(max(round(self.width() * ratio), 1), max(round(height * ratio), 1)),
            scale_uv=self.scale_uv,
            bad=bad,
            trace=self.theme.trace,
            quiet=self.theme.quiet,
            line_px=max(1, round(ratio)),
        )
        return self._chart.prepare(now, style)

    def show_samples(self, now: float, times: TimeArray, samples: FloatArray) -> None:
        """Add what came since the last call."""
        self._now = now
        self._chart.draw(now, times, samples)
        self.update()

    def show_marks(self, markers: list[tuple[float, str]], interval: tuple[float, float] | None) -> None:
        """Markers as (stamp, text), and start and end of the EEG that the newest reading was made of."""
        self._markers, self._interval = markers, interval

    def _x(self, t: float) -> float:
        return (t - self._now + SECONDS) / SECONDS * self.width()

    def paintEvent(self, event: object) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.theme.colour("panel"))
        plot = QRectF(0, _MARKERS_PX, self.width(), self.height() - _AXIS_PX - _MARKERS_PX)
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
            painter.drawText(QRectF(left, plot.bottom() + 5, 60, _AXIS_PX - 5), align, text)

    def _paint_markers(self, painter: QPainter, plot: QRectF) -> None:
        """A line each; the word where it does not run into the one before."""
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
        """A bracket under the EEG that the newest reading was made of."""
        if self._interval is None:
            return
        start, end = (self._x(t) for t in self._interval)
        y = plot.bottom() + 1
        painter.setPen(QPen(self.theme.colour("accent"), 2))
        painter.drawLine(QLineF(max(start, 0), y, max(end, 0), y))


class EegView(Panel):
    """Ten seconds of EEG."""

    def __init__(self) -> None:
        super().__init__(captions.EEG)
        self.gutter, self.canvas = Gutter(), Canvas()
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.gutter)
        row.addWidget(self.canvas, 1)
        self.set_content(body)

    def refresh(self, view: View) -> None:
        now, quality = view.now(), view.channel_quality()
        bad = tuple(bool(quality.get(name)) for name in view.labels)
        if not self.canvas.scale_uv:
            self._choose_scale(view)
        if not self.has_content:
            return
        self.gutter.show_channels(view.labels, quality, self.canvas.scale_uv)
        self.canvas.show_marks(view.markers(SECONDS), self._interval(view))
        if self.canvas.scale_uv:
            self.canvas.show_samples(now, *view.eeg_window(self.canvas.prepare(now, bad)))
        set_text(self.note, self._note(view, bad))

    def _choose_scale(self, view: View) -> None:
        """Once, on the first seconds of EEG; from then on the axis stays as it is."""
        _, samples = view.eeg_window(SECONDS)
        known = int(np.isfinite(samples).any(axis=1).sum())
        self.show_content(known > 0)
        if known >= _SETTLE_S * view.grid.eeg_hz:
            self.canvas.scale_uv = fitting_scale(samples)

    @staticmethod
    def _interval(view: View) -> tuple[float, float] | None:
        newest = view.readings.get()
        if newest is None:
            return None
        grid: GridConfig = view.grid
        return newest.value.end - grid.interval_s - grid.lag_s, newest.value.end

    @staticmethod
    def _note(view: View, bad: tuple[bool, ...]) -> str:
        low, high = view.card.band_hz
        band = f"{low:g} – {high:g} Hz"
        return f"{sum(bad)} of {len(bad)} channels bad · {band}" if any(bad) else band

    def change_scale(self, step: int) -> None:
        """Coarser (`step` > 0) or finer."""
        if self.canvas.scale_uv:
            self.canvas.scale_uv = next_scale(self.canvas.scale_uv, step)
            self.canvas.update()

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self.gutter.theme = self.canvas.theme = theme
        self.gutter.update()
        self.canvas.update()
