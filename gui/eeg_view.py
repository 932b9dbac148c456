"""EEG traces: time runs in from the right, channels from top to bottom, bad ones grey with the reason."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from gui import captions
from gui.panel import Panel, set_text
from gui.state import View
from gui.theme import LIGHT, SMALL_PX, Theme, font
from gui.traces import fitting_scale, next_scale, reduce_to_pixels
from realtime.config import GridConfig
from realtime.types import FloatArray, TimeArray

SECONDS = 10.0
_AXIS_PX = 20  # height of the time axis
_SETTLE_S = 2.0  # the scale is fitted once, on this much EEG


class Gutter(QWidget):
    """Channel names beside their rows; only drawn anew when a name, a reason or the size changes."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self._labels: tuple[str, ...] = ()
        self._quality: dict[str, str] = {}
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    def show_channels(self, labels: tuple[str, ...], quality: Mapping[str, str]) -> None:
        if labels == self._labels and quality == self._quality:
            return
        self._labels, self._quality = labels, dict(quality)
        metrics = pg.QtGui.QFontMetrics(font(SMALL_PX))
        widest = max((metrics.horizontalAdvance(text) for text in map(self._text, labels)), default=0)
        reasons = max(
            (metrics.horizontalAdvance(f"{name} {why}") for name, why in self._quality.items()), default=0
        )
        self.setFixedWidth(max(44, widest, reasons) + 10)
        self.update()

    def _text(self, name: str) -> str:
        return f"{name} {self._quality.get(name, '')}".strip()

    def paintEvent(self, event: object) -> None:
        painter = QPainter(self)
        rows = len(self._labels)
        if not rows:
            return
        height = (self.height() - _AXIS_PX) / rows
        px = int(min(SMALL_PX, max(7, height + 1)))
        painter.setFont(font(px))
        stride = max(1, int(np.ceil(px / max(height, 1e-6) / 1.35)))
        for row, name in enumerate(self._labels):
            bad = bool(self._quality.get(name))
            if row % stride and not bad:
                continue
            painter.setPen(self.theme.colour("warn" if bad else "text"))
            box = QRectF(0, row * height + height / 2 - 10, self.width() - 10, 20)
            painter.drawText(
                box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._text(name)
            )


class Canvas(QWidget):
    """The traces themselves, drawn as one path for the good channels and one for the bad."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self.scale_uv = 0  # µV that one row spans; 0 until there is enough EEG to choose it
        self.interval: tuple[float, float] | None = None
        self._times: TimeArray = np.empty(0)
        self._samples: FloatArray = np.empty((0, 0), np.float32)
        self._bad: np.ndarray = np.empty(0, bool)
        self._markers: list[tuple[float, str]] = []
        self._now = 0.0
        self.setMinimumSize(120, 60)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def show_samples(
        self,
        now: float,
        times: TimeArray,
        samples: FloatArray,
        bad: np.ndarray,
        markers: list[tuple[float, str]],
    ) -> None:
        self._now, self._times, self._samples, self._bad, self._markers = now, times, samples, bad, markers
        self.update()

    def _x(self, t: np.ndarray | float) -> np.ndarray | float:
        return (np.asarray(t) - self._now + SECONDS) / SECONDS * self.width()

    def paintEvent(self, event: object) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.theme.colour("panel"))
        plot = QRectF(0, 0, self.width(), self.height() - _AXIS_PX)
        self._paint_axis(painter, plot)
        self._paint_markers(painter, plot)
        if self._samples.size and self.scale_uv:
            painter.setClipRect(plot)
            self._paint_traces(painter, plot)
            painter.setClipping(False)
        self._paint_interval(painter, plot)
        if self.scale_uv:
            self._paint_scale_bar(painter, plot)

    def _paint_axis(self, painter: QPainter, plot: QRectF) -> None:
        painter.setFont(font(11))
        for second in range(0, int(SECONDS) + 1, 2):
            x = round(plot.width() * (1 - second / SECONDS))
            painter.setPen(self.theme.colour("grid"))
            painter.drawLine(QLineF(x, 0, x, plot.height()))
            painter.setPen(self.theme.colour("muted"))
            text = f"−{second} s" if second else "now"
            left = min(max(x - 30, 0), plot.width() - 60)
            align = Qt.AlignmentFlag.AlignHCenter
            if second == 0:
                align = Qt.AlignmentFlag.AlignRight
            elif second == SECONDS:
                align = Qt.AlignmentFlag.AlignLeft
            painter.drawText(QRectF(left, plot.height() + 5, 60, _AXIS_PX - 5), align, text)

    def _paint_markers(self, painter: QPainter, plot: QRectF) -> None:
        painter.setFont(font(11))
        free_from = -1.0
        for stamp, text in self._markers:
            x = float(self._x(stamp))
            painter.setPen(QPen(self.theme.colour("muted"), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QLineF(x, 0, x, plot.height()))
            if x >= free_from:
                shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, 90)
                painter.drawText(QPointF(x + 3, 11), shown)
                free_from = x + 10 + painter.fontMetrics().horizontalAdvance(shown)

    def _paint_traces(self, painter: QPainter, plot: QRectF) -> None:
        n = self._samples.shape[1]
        row = plot.height() / n
        times, samples = reduce_to_pixels(
            self._times, self._samples, (len(self._times) - 1) / max(self._times[-1] - self._times[0], 1e-9),
            round(plot.width() * self.devicePixelRatioF()),
        )  # fmt: skip
        x = np.asarray(self._x(times))
        y = (np.arange(n) + 0.5) * row - samples.astype(np.float64) * (row / self.scale_uv)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, n <= 16)
        for chosen, colour in ((self._bad, "quiet"), (~self._bad, "trace")):
            columns = y[:, chosen]
            if columns.size:
                flat = columns.T.ravel()
                connect = np.isfinite(flat)
                connect[:-1] &= connect[1:]
                connect[len(x) - 1 :: len(x)] = False  # do not run from one channel into the next
                path = pg.arrayToQPath(
                    np.tile(x, columns.shape[1]), np.nan_to_num(flat), connect=connect, finiteCheck=False
                )
                painter.setPen(QPen(self.theme.colour(colour), 1.2 if n <= 16 else 1))
                painter.drawPath(path)

    def _paint_interval(self, painter: QPainter, plot: QRectF) -> None:
        """A bracket under the EEG that the newest reading was made of."""
        if self.interval is None:
            return
        start, end = (float(self._x(t)) for t in self.interval)
        y = plot.height() + 1
        painter.setPen(QPen(self.theme.colour("accent"), 2))
        painter.drawLine(QLineF(max(start, 0), y, max(end, 0), y))

    def _paint_scale_bar(self, painter: QPainter, plot: QRectF) -> None:
        rows = self._samples.shape[1] or 1
        spanned = max(1, int(np.ceil(24 * rows / plot.height())))  # whole rows, so that the bar can be seen
        height = plot.height() / rows * spanned
        text = f"{self.scale_uv * spanned} µV"
        painter.setFont(font(SMALL_PX, bold=True))
        width = painter.fontMetrics().horizontalAdvance(text) + 22
        box = QRectF(plot.width() - width - 2, plot.height() - height - 8, width, height + 4)
        painter.fillRect(box, self.theme.colour("panel", 0.85))
        painter.setPen(QPen(self.theme.colour("text"), 2))
        painter.drawLine(QLineF(box.right() - 5, box.top() + 2, box.right() - 5, box.bottom() - 2))
        painter.drawText(
            box.adjusted(4, 0, -12, 0), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text
        )


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
        times, samples = view.eeg_window(SECONDS)
        self.show_content(len(times) > 1)
        if not self.has_content:
            return
        if not self.canvas.scale_uv and len(times) >= _SETTLE_S * view.grid.eeg_hz:
            self.canvas.scale_uv = fitting_scale(samples)
        quality = view.channel_quality()
        bad = np.array([bool(quality.get(name)) for name in view.labels])
        self.gutter.show_channels(view.labels, quality)
        self.canvas.interval = self._interval(view)
        self.canvas.show_samples(view.now(), times, samples, bad, view.markers(SECONDS))
        set_text(self.note, self._note(bad))

    @staticmethod
    def _interval(view: View) -> tuple[float, float] | None:
        newest = view.readings.get()
        if newest is None:
            return None
        grid: GridConfig = view.grid
        return newest.value.end - grid.interval_s - grid.lag_s, newest.value.end

    def _note(self, bad: np.ndarray) -> str:
        spread = f"{self.canvas.scale_uv} µV a row" if self.canvas.scale_uv else "choosing the scale"
        return f"{int(bad.sum())} of {len(bad)} channels bad · {spread}" if bad.any() else spread

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
