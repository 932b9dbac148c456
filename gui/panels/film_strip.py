"""The frames of the interval scored last, and how much each moment weighed."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QWidget

from experiment.state import Thumbnail, View
from gui import captions
from gui.overlay import rgb_image
from gui.panel import Numbers, Panel
from gui.theme import LIGHT, Theme, font
from realtime.types import FloatArray

FULL_RATIO = 2.5  # times an even share that fills the height of the bars
_AXIS_PX = 16
_GAP_PX = 3


class Strip(QWidget):
    """Thumbnails side by side over a bar for each slot; the time runs as in the EEG, newest at the right."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self.span_s = (0.0, 0.0)
        self.weights: FloatArray = np.empty(0, np.float32)
        self._pictures: list[Thumbnail | None] = []
        self.setMinimumSize(160, 76)

    def n_pictures(self) -> int:
        """How many thumbnails fit without being cut."""
        picture = next((p[1] for p in self._pictures if p is not None), None)
        shape = 16 / 9 if picture is None else picture.shape[1] / picture.shape[0]
        return max(3, min(24, round(self.width() / max(self._films().height() * shape, 1))))

    def _bars_px(self) -> float:
        return max(20.0, self.height() * 0.26)

    def _films(self) -> QRectF:
        return QRectF(0, 0, self.width(), self.height() - _AXIS_PX - self._bars_px() - 4)

    def show_interval(
        self, weights: FloatArray, pictures: list[Thumbnail | None], span_s: tuple[float, float]
    ) -> None:
        """Show the weight of each slot (n_slots,), pictures evenly over them, and the span in seconds."""
        self.weights, self._pictures, self.span_s = weights, pictures, span_s
        self.update()

    def paintEvent(self, event: object) -> None:
        """Paint the widget; Qt calls this."""
        if not self._pictures:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        films = self._films()
        self._paint_pictures(painter, films)
        self._paint_bars(painter, QRectF(0, films.bottom() + 4, self.width(), self._bars_px()))
        self._paint_axis(painter)

    def _paint_pictures(self, painter: QPainter, box: QRectF) -> None:
        width = (box.width() + _GAP_PX) / len(self._pictures)
        for n, picture in enumerate(self._pictures):
            cell = QRectF(n * width, box.top(), width - _GAP_PX, box.height())
            if picture is None:
                painter.fillRect(cell, self.theme.colour("sunk"))
                continue
            image = rgb_image(picture[1])
            scale = max(cell.width() / image.width(), cell.height() / image.height())
            w, h = cell.width() / scale, cell.height() / scale
            painter.drawImage(cell, image, QRectF((image.width() - w) / 2, (image.height() - h) / 2, w, h))

    def _paint_bars(self, painter: QPainter, box: QRectF) -> None:
        n = len(self.weights)
        painter.fillRect(box, self.theme.colour("sunk"))
        width = box.width() / n
        for slot, ratio in enumerate(np.clip(self.weights * n / FULL_RATIO, 0, 1)):
            bar = QRectF(
                slot * width, box.bottom() - ratio * box.height(), max(width - 1, 1), ratio * box.height()
            )
            painter.fillRect(bar, self.theme.colour("accent"))
        even = box.bottom() - box.height() / FULL_RATIO
        painter.setPen(QPen(self.theme.colour("muted"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QLineF(box.left(), even, box.right(), even))

    def _paint_axis(self, painter: QPainter) -> None:
        painter.setFont(font(11))
        painter.setPen(self.theme.colour("muted"))
        start, end = self.span_s
        for place, align in ((0.0, "AlignLeft"), (0.5, "AlignHCenter"), (1.0, "AlignRight")):
            text = f"−{abs(start + place * (end - start)):.1f} s"
            box = QRectF(0, self.height() - _AXIS_PX + 2, self.width(), _AXIS_PX - 2)
            painter.drawText(box, getattr(Qt.AlignmentFlag, align), text)


class FilmStrip(Panel):
    """What the model took in last, with its weights."""

    def __init__(self) -> None:
        super().__init__(captions.STRIP)
        self.strip = Strip()
        self.set_content(self.strip)
        self.note.say("bar: share of the attention, line: even share")

    def refresh(self, view: View) -> None:
        """Take what is new; called by the drawing timer."""
        reading = self.new_reading(view)
        if reading is None:
            return
        slots = np.linspace(0, len(reading.frame_seq) - 1, self.strip.n_pictures()).round().astype(int)
        pictures = view.thumbnails([int(seq) for seq in reading.frame_seq[slots]])
        span = (-view.grid.interval_s - view.grid.lag_s, -view.grid.lag_s)
        self.strip.show_interval(reading.attention.frames, pictures, span)

    def numbers(self, view: View) -> Numbers:
        """Return the share of each moment of the interval."""
        times = np.linspace(*self.strip.span_s, len(self.strip.weights), endpoint=False)
        return Numbers(("video_s", "share"), list(zip(times, self.strip.weights.tolist(), strict=True)))

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        super().apply_theme(theme)
        self.strip.theme = theme
        self.strip.update()
