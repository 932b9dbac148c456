"""The newest picture with the attention over its patches."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import captions
from gui.overlay import FULL_RATIO, LEAST_COLOUR, fitted, heat, rgb_image, rgba_image
from gui.panel import Panel, set_text, tool_button
from gui.ramp import ramp_image
from gui.state import View
from gui.theme import LIGHT, Theme, font
from realtime.types import FloatArray, Frame

_LEGEND_FROM_PX = 200  # a narrower picture is shown without it


class Picture(QWidget):
    """A frame in its own shape, the attention over it."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self.overlay = True
        self._image: QImage | None = None
        self._heat: QImage | None = None
        self._shape = (0, 0)
        self.setMinimumSize(120, 60)

    def show_frame(self, frame: Frame) -> None:
        self._image = rgb_image(frame.image)
        self.update()

    def show_attention(self, patches: FloatArray) -> None:
        self._heat = rgba_image(heat(patches))
        self._shape = patches.shape
        self.update()

    def paintEvent(self, event: object) -> None:
        painter = QPainter(self)
        if self._image is None:
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        box = fitted(self._image.width(), self._image.height(), QRectF(self.rect()))
        painter.drawImage(box, self._image)
        if self._heat is not None and self.overlay:
            painter.drawImage(box, self._heat)
            self._paint_grid(painter, box)
            if box.width() >= _LEGEND_FROM_PX:
                self._paint_legend(painter, box)

    def _paint_grid(self, painter: QPainter, box: QRectF) -> None:
        painter.setPen(QPen(Qt.GlobalColor.white, 1))
        painter.setOpacity(0.18)
        rows, columns = self._shape
        for n in range(1, columns):
            x = box.left() + box.width() * n / columns
            painter.drawLine(round(x), round(box.top()), round(x), round(box.bottom()))
        for n in range(1, rows):
            y = box.top() + box.height() * n / rows
            painter.drawLine(round(box.left()), round(y), round(box.right()), round(y))
        painter.setOpacity(1.0)

    def _paint_legend(self, painter: QPainter, box: QRectF) -> None:
        """A small scale: even share to `FULL_RATIO` times it."""
        painter.setFont(font(11))
        words = ("even", f"{FULL_RATIO:.0f}×")
        widths = [painter.fontMetrics().horizontalAdvance(word) for word in words]
        ramp = 56
        plate = QRectF(box.right() - sum(widths) - ramp - 32, box.bottom() - 26, sum(widths) + ramp + 26, 20)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(Qt.GlobalColor.black)
        painter.setOpacity(0.62)
        painter.drawRoundedRect(plate, 4, 4)
        painter.setOpacity(1.0)
        painter.setPen(Qt.GlobalColor.white)
        painter.drawText(plate.adjusted(7, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, words[0])
        painter.drawText(
            plate.adjusted(0, 0, -7, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, words[1]
        )
        colours = QRectF(plate.left() + widths[0] + 13, plate.top() + 7, ramp, 6)
        painter.drawImage(colours, ramp_image(LEAST_COLOUR))


class VideoView(Panel):
    """What is on the screen, and where the model looks."""

    def __init__(self) -> None:
        super().__init__(captions.VIDEO)
        self.picture = Picture()
        self.set_content(self.picture)
        self._frame_seq = 0
        self._reading_seq = 0
        self.switch = tool_button("Attention", checkable=True)
        self.switch.setChecked(True)
        self.switch.setToolTip("Lay the attention over the picture (O)")
        self.switch.toggled.connect(lambda on: self.show_stale(not on))
        self.add_to_header(self.switch)

    def show_stale(self, stale: bool) -> None:
        """Old attention does not belong on a new picture."""
        self.picture.overlay = self.switch.isChecked() and not stale
        self.picture.update()

    def refresh(self, view: View) -> None:
        set_text(self.note, view.video_health().name)
        frame = view.preview.newer_than(self._frame_seq)
        if frame is not None:
            self._frame_seq = frame.seq
            self.picture.show_frame(frame.value)
            self.show_content(True)
        reading = view.readings.newer_than(self._reading_seq)
        if reading is not None:
            self._reading_seq = reading.seq
            self.picture.show_attention(reading.value.attention.patches)

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self.picture.theme = theme
        self.picture.update()
